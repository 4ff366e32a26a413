"""Two workers of one run, as processes on this machine: they
train, stop, go on, and notice a death.
"""

from __future__ import annotations

import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time
from unittest import mock

import numpy as np
import pytest
import tensorflow as tf

from sketch2img_tf.devices import strategy
from sketch2img_tf.errors import UserError
from sketch2img_tf.run_folder.summaries import read_scalars

ROOT = pathlib.Path(__file__).resolve().parents[2]
# Few losses: each start traces the step, and replicas_test.py has all of them.
CHEAP = [f"--{name}_weight=0" for name in ("perceptual", "diversity", "dragan", "classification")]
TINY = [
    "--base_width=2",
    "--global_batch_size=4",
    "--log_every_steps=1",
    "--precision=auto",
    *CHEAP,
]
QUIET = {"PYTHONWARNINGS": "ignore", "TF_CPP_MIN_LOG_LEVEL": "3"}
# Frozen networks are each worker's own business: they exchange nothing.
BEST = [
    "--flagfile=configs/best_full.flags",
    "--base_width=2",
    "--global_batch_size=4",
    "--precision=auto",
    "--perceptual_weight=0",
    "--dragan_every_steps=2",
    "--decay_start_step=2",
    "--log_every_steps=1",
]
WORKERS = 2
PATIENCE = 900  # seconds: each traces the whole step first, and they may share a core
# Four convolutions in each of the discriminator's four units, and one between two
U_VECTORS = 4 * 4 + 3


def free_addresses(count: int) -> list[str]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    addresses = [f"127.0.0.1:{each.getsockname()[1]}" for each in sockets]
    for each in sockets:
        each.close()
    return addresses


class Run:
    """The workers' processes, their output in files: a full pipe would hold one up, and with it the
    other.

    Leaving the context kills those that are left.
    """

    def __init__(
        self, data_dir: pathlib.Path, folder: pathlib.Path, steps: int, flags: list[str] = TINY
    ):
        addresses = free_addresses(WORKERS)
        self.workdir = folder / "run"
        self.own_folders = [folder / f"own{i}" for i in range(WORKERS)]
        command = [
            sys.executable,
            "train.py",
            *flags,
            "--strategy=multi_worker",
            f"--data_dir={data_dir}",
        ]
        command += [
            f"--workdir={self.workdir}",
            f"--train_steps={steps}",
            "--checkpoint_every_steps=5",
        ]
        self.workers, self.outputs, self.errors = [], [], []
        for i, own in enumerate(self.own_folders):
            config = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": i}}
            own.mkdir(exist_ok=True)
            environment = {
                **os.environ,
                "TF_CONFIG": json.dumps(config),
                "TMPDIR": str(own),
                **QUIET,
            }
            self.outputs.append(folder / f"output{i}.txt")
            self.errors.append(folder / f"errors{i}.txt")
            with open(self.outputs[i], "w") as output, open(self.errors[i], "w") as errors:
                self.workers.append(
                    subprocess.Popen(
                        command, cwd=ROOT, env=environment, stdout=output, stderr=errors
                    )
                )

    def __enter__(self) -> Run:
        return self

    def __exit__(self, *exception) -> None:
        for worker in self.workers:
            worker.kill()
            worker.wait()

    def wait_for_step(self, step: int) -> None:
        until = time.monotonic() + PATIENCE
        while not any(line["step"] >= step for line in read_scalars(str(self.workdir))):
            assert all(worker.poll() is None for worker in self.workers), self.told()
            assert time.monotonic() < until, self.told()
            time.sleep(0.3)

    def codes(self) -> list[int]:
        return [worker.wait(timeout=PATIENCE) for worker in self.workers]

    def told(self) -> list[str]:
        return [path.read_text(errors="replace")[-1500:] for path in self.errors]

    def said(self, worker: int) -> list[str]:
        return self.outputs[worker].read_text().splitlines()


def step_saved_last(checkpoints: pathlib.Path) -> int:
    return max(int(path.stem[5:]) for path in checkpoints.glob("ckpt-*.index"))


def values(checkpoints: pathlib.Path, step: int) -> dict[str, np.ndarray]:
    """Everything that a checkpoint holds, by name."""
    reader = tf.train.load_checkpoint(str(checkpoints / f"ckpt-{step}"))
    return {
        name: reader.get_tensor(name)
        for name in reader.get_variable_to_shape_map()
        if "OBJECT_GRAPH" not in name
    }


def assert_ends_with_one_line(run: Run, dead: int) -> None:
    """The worker that is left says that another is gone, and
    nothing else but its progress before.
    """
    other = 1 - dead
    run.workers[dead].kill()
    assert run.workers[other].wait(timeout=PATIENCE) == 1, run.told()
    *before, last = run.told()[other].splitlines()
    assert last.startswith("error: another worker has ended ("), run.told()
    assert not [line for line in before if "Traceback" in line or "rror" in line], run.told()


