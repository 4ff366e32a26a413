"""Real commands on the dummy release, small and quick, for tests that stop, kill or starve them."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys
import time

from sketch2img_tf.run_folder.summaries import read_scalars

ROOT = pathlib.Path(__file__).resolve().parents[2]
SMALL = ["--base_width=2", "--global_batch_size=4", "--num_classes=2", "--log_every_steps=1"]
ALL_LOSSES = [
    "--perceptual_weights=random",
    "--perceptual_network=MobileNet",
    "--perceptual_size=32",
]
# A step of the supervised loss alone is traced in seconds.
SUPERVISED = [
    f"--{name}_weight=0" for name in ("gan", "classification", "dragan", "perceptual", "diversity")
]


def start(*command, prefix=()) -> subprocess.Popen:
    """A command of the project, as a user starts it; `prefix` is put before it."""
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONWARNINGS": "ignore"}
    return subprocess.Popen(
        [*prefix, sys.executable, *map(str, command)],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: subprocess.Popen) -> tuple[int, str, str]:
    """Waits for it: its exit code, its standard output, and its standard error."""
    stdout, stderr = process.communicate(timeout=600)
    return process.returncode, stdout, stderr


def run(*command, prefix=()) -> tuple[int, str, str]:
    """Starts it and waits."""
    return finish(start(*command, prefix=prefix))


def training(data_dir, workdir, *flags) -> list[str]:
    """The command line of a small training."""
    return ["train.py", f"--data_dir={data_dir}", f"--workdir={workdir}", *SMALL, *flags]


def wait_for_step(process: subprocess.Popen, workdir, step: int) -> None:
    """Until a running training has written the scalars of this step."""
    while process.poll() is None and not any(
        line["step"] >= step for line in read_scalars(str(workdir))
    ):
        time.sleep(0.02)


def last_line(stderr: str) -> str:
    """Without what progress bars have drawn."""
    return stderr.replace("\r", "\n").strip().splitlines()[-1]
