"""Folders of versions: complete or not there, whatever happens while they are written."""

from __future__ import annotations

import os
import pathlib
import signal
import subprocess
import sys

import pytest
import tensorflow as tf

from sketch2img_tf.errors import UserError
from sketch2img_tf.export import export_folder
from sketch2img_tf.export.new_version import new_version

ROOT = pathlib.Path(__file__).resolve().parents[2]

HALF_WAY = """
import sys, time
from sketch2img_tf.export.new_version import new_version

with new_version(sys.argv[1], "7") as folder:
    open(f"{folder}/saved_model.pb", "w").write("half of it")
    print("writing", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def half_way(tmp_path):
    """An export that is at work in `tmp_path`, in another process."""
    process = subprocess.Popen(
        [sys.executable, "-c", HALF_WAY, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    with process:
        assert process.stdout.readline() == "writing\n"
        yield process
        process.kill()


def write(export_dir: pathlib.Path, name: str) -> None:
    with new_version(str(export_dir), name) as folder:
        pathlib.Path(folder, "saved_model.pb").write_text("all of it")


def test_a_version_appears_when_it_is_complete(tmp_path):
    with new_version(str(tmp_path / "new"), "12") as folder:
        pathlib.Path(folder, "file").write_text("content")
        (name,) = os.listdir(tmp_path / "new")
        assert not name.isdigit()
    assert os.listdir(tmp_path / "new") == ["12"]
    assert (tmp_path / "new" / "12" / "file").read_text() == "content"


def test_a_version_is_never_overwritten(tmp_path):
    write(tmp_path, "12")
    with pytest.raises(
        UserError, match=f"^{tmp_path}/12 exists: delete it, or give another --export_dir$"
    ):
        write(tmp_path, "12")
    assert os.listdir(tmp_path) == ["12"]


def test_two_at_once_do_not_overwrite_each_other(tmp_path):
    with pytest.raises(UserError, match=f"--export_dir={tmp_path}: cannot be written"):
        with new_version(str(tmp_path), "12") as folder:
            write(tmp_path, "12")
            pathlib.Path(folder, "saved_model.pb").write_text("another")
    assert os.listdir(tmp_path) == ["12"]
    assert (tmp_path / "12" / "saved_model.pb").read_text() == "all of it"


def test_killed_half_way_nothing_can_be_loaded_and_the_next_export_clears_it(half_way, tmp_path):
    half_way.send_signal(signal.SIGKILL)
    half_way.wait()
    (left,) = os.listdir(tmp_path)
    assert not left.isdigit()  # TensorFlow Serving loads folders whose names are numbers
    with pytest.raises(UserError, match="no exported model there"):
        export_folder.newest_version(str(tmp_path))
    write(tmp_path, "8")
    assert os.listdir(tmp_path) == ["8"]


def test_an_export_that_is_still_at_work_is_left_alone(half_way, tmp_path):
    write(tmp_path, "8")
    (unfinished,) = (name for name in os.listdir(tmp_path) if name != "8")
    assert (tmp_path / unfinished / "saved_model.pb").read_text() == "half of it"
    assert half_way.poll() is None


@pytest.mark.parametrize(
    "error",
    [
        OSError(28, "No space left on device"),
        tf.errors.ResourceExhaustedError(None, None, "no space\nat all"),
    ],
)
def test_a_full_disk_is_one_line_and_leaves_nothing(tmp_path, error):
    with pytest.raises(
        UserError, match=rf"^--export_dir={tmp_path}: cannot be written \([Nn]o space[\w ]*\)$"
    ):
        with new_version(str(tmp_path), "12"):
            raise error
    assert not os.listdir(tmp_path)


def test_a_folder_that_is_a_file(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=f"^--export_dir={tmp_path}/file: cannot be written"):
        write(tmp_path / "file", "12")
