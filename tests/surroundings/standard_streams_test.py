"""Whatever becomes of standard output and error, the work is done and its files are whole."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
# Prints like a command, and, like TensorFlow, past Python; and then it saves.
PROGRAM = """
import os, sys
from sketch2img_tf import errors
from sketch2img_tf.surroundings import progress
def main():
    file = open(sys.argv.pop(), "w")
    for number in progress.bar(range(3000), "working", unit="line"):
        print("line", number, "caf\\u00e9 \\udcff")
    try: os.write(2, b"a note of C++\\n")
    except OSError: pass
    file.write("saved")
    file.close()
sys.argv, path = sys.argv[:1], sys.argv[1]
def saving():
    sys.argv.append(path)
    main()
errors.run(saving)
"""
SAVED = "saved"


@pytest.fixture
def shell(tmp_path):
    """A function from a line of bash, in which `$program` prints and saves,
    to its exit codes, output and errors.
    """

    def run(line: str, **environment) -> tuple[list[int], str, str]:
        (tmp_path / "program.py").write_text(PROGRAM)
        command = f"'{sys.executable}' '{tmp_path}/program.py' '{tmp_path}/file'"
        done = subprocess.run(
            [
                "bash",
                "-c",
                f"{line.replace('$program', command)}; echo ${{PIPESTATUS[@]}} >"
                f" '{tmp_path}/codes'",
            ],
            env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
            capture_output=True,
            text=True,
        )
        codes = [int(code) for code in (tmp_path / "codes").read_text().split()]
        assert (tmp_path / "file").read_text() == SAVED
        assert "Traceback" not in done.stderr and "Exception ignored" not in done.stderr
        return codes, done.stdout, done.stderr

    return run


def test_a_pipe_whose_reader_ends(shell):
    assert shell("$program | head -1")[:2] == ([0, 0], "line 0 café \\udcff\n")


def test_both_streams_in_a_pipe_whose_reader_ends(shell):
    assert shell("$program 2>&1 | true")[0] == [0, 0]


def test_a_full_disk_in_the_place_of_output_is_one_line_at_the_end(shell):
    codes, _, stderr = shell("$program > /dev/full")
    assert codes == [1]
    assert stderr.splitlines()[-1].startswith(
        "error: standard output: No space left on device: some of the output is lost"
    )


def test_a_full_disk_in_the_place_of_errors(shell):
    codes, stdout, _ = shell("$program 2> /dev/full")
    assert codes == [0] and stdout.endswith("line 2999 café \\udcff\n")


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_closed_descriptors(shell, closed):
    """Else the file that is saved would take their numbers, and what is printed would be in it."""
    assert shell(f"$program {closed}")[0] == [0]


def test_a_locale_without_the_letters(shell):
    environment = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    codes, stdout, _ = shell("$program | tail -1", **environment)
    assert (codes, stdout) == ([0, 0], "line 2999 caf\\xe9 \\udcff\n")
