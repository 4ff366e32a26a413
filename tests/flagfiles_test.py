"""Flagfiles as people write them, from wherever a command is started."""

from __future__ import annotations

import os
import pathlib

import pytest
from absl import flags

from sketch2img_tf import flagfiles

ROOT = pathlib.Path(__file__).resolve().parents[1]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch) -> pathlib.Path:
    """The current folder, which is not the project's."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path


def test_lines_take_the_flagfiles_place(elsewhere):
    (elsewhere / "a.flags").write_text("# a comment\n\n--two=2\n  --three=3  \n// another\n")
    path = f"{elsewhere}/a.flags"
    for given in ([f"--flagfile={path}"], ["--flagfile", path], [f"-flagfile={path}"]):
        expanded = flagfiles.expand(
            ["--one=1", *given, "--four=4", "rest", "--", "--flagfile=none"]
        )
        assert expanded == [
            "--one=1",
            "--two=2",
            "--three=3",
            "--four=4",
            "rest",
            "--",
            "--flagfile=none",
        ]


def test_a_byte_order_mark_and_the_line_ends_of_windows(elsewhere):
    (elsewhere / "a.flags").write_bytes("\ufeff--one=1\r\n# two\r\n--classes=café\r\n".encode())
    assert flagfiles.expand([f"--flagfile={elsewhere}/a.flags"]) == ["--one=1", "--classes=café"]


def test_the_home_folder(elsewhere, monkeypatch):
    monkeypatch.setenv("HOME", str(elsewhere))
    (elsewhere / "a.flags").write_text("--flagfile=~/b.flags\n")
    (elsewhere / "b.flags").write_text("--one=1\n")
    assert flagfiles.expand(["--flagfile=~/a.flags"]) == ["--one=1"]


@pytest.mark.parametrize(
    "path", sorted((ROOT / "configs").glob("*.flags")), ids=lambda path: path.name
)
def test_those_of_the_project_work_from_any_folder(path, monkeypatch):
    expanded = flagfiles.expand([f"--flagfile={path}"])
    assert flagfiles.expand([f"--flagfile=configs/{path.name}"]) == expanded
    monkeypatch.chdir(ROOT)
    assert flagfiles.expand([f"--flagfile=configs/{path.name}"]) == expanded
    assert not any("flagfile" in line for line in expanded) and len(expanded) > 5


def test_what_is_included_is_found_beside_the_file_or_above_it(elsewhere):
    """And not in the current folder or in this project, where there are others of the same name."""
    for folder in ("there/configs", "here/configs"):
        os.makedirs(elsewhere / folder)
        (elsewhere / folder / "base.flags").write_text(f"--from={folder}\n")
    (elsewhere / "there/configs/a.flags").write_text(
        "--flagfile=configs/base.flags\n--flagfile=base.flags\n"
    )
    found = flagfiles.expand([f"--flagfile={elsewhere}/there/configs/a.flags"])
    assert found == ["--from=there/configs"] * 2
    assert flagfiles.expand(["--flagfile=configs/base.flags"]) == ["--from=here/configs"]


def test_a_file_that_includes_itself(elsewhere):
    (elsewhere / "a.flags").write_text("--flagfile=b.flags\n")
    (elsewhere / "b.flags").write_text("--flagfile=a.flags\n")
    with pytest.raises(
        flags.Error, match=r"^--flagfile=a\.flags: includes itself, by way of .*a\.flags and .*b\.f"
    ):
        flagfiles.expand([f"--flagfile={elsewhere}/a.flags"])
