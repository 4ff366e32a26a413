"""The check of versions: what it lets through, and the one line it says otherwise."""

from __future__ import annotations

import pathlib
import subprocess
import sys

import pytest
from packaging.requirements import Requirement

from sketch2img_tf import versions

ROOT = pathlib.Path(__file__).resolve().parents[1]
FITTING = {
    "asked": {
        "tensorflow": "2.15.1",
        "keras": "2.15.0",
        "tensorflow-addons": "0.23.0",
        "tensorflow-datasets": "4.9.10",
        "tensorflow-metadata": "1.17.3",
        "protobuf": "4.25.9",
        "numpy": "1.26.4",
        "absl-py": "2.5.1",
    },
    "current": {
        "tensorflow": "2.21.0",
        "tf-keras": "2.21.0",
        "tensorflow-datasets": "4.9.10",
        "protobuf": "7.36.2",
        "numpy": "2.4.6",
        "absl-py": "2.5.1",
        "keras": "3.15.1",
        "tensorflow-metadata": "1.21.0",
    },
}
LANES = [versions.ASKED, versions.CURRENT]
each_lane = pytest.mark.parametrize("lane", LANES, ids=lambda lane: lane.name)


@pytest.mark.parametrize("version", [(3, 9, 0), (3, 10, 13), (3, 11, 14), (3, 12, 0), (3, 13, 1)])
def test_python_that_fits(version):
    assert versions.python_problem(version) is None


@pytest.mark.parametrize("version", [(3, 8, 20), (3, 14, 0), (4, 0, 0)])
def test_python_that_does_not_fit(version):
    problem = versions.python_problem(version)
    assert problem.startswith(
        f"this is Python {'.'.join(map(str, version))}, TensorFlow here needs 3.9 to 3.13"
    )
    assert "`make venv`" in problem and "\n" not in problem


@pytest.mark.parametrize(
    ("python", "tensorflow", "name"),
    [
        ((3, 9, 18), "2.15.1", "asked"),
        ((3, 9, 18), "2.20.0", "asked"),  # which the current lane would not run on
        ((3, 10, 13), None, "asked"),
        ((3, 11, 7), "2.15.1", "asked"),
        ((3, 11, 7), "2.16.0", "current"),
        ((3, 11, 7), "2.21.0", "current"),
        ((3, 12, 0), "2.15.1", "current"),
        ((3, 13, 1), None, "current"),
    ],
)
def test_the_lane_is_that_of_what_is_installed(python, tensorflow, name):
    assert versions.lane_of(python, {"tensorflow": tensorflow}.get).name == name
    assert versions.lane_of(python, {"tensorflow-cpu": tensorflow}.get).name == name


@each_lane
def test_libraries_that_fit(lane):
    assert versions.library_problem(lane, FITTING[lane.name].get) is None


def test_a_container_with_a_tensorflow_of_its_own_fits():
    container = {**FITTING["asked"], "tensorflow": "2.15.0+nv24.3", "numpy": "1.23.5"}
    assert versions.library_problem(versions.ASKED, container.get) is None


@pytest.mark.parametrize(
    ("name", "version", "says"),
    [
        ("tensorflow", None, "tensorflow is not installed, tensorflow>=2.15,<2.16 is needed"),
        (
            "tensorflow",
            "2.16.1",
            "tensorflow 2.16.1 is installed, tensorflow>=2.15,<2.16 is needed",
        ),
        ("tensorflow", "2.9.3", "tensorflow 2.9.3 is installed, tensorflow>=2.15,<2.16 is needed"),
        ("keras", "3.0.0rc1", "keras 3.0.0rc1 is installed, keras>=2.15,<2.16 is needed"),
        ("protobuf", "5.29.1", "protobuf 5.29.1 is installed, protobuf>=4.25.2,<5 is needed"),
        ("numpy", "2.0.0", "numpy 2.0.0 is installed, numpy>=1.23.5,<2 is needed"),
        ("tensorflow-metadata", "1.21.0", "tensorflow-metadata 1.21.0 is installed"),
        ("tensorflow-addons", None, "tensorflow-addons is not installed"),
    ],
)
def test_library_that_does_not_fit_the_asked_lane(name, version, says):
    _assert_says(versions.ASKED, name, version, says)


@pytest.mark.parametrize(
    ("name", "version", "says"),
    [
        ("tensorflow", None, "tensorflow is not installed, tensorflow>=2.21,<2.22 is needed"),
        (
            "tensorflow",
            "2.18.0",
            "tensorflow 2.18.0 is installed, tensorflow>=2.21,<2.22 is needed",
        ),
        ("tf-keras", None, "tf-keras is not installed, tf-keras>=2.21,<2.22 is needed"),
        ("numpy", "1.26.4", "numpy 1.26.4 is installed, numpy>=2,<3 is needed"),
        ("protobuf", "5.29.1", "protobuf 5.29.1 is installed, protobuf>=6.31.1,<8 is needed"),
    ],
)
def test_library_that_does_not_fit_the_current_lane(name, version, says):
    _assert_says(versions.CURRENT, name, version, says)


