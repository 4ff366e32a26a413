"""Two runs in one folder: the second refuses; what a dead one leaves does not stand in the way."""

from __future__ import annotations

import datetime
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys

import pytest

from sketch2img_tf.errors import UserError
from sketch2img_tf.run_folder.lock import RunLock

ROOT = pathlib.Path(__file__).resolve().parents[2]
HOLDER = """
import sys, time
from sketch2img_tf.run_folder.lock import RunLock
with RunLock(sys.argv[1]):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path):
    """Another process that holds the lock."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()


def test_the_second_names_the_first(tmp_path, holder):
    with pytest.raises(UserError) as raised:
        RunLock(str(tmp_path))
    found = re.fullmatch(
        f"--workdir={tmp_path} is in use by process {holder.pid} on {socket.gethostname()} since"
        " (.*); wait for it, stop it, or give another --workdir",
        str(raised.value),
    )
    since = datetime.datetime.fromisoformat(found[1])
    assert (
        datetime.timedelta()
        <= datetime.datetime.now(datetime.timezone.utc) - since
        < datetime.timedelta(minutes=5)
    )


def test_a_dead_owners_lock_is_taken_over(tmp_path, holder):
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    with (
        RunLock(str(tmp_path)),
        pytest.raises(UserError, match=f"in use by process {os.getpid()} on "),
    ):
        RunLock(str(tmp_path))


def test_a_run_that_is_over_frees_its_folder(tmp_path):
    for _ in range(2):
        with RunLock(str(tmp_path)):
            pass


def test_a_folder_that_cannot_be_made_or_written_to(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(
        UserError, match=f"^--workdir={tmp_path}/file/run: cannot be written to .*; give another$"
    ):
        RunLock(str(tmp_path / "file" / "run"))
    os.mkdir(tmp_path / "run.lock")
    with pytest.raises(
        UserError, match=rf"^--workdir={tmp_path}: cannot be written to \(Is a directory: .*; give"
    ):
        RunLock(str(tmp_path))


def test_a_read_only_disk(small_disk):
    disk = small_disk(1)
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    with pytest.raises(
        UserError,
        match=rf"^--workdir={disk}: cannot be written to \(Read-only file system: .*; give",
    ):
        RunLock(str(disk))