@pytest.mark.slow
def test_two_workers_stop_together_go_on_and_survive_a_death(dummy_data_dir, tmp_path):
    checkpoints = tmp_path / "run" / "checkpoints"
    with Run(dummy_data_dir, tmp_path, steps=500) as run:
        run.wait_for_step(6)
        # To one of them: both save the same step and end
        run.workers[1].send_signal(signal.SIGTERM)
        assert run.codes() == [42, 42], run.told()
        stopped = read_scalars(str(run.workdir))[-1]["step"]
        assert step_saved_last(checkpoints) == stopped
        # What only had to be written to take part in saving
        assert not list(run.own_folders[1].iterdir())
        assert run.said(0)[0].startswith("--precision=auto: ") and run.said(1) == []

    with Run(dummy_data_dir, tmp_path, steps=500) as run:
        run.wait_for_step(stopped + 6)
        assert_ends_with_one_line(run, dead=1)
        # What a killed worker leaves: both have saved the same, u and the
        # moving statistics too, to the last bit.
        (own,) = run.own_folders[1].glob("*/checkpoints")
        saved = step_saved_last(own)
        assert saved > stopped
        first, second = values(checkpoints, saved), values(own, saved)
        assert (
            len([name for name in first if "/u/" in name]) == U_VECTORS
            and first.keys() == second.keys()
        )
        for name, value in first.items():
            np.testing.assert_array_equal(value, second[name], err_msg=name)

    with Run(dummy_data_dir, tmp_path, steps=500) as run:
        run.wait_for_step(saved + 6)
        assert_ends_with_one_line(run, dead=0)

    last = step_saved_last(checkpoints) + 5
    with Run(dummy_data_dir, tmp_path, steps=last) as run:
        assert run.codes() == [0, 0], run.told()
    steps = [line["step"] for line in read_scalars(str(run.workdir)) if "generator/gan" in line]
    assert steps == list(range(1, last + 1))
    samples = sorted(path.name for path in (run.workdir / "samples").iterdir())
    assert samples == ["00000000.png", f"{last:08d}.png"]


@pytest.mark.slow
def test_two_workers_run_the_best_recipe(dummy_data_dir, tmp_path):
    """Shrunk; its penalty comes on every other step."""
    with Run(dummy_data_dir, tmp_path, steps=4, flags=BEST) as run:
        assert run.codes() == [0, 0], run.told()
    lines = [line for line in read_scalars(str(run.workdir)) if "generator/gan" in line]
    assert [line["discriminator/dragan"] > 0 for line in lines] == [True, False, True, False]
    assert [line["discriminator/skipped_updates"] for line in lines] == [0] * 4


def test_a_lost_worker_is_named_or_else_what_tensorflow_says():
    named = (
        "Graph execution error:\n\n"
        "from remote target /job:worker/replica:0/task:3 while calling /Complete:\n..."
    )
    for text, reason in [
        (named, "no answer from worker 3"),
        ("Socket closed\nmore", "Socket closed"),
        ("", ""),
    ]:
        with pytest.raises(UserError) as caught, strategy.all_workers_there():
            raise tf.errors.UnavailableError(None, None, text)
        assert str(caught.value).startswith(
            f"another worker has ended ({reason}); start all workers again"
        )


def test_workers_that_would_go_on_from_different_steps_do_not_start(monkeypatch):
    several = mock.Mock(spec=tf.distribute.MultiWorkerMirroredStrategy, num_replicas_in_sync=4)
    # Three restored step 20, one nothing
    monkeypatch.setattr(strategy, "_sum_over_replicas", lambda *_: 3 * 20.0)
    for step in (20, 0):
        with pytest.raises(
            UserError, match=f"goes on from step {step}, another does not: .* the same --workdir"
        ):
            strategy.check_agreement(several, step)
    monkeypatch.setattr(strategy, "_sum_over_replicas", lambda *_: 4 * 20.0)
    strategy.check_agreement(several, 20)
    strategy.check_agreement(tf.distribute.get_strategy(), 20)


CLUSTER = {"worker": ["host1:2222", "host2:2222"]}


@pytest.mark.parametrize(
    "config, said",
    [
        ("", "--strategy=multi_worker needs TF_CONFIG"),
        ("{", "TF_CONFIG is malformed (JSONDecodeError"),
        ("[]", "TF_CONFIG is malformed (TypeError"),
        (json.dumps({"cluster": CLUSTER}), "TF_CONFIG is malformed (KeyError('task'))"),
        (
            json.dumps({"cluster": CLUSTER, "task": {"type": "worker", "index": "x"}}),
            "TF_CONFIG is malformed",
        ),
        (
            json.dumps({"cluster": CLUSTER, "task": {"type": "worker", "index": 2}}),
            "task worker 2: there are 2 workers",
        ),
        (
            json.dumps({"cluster": CLUSTER, "task": {"type": "ps", "index": 0}}),
            "task ps 0: there are 2 workers",
        ),
        (
            json.dumps({"cluster": {"worker": "a:1"}, "task": {"type": "worker", "index": 0}}),
            "should be a list",
        ),
    ],
)
def test_a_cluster_that_is_none_is_one_line(config, said, monkeypatch):
    monkeypatch.setenv("TF_CONFIG", config)
    with pytest.raises(UserError) as caught:
        strategy.check("multi_worker")
    assert said in str(caught.value) and "\n" not in str(caught.value)


def test_only_the_first_worker_writes(monkeypatch):
    assert strategy.is_first("auto")
    for index in range(2):
        monkeypatch.setenv(
            "TF_CONFIG",
            json.dumps({"cluster": CLUSTER, "task": {"type": "worker", "index": index}}),
        )
        assert strategy.is_first("multi_worker") == (index == 0)
