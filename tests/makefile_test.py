"""What `make` finds, makes and says, with stand-ins for Python and for what asks the internet."""

from __future__ import annotations

import os
import pathlib
import re
import shutil
import subprocess

import pytest

from sketch2img_tf import versions
from tests.sources import ROOT

LANES = [versions.ASKED, versions.CURRENT]
# As a Python: it fits, makes an environment that is itself, and its pip says what pip says.
PYTHON = r"""#!/bin/sh
case "$*" in
  -V) echo Python 3.13.5;;
  *sysconfig*) echo /its/packages;;
  "-m venv --clear "*) mkdir -p "$4/bin" && cp "$0" "$4/bin/python";;
  "-m pip install "*) cat <<'END';;
Collecting tensorflow==2.21.0 (from -r requirements-current.txt (line 7))
  Downloading tensorflow-2.21.0-cp313-cp313-manylinux_2_27_x86_64.whl.metadata (4.4 kB)
Collecting promise (from tensorflow-datasets==4.9.10)
  Installing build dependencies: started
  Installing build dependencies: finished with status 'done'
Collecting urllib3<3,>=2 (from requests)
Installing collected packages: urllib3, promise, tensorflow
Successfully installed tensorflow-2.21.0
END
esac
"""

pytestmark = pytest.mark.skipif(not shutil.which("make"), reason="needs make")


@pytest.fixture
def clone(tmp_path: pathlib.Path) -> pathlib.Path:
    """A folder with what `make` reads, and a Python that fits, `./python`."""
    for path in [ROOT / "Makefile", *ROOT.glob("requirements*.txt")]:
        shutil.copy(path, tmp_path)
    return _program(tmp_path / "python", PYTHON).parent


@pytest.mark.parametrize("lane", LANES, ids=lambda lane: lane.name)
def test_make_knows_the_pythons_of_a_lane(lane):
    (major, lowest), (_, too_new) = lane.python
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert f'"{lane.name}": ({lane.python},' in makefile
    assert f"\nserved_{lane.name} = {major}.{lowest} to {major}.{too_new - 1}\n" in makefile
    assert f"\nnewest_{lane.name} = {major}.{too_new - 1}\n" in makefile


@pytest.mark.parametrize(
    "lane, pythons, newest, debian",
    [
        ([], "3.9 to 3.13", "3.13", "Debian 12 or 13"),
        (["LANE=asked"], "3.9 to 3.11", "3.11", "Debian 12 and"),
        (["LANE=current"], "3.10 to 3.13", "3.13", "Debian 12 or 13"),
    ],
)
def test_without_a_python_make_says_what_to_install(clone, lane, pythons, newest, debian):
    done = _make(clone, "PYTHON=no-such-python", *lane, "quickstart")
    error = done.stderr.splitlines()[0]
    assert done.returncode == 2 and error.startswith(f"error: no Python {pythons} with venv")
    assert f": on {debian} " in error and "apt install python3-venv; " in error
    assert f"dnf install python{newest}; " in error and f"brew install python@{newest}; " in error
    again = " ".join(["make PYTHON=.venv-python/bin/python", *lane, "quickstart"])
    assert error.endswith(f": uv venv --python {newest} .venv-python && {again}")


def test_without_a_python_the_page_says_what_to_install(clone):
    done = _make(clone, "PYTHON=no-such-python", "MODEL=mine", "draw")
    error = done.stderr.splitlines()[0]
    assert done.returncode == 2 and error.startswith("error: no Python 3.10 to 3.14 with venv")
    assert all(f"{tool} install python" in error for tool in ("apt", "dnf", "brew"))
    again = "make PYTHON=.venv-python/bin/python MODEL=mine draw"
    assert error.endswith(f": uv venv --python 3.13 .venv-python && {again}")


@pytest.mark.parametrize("lane", LANES, ids=lambda lane: lane.name)
def test_make_says_which_lane_it_makes_and_what_pip_does(clone, lane):
    done = _make(clone, "PYTHON=./python", f"LANE={lane.name}", "venv")
    first, *pip = done.stdout.splitlines()
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(
        rf"Making .venv with Python 3.13.5: TensorFlow 2.\d\d, the {lane.name} lane, since"
        rf" LANE={lane.name} was given; 3 GB, in a few minutes",
        first,
    )
    assert pip == ["tensorflow promise urllib3 ", "installing them"]
    assert (clone / ".venv" / "lane").read_text() == f"{lane.name}\n"
    assert _make(clone, "venv").stdout == "make: Nothing to be done for 'venv'.\n"


@pytest.mark.parametrize("lane", LANES, ids=lambda lane: lane.name)
@pytest.mark.parametrize("before", ["", "Traceback (most recent call last):\n  of many lines\n"])
def test_an_audit_that_cannot_look_up_says_so_in_one_line(clone, lane, before):
    why = "six could not be audited" if not before else "ConnectionError: no answer"
    done = _audit(clone, lane, f"echo '{before}{why}' >&2; exit 1")
    error, *more = done.stderr.splitlines()
    assert error == (
        f"error: advisories for {lane.requirements} (/its/packages) not looked up: {why}"
    )
    assert done.returncode == 2 and len(more) == 1 and more[0].startswith("make:")


def test_an_audit_shows_what_it_finds(clone):
    found = "Name Version ID Fix Versions\nsix 1.17 PYSEC-1 1.18"
    done = _audit(clone, versions.ASKED, f"echo '{found}'; exit 1")
    assert done.returncode == 2 and done.stderr.startswith(f"{found}\nmake:")
    nothing = _audit(clone, versions.ASKED, "echo 'No known vulnerabilities found' >&2")
    assert (nothing.returncode, nothing.stdout) == (0, "No known vulnerabilities found\n")


def _audit(clone: pathlib.Path, lane: versions.Lane, pip_audit: str) -> subprocess.CompletedProcess:
    made = _make(clone, "PYTHON=./python", f"LANE={lane.name}", "venv")
    assert made.returncode == 0, made.stderr
    _program(clone / ".venv-audit" / "bin" / "pip-audit", f"#!/bin/sh\n{pip_audit}\n")
    return _make(clone, "audit")


def _program(path: pathlib.Path, text: str) -> pathlib.Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)
    return path


def _make(clone: pathlib.Path, *words: str) -> subprocess.CompletedProcess:
    # As a person calls it, also when `make test` runs this: a `make` within a `make` says more, and
    # takes over variables.
    own = ("MAKELEVEL", "MAKEFLAGS", "MFLAGS", "MAKEOVERRIDES", "PYTHON", "LANE", "VENV", "MODEL")
    environ = {name: value for name, value in os.environ.items() if name not in own}
    return subprocess.run(["make", *words], cwd=clone, capture_output=True, text=True, env=environ)
