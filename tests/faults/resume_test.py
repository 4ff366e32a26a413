"""The real training, stopped in every way, ends where an undisturbed one
does: to the bit with --deterministic.
"""

from __future__ import annotations

import os
import pathlib
import random
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import tensorflow as tf

from sketch2img_tf.run_folder.summaries import read_scalars
from sketch2img_tf.training.run import STOPPED
from tests.faults import commands
from tests.run_folder.event_files_test import shown_values

ROOT = pathlib.Path(__file__).resolve().parents[2]
STEPS, KILLS = 12, 3
pytestmark = pytest.mark.slow


@pytest.fixture
def train(dummy_data_dir):
    """A function that starts a tiny training in a folder,
    with every loss but the perceptual one.
    """
    started = []

    def start(workdir, *more):
        command = [
            "train.py",
            "--flagfile=configs/quickstart.flags",
            f"--data_dir={dummy_data_dir}",
        ]
        command += [
            f"--workdir={workdir}",
            "--base_width=2",
            "--global_batch_size=4",
            "--num_classes=2",
        ]
        command += ["--perceptual_weight=0", "--diversity_weight=1", f"--train_steps={STEPS}"]
        command += [
            "--log_every_steps=3",
            "--sample_every_steps=6",
            "--checkpoint_every_steps=2",
            *more,
        ]
        process = subprocess.Popen(
            [sys.executable, *command],
            cwd=ROOT,
            env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONWARNINGS": "ignore"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()


def finish(process):
    stdout, stderr = process.communicate(timeout=600)
    assert process.returncode == 0, stderr
    return stdout.splitlines()


def contents(workdir):
    """Every value of the last checkpoint but the card, whose
    --train_steps may differ; and the step.
    """
    path = tf.train.latest_checkpoint(str(workdir / "checkpoints"))
    reader = tf.train.load_checkpoint(path)
    names = [
        name
        for name in reader.get_variable_to_shape_map()
        if "OBJECT_GRAPH" not in name and name[:5] != "card/"
    ]
    return {name: reader.get_tensor(name) for name in names}


def without_times(lines):
    return [
        {tag: value for tag, value in line.items() if tag != "steps_per_second"} for line in lines
    ]


def assert_same(workdir, other):
    """Weights, slots, averages, u vectors, lines, events and samples, bit for bit."""
    mine, theirs = contents(workdir), contents(other)
    assert mine.keys() == theirs.keys() and len(mine) > 100
    for name, value in mine.items():
        assert np.asarray(value).tobytes() == np.asarray(theirs[name]).tobytes(), name
    assert without_times(read_scalars(str(workdir))) == without_times(read_scalars(str(other)))
    assert shown_values(workdir) == shown_values(other)
    samples = [
        {path.name: path.read_bytes() for path in (w / "samples").iterdir()}
        for w in (workdir, other)
    ]
    assert samples[0] == samples[1] and len(samples[0]) == 1 + STEPS // 6


@pytest.mark.parametrize("precision", ["float32", "mixed_bfloat16"])
def test_no_stop_makes_a_difference_to_a_bit(train, tmp_path, precision):
    flags = ["--deterministic", f"--precision={precision}"]
    finish(train(tmp_path / "straight", *flags))
    half = finish(train(tmp_path / "stopped", *flags, f"--train_steps={STEPS // 2}"))
    assert half == [
        f"trained to step {STEPS // 2}: samples and plots are in {tmp_path / 'stopped'}"
    ]
    rest = finish(train(tmp_path / "stopped", *flags))
    assert rest[:2] == [
        f"going on from step {STEPS // 2} of {tmp_path / 'stopped'}",
        f"changed since: train_steps {STEPS // 2} there, {STEPS} now",
    ]
    assert_same(tmp_path / "stopped", tmp_path / "straight")


def test_kills_at_random_moments_make_no_difference_to_a_bit(train, tmp_path):
    finish(train(tmp_path / "straight", "--deterministic"))
    moments, kills = random.Random(0), 0
    while True:
        process = train(tmp_path / "killed", "--deterministic")
        before = len(read_scalars(str(tmp_path / "killed")))
        while (
            process.poll() is None
            and kills < KILLS
            and len(read_scalars(str(tmp_path / "killed"))) <= before
        ):
            time.sleep(0.02)
        time.sleep(moments.uniform(0, 0.5))
        if kills == KILLS or process.poll() is not None:
            finish(process)
            break
        process.kill()
        process.communicate()
        kills += 1
    assert kills >= 2
    assert_same(tmp_path / "killed", tmp_path / "straight")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_step_saves_and_exits_with_42(train, tmp_path, number):
    process = train(tmp_path, "--train_steps=100000")
    while process.poll() is None and not any(
        line["step"] >= 3 for line in read_scalars(str(tmp_path))
    ):
        time.sleep(0.05)
    sent = time.monotonic()
    process.send_signal(number)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == STOPPED and time.monotonic() - sent < 30
    step = int(contents(tmp_path)["state/step/.ATTRIBUTES/VARIABLE_VALUE"])
    assert stderr.splitlines()[-1] == f"stopped at step {step}; the same command goes on from there"


def test_a_finished_run_says_so(train, tmp_path):
    finish(train(tmp_path, "--train_steps=1"))
    before = contents(tmp_path)
    message = f"{tmp_path} is trained to step 1, and --train_steps=1: nothing to do"
    assert finish(train(tmp_path, "--train_steps=1")) == [message]
    assert contents(tmp_path).keys() == before.keys()


def test_a_run_in_epochs_goes_on_as_one_in_steps(dummy_data_dir, tmp_path):
    """Six examples in batches of 4: two epochs are three steps, three are five."""
    command = commands.training(dummy_data_dir, tmp_path, *commands.SUPERVISED)

    def trained(*arguments) -> list[str]:
        code, stdout, stderr = commands.run(*arguments)
        assert code == 0, stderr
        return stdout.splitlines()

    assert trained(*command, "--train_epochs=2") == [
        f"trained to step 3: samples and plots are in {tmp_path}"
    ]
    assert {"--train_steps=3", "--train_epochs=0"} < set(
        (tmp_path / "flags.txt").read_text().splitlines()
    )
    assert (tmp_path / "samples" / "00000003.png").exists()
    nothing = [f"{tmp_path} is trained to step 3, and --train_steps=3: nothing to do"]
    assert trained(*command, "--train_epochs=2") == trained(*command, "--train_steps=3") == nothing
    assert trained("train.py", f"--flagfile={tmp_path}/flags.txt", "--train_epochs=3") == [
        f"going on from step 3 of {tmp_path}",
        "changed since: train_steps 3 there, 5 now",
        f"trained to step 5: samples and plots are in {tmp_path}",
    ]


def test_the_second_of_two_runs_names_the_first(train, tmp_path):
    first = train(tmp_path, "--train_steps=100000")
    while first.poll() is None and not read_scalars(str(tmp_path)):
        time.sleep(0.05)
    second = train(tmp_path)
    stdout, stderr = second.communicate(timeout=100)
    assert (second.returncode, stdout) == (1, "")
    assert stderr.startswith(f"error: --workdir={tmp_path} is in use by process {first.pid} on ")
    assert len(stderr.splitlines()) == 1
