"""What a person's computer does to a command: terminals that close,
readers that end, a notebook's settings.
"""

from __future__ import annotations

import importlib
import os
import pty
import shlex
import signal
import subprocess
import sys
import time

import pytest
import tensorflow as tf

from sketch2img_tf import layers
from sketch2img_tf.run_folder.summaries import read_scalars
from sketch2img_tf.training.run import STOPPED
from tests.faults.commands import ROOT, SUPERVISED, training

pytestmark = pytest.mark.ci

NOTEBOOK = {"MPLBACKEND": "module://no_such_notebook.backend_inline", "TF_USE_LEGACY_KERAS": "1"}


def test_the_graphics_of_a_notebook_are_not_those_of_the_programs_that_it_starts():
    program = (
        "import os, sketch2img_tf; from matplotlib.figure import Figure;"
        " print(sorted({%r} & set(os.environ)))"
    )
    command = [sys.executable, "-c", program % "MPLBACKEND"]
    for backend in (NOTEBOOK["MPLBACKEND"], "module://matplotlib_inline.backend_inline"):
        environment = {**os.environ, **NOTEBOOK, "MPLBACKEND": backend}
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
        assert (done.returncode, done.stdout) == (0, "[]\n"), done.stderr
    environment = {**os.environ, "MPLBACKEND": "svg"}  # one that there is
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.stdout == "['MPLBACKEND']\n"


def test_a_users_settings_of_keras_change_no_layer():
    """As `~/.keras/keras.json` makes them."""
    backend = tf.keras.backend
    backend.set_image_data_format("channels_first")
    backend.set_floatx("float64")
    backend.set_epsilon(0.1)
    importlib.reload(layers)
    assert (backend.image_data_format(), backend.floatx(), backend.epsilon()) == (
        "channels_last",
        "float32",
        1e-7,
    )


@pytest.mark.slow
def test_a_run_from_another_folder_with_all_of_that_at_once(dummy_data_dir, tmp_path):
    """Brackets, the home folder, a byte-order mark and the line ends of
    Windows, a notebook, a locale without é.
    """
    (tmp_path / ".keras").mkdir()
    (tmp_path / ".keras" / "keras.json").write_text(
        '{"image_data_format": "channels_first", "floatx": "float64"}'
    )
    (tmp_path / "data[1]").symlink_to(dummy_data_dir)
    lines = [
        "--flagfile=configs/quickstart.flags",
        "--data_dir=~/data[1]",
        "--workdir=~/run[lr=1e-3]",
    ]
    lines += ["--base_width=2", "--global_batch_size=4", "--checkpoint_every_steps=1", *SUPERVISED]
    (tmp_path / "my.flags").write_bytes("\ufeff# café\r\n".encode() + "\r\n".join(lines).encode())
    locale = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    environment = {
        **os.environ,
        **NOTEBOOK,
        **locale,
        "HOME": str(tmp_path),
        "PYTHONWARNINGS": "ignore",
    }

    def command(*arguments) -> str:
        done = subprocess.run(
            [sys.executable, f"{ROOT}/{arguments[0]}", *arguments[1:]],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        assert max(map(len, done.stderr.splitlines()), default=0) < 200 and "\r" not in done.stderr
        return done.stdout

    command("train.py", "--flagfile=~/my.flags", "--train_steps=4")
    assert "going on from step 4" in command("train.py", "--flagfile=~/my.flags", "--train_steps=5")
    kept = [
        name
        for name in os.listdir(tmp_path / "run[lr=1e-3]" / "checkpoints")
        if name.endswith(".index")
    ]
    assert sorted(kept) == ["ckpt-3.index", "ckpt-4.index", "ckpt-5.index"]
    assert (
        command("export.py", "--workdir=~/run[lr=1e-3]", "--export_dir=~/export[1]")
        .strip()
        .endswith("/5")
    )
    command("evaluate.py", "--model=~/export[1]", "--data_dir=~/data[1]", "--plot")
    assert not (tmp_path / "~").exists() and (tmp_path / "export[1]" / "report.html").exists()


@pytest.fixture
def run_folder(dummy_data_dir, tmp_path):
    """The run's folder, and the shell's words for a training there."""
    more = ["--checkpoint_every_steps=100000", "--sample_every_steps=100000", *SUPERVISED]
    workdir = tmp_path / "run"
    return workdir, shlex.join([sys.executable, *training(dummy_data_dir, workdir, *more)])


def start(line: str, **options) -> subprocess.Popen:
    """A line of bash in a session of its own; Ctrl-C is not ignored
    there, as it is in a script's background.
    """
    environment = {**os.environ, "PYTHONWARNINGS": "ignore"}
    heeding = lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)  # noqa: E731
    return subprocess.Popen(
        ["bash", "-c", line],
        cwd=ROOT,
        env=environment,
        start_new_session=True,
        preexec_fn=heeding,
        **options,
    )


def wait_for_steps(process: subprocess.Popen, workdir) -> None:
    """Until a step was trained."""
    while process.poll() is None and not any(
        line["step"] >= 3 for line in read_scalars(str(workdir))
    ):
        time.sleep(0.05)


def saved_step(workdir) -> int:
    """The step of the newest checkpoint."""
    steps = [
        int(name[5:-6]) for name in os.listdir(workdir / "checkpoints") if name.endswith(".index")
    ]
    return max(steps)


@pytest.mark.slow
def test_ctrl_c_reaches_tee_too_and_the_step_is_saved(run_folder, tmp_path):
    workdir, train = run_folder
    codes = tmp_path / "codes"
    training = f"(trap - INT; {train} --train_steps=100000 2>&1)"
    line = f"trap '' INT; {training} | (trap - INT; cat > /dev/null)"
    process = start(f"{line}; echo ${{PIPESTATUS[0]}} > {codes}")
    wait_for_steps(process, workdir)
    os.killpg(process.pid, signal.SIGINT)
    process.wait(timeout=120)
    assert int(codes.read_text()) == STOPPED
    assert saved_step(workdir) >= 3


@pytest.mark.slow
def test_a_closed_terminal_saves_the_step(run_folder):
    workdir, train = run_folder
    terminal, ours = pty.openpty()
    process = start(f"exec {train} --train_steps=100000", stdin=ours, stdout=ours, stderr=ours)
    os.close(ours)
    os.set_blocking(terminal, False)
    while process.poll() is None and not any(
        line["step"] >= 3 for line in read_scalars(str(workdir))
    ):
        try:
            os.read(terminal, 100_000)  # else the training waits for room
        except BlockingIOError:
            pass
        time.sleep(0.05)
    os.close(terminal)  # what is written from now on is an error
    process.send_signal(signal.SIGHUP)  # as the system does when the terminal is the session's own
    assert process.wait(timeout=120) == STOPPED
    assert saved_step(workdir) >= 3


@pytest.mark.slow
def test_with_nohup_a_closed_terminal_makes_no_difference(run_folder):
    workdir, train = run_folder
    process = start(f"exec nohup {train} --train_steps=30 > /dev/full 2>&1")
    wait_for_steps(process, workdir)
    os.killpg(process.pid, signal.SIGHUP)
    # All steps are trained; but not all that it printed is on the full disk
    assert process.wait(timeout=120) == 1
    assert saved_step(workdir) == 30