def _assert_says(lane: versions.Lane, name: str, version: str | None, says: str) -> None:
    problem = versions.library_problem(lane, {**FITTING[lane.name], name: version}.get)
    assert problem.startswith(says)
    assert (
        f"{sys.executable} -m pip install -r {lane.requirements}`" in problem
        and "\n" not in problem
    )


@pytest.mark.parametrize(
    "name",
    [
        "tensorflow-cpu",
        "tensorflow-macos",
        "tensorflow-rocm",
        "intel-tensorflow",
        "tensorflow-intel",
    ],
)
def test_tensorflow_under_another_name(name):
    """The same library, built for other processors."""
    fitting = {key: version for key, version in FITTING["asked"].items() if key != "tensorflow"}
    assert versions.library_problem(versions.ASKED, {**fitting, name: "2.15.1"}.get) is None
    problem = versions.library_problem(versions.ASKED, {**fitting, name: "2.16.1"}.get)
    assert problem.startswith(f"{name} 2.16.1 is installed, tensorflow>=2.15,<2.16 is needed")


@pytest.mark.parametrize(
    ("file", "lane", "others"),
    [
        ("requirements.txt", versions.ASKED, {"keras"}),  # comes with TensorFlow
        ("requirements-current.txt", versions.CURRENT, set()),
        ("requirements.txt", versions.DRAWING, set()),
        ("requirements-current.txt", versions.DRAWING, set()),
        ("requirements-draw.txt", versions.DRAWING, set()),
    ],
)
def test_requirements_ask_for_what_the_check_lets_through(file, lane, others):
    """Every version that a file of requirements allows is in the
    check's range, at both ends of its own.
    """
    asked = [Requirement(line.split(" #")[0]) for line in _lines(ROOT / file)]
    for requirement in (r for r in asked if r.name in lane.libraries):
        only = lane._replace(libraries={requirement.name: lane.libraries[requirement.name]})
        for bound in requirement.specifier:
            allowed = (
                bound.version
                if bound.operator in ("==", ">=", "<=")
                else _just_below(bound.version)
            )
            assert versions.library_problem(only, {requirement.name: allowed}.get) is None, str(
                requirement
            )
    assert lane.libraries.keys() - {r.name for r in asked} == others


def test_the_cure_is_of_the_lane_that_is_installed():
    lane = versions.this_lane()
    pip = f"{sys.executable} -m pip install -r"
    assert (
        versions.cure("requirements-demo.txt")
        == f"{pip} {lane.requirements} -r requirements-demo.txt"
    )
    assert versions.library_problem(lane, versions.installed_version) is None


def test_where_the_wheel_is_installed_its_extra_is_the_cure(tmp_path, monkeypatch):
    monkeypatch.setattr(versions, "__file__", str(tmp_path / "sketch2img_tf" / "versions.py"))
    problem = versions.library_problem(versions.DRAWING, {}.get)
    assert problem.endswith(
        f"is needed: run `{sys.executable} -m pip install 'sketch2img_tf[draw]'`"
    )


def test_what_draws_needs_no_tensorflow():
    assert "tensorflow" not in (ROOT / "requirements-draw.txt").read_text().lower().replace(
        "no tensorflow", ""
    )
    assert not versions.DRAWING.libraries.keys() & {"tensorflow", "keras"}


@pytest.mark.parametrize(
    "command", ["train.py", "evaluate.py", "export.py", "generate.py", "draw.py"]
)
def test_a_command_without_any_library_says_one_line(command):
    """-S leaves site-packages out, as in a Python where nothing was installed."""
    result = subprocess.run(
        [sys.executable, "-S", command], cwd=ROOT, capture_output=True, text=True
    )
    bare = versions.lane_of(sys.version_info[:3], {}.get)
    first, lane = (
        ("numpy", versions.DRAWING)
        if command in ("generate.py", "draw.py")
        else ("tensorflow", bare)
    )
    assert result.returncode == 1
    assert (
        result.stderr.startswith(f"error: {first} is not installed")
        and result.stderr.count("\n") == 1
    )
    assert f"run {lane.made_by}" in result.stderr


@pytest.mark.parametrize("module", ["datasets.sketchy.build", "datasets.miniature.build"])
def test_a_module_command_without_any_library_says_one_line(module):
    result = subprocess.run(
        [sys.executable, "-S", "-m", module], cwd=ROOT, capture_output=True, text=True
    )
    assert result.returncode == 1
    assert (
        result.stderr.startswith("error: tensorflow is not installed")
        and result.stderr.count("\n") == 1
    )


def test_installed_version():
    assert versions.installed_version("pytest") == pytest.__version__
    assert versions.installed_version("no-such-distribution") is None


def _lines(path: pathlib.Path) -> list[str]:
    return [line for line in path.read_text().splitlines() if line and not line.startswith("#")]


def _just_below(version: str) -> str:
    *head, last = (int(number) for number in version.split("."))
    return ".".join(map(str, [*head, last - 1, 99]))
