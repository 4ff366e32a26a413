"""Two workers of one run, as processes on this machine: they train, stop, go on, and notice a death."""

from __future__ import annotations

import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time

import pytest

from sketch2img_tf import strategy
from sketch2img_tf.errors import UserError
from sketch2img_tf.summaries import read_scalars

ROOT = pathlib.Path(__file__).resolve().parents[1]
TINY = ["--base_width=2", "--global_batch_size=4", "--perceptual_weight=0", "--log_every_steps=1"]
WORKERS = 2


def free_addresses(count: int) -> list[str]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    addresses = [f"127.0.0.1:{each.getsockname()[1]}" for each in sockets]
    for each in sockets:
        each.close()
    return addresses


class Run:
    """The workers' processes, their output in files: a full pipe would hold one up, and with it the other."""

    def __init__(self, data_dir: pathlib.Path, folder: pathlib.Path, steps: int):
        addresses = free_addresses(WORKERS)
        self.errors = [folder / f"worker{i}.txt" for i in range(WORKERS)]
        command = [sys.executable, "train.py", "--strategy=multi_worker", f"--data_dir={data_dir}", *TINY]
        command += [f"--workdir={folder / 'run'}", f"--train_steps={steps}", "--checkpoint_every_steps=5"]
        self.workers = []
        for i, path in enumerate(self.errors):
            config = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": i}}
            environment = {**os.environ, "TF_CONFIG": json.dumps(config), "PYTHONWARNINGS": "ignore"}
            with open(path, "w", encoding="utf-8") as file:
                self.workers.append(
                    subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=file)
                )

    def wait_for_step(self, workdir: pathlib.Path, step: int) -> None:
        until = time.monotonic() + 400
        while not any(line["step"] >= step for line in read_scalars(str(workdir))):
            assert all(worker.poll() is None for worker in self.workers), self.told()
            assert time.monotonic() < until, self.told()
            time.sleep(0.3)

    def codes(self) -> list[int]:
        return [worker.wait(timeout=400) for worker in self.workers]

    def told(self) -> list[str]:
        return [path.read_text(errors="replace")[-1500:] for path in self.errors]


@pytest.mark.slow
def test_two_workers_stop_together_go_on_and_survive_a_death(dummy_data_dir, tmp_path):
    workdir = tmp_path / "run"
    run = Run(dummy_data_dir, tmp_path, steps=500)
    run.wait_for_step(workdir, 6)
    run.workers[1].send_signal(signal.SIGTERM)  # to one of them: both save the same step and end
    assert run.codes() == [42, 42], run.told()
    stopped = read_scalars(str(workdir))[-1]["step"]
    assert (workdir / "checkpoints" / f"ckpt-{stopped}.index").exists()

    run = Run(dummy_data_dir, tmp_path, steps=500)
    run.wait_for_step(workdir, stopped + 6)
    run.workers[1].kill()
    assert run.workers[0].wait(timeout=400) == 1, run.told()
    run.workers[1].wait()
    assert run.told()[0].splitlines()[-1].startswith("error: another worker is gone ("), run.told()

    saved = max(int(path.stem[5:]) for path in (workdir / "checkpoints").glob("ckpt-*.index"))
    assert saved > stopped
    run = Run(dummy_data_dir, tmp_path, steps=saved + 5)
    assert run.codes() == [0, 0], run.told()
    steps = [line["step"] for line in read_scalars(str(workdir)) if "generator/gan" in line]
    assert steps == list(range(1, saved + 6))


CLUSTER = {"worker": ["host1:2222", "host2:2222"]}


@pytest.mark.parametrize(
    "config, said",
    [
        ("", "--strategy=multi_worker needs TF_CONFIG"),
        ("{", "TF_CONFIG is malformed (JSONDecodeError"),
        ("[]", "TF_CONFIG is malformed (TypeError"),
        (json.dumps({"cluster": CLUSTER}), "TF_CONFIG is malformed (KeyError('task'))"),
        (json.dumps({"cluster": CLUSTER, "task": {"type": "worker", "index": "x"}}), "TF_CONFIG is malformed"),
        (json.dumps({"cluster": CLUSTER, "task": {"type": "worker", "index": 2}}), "task worker 2 is none of the 2"),
        (json.dumps({"cluster": CLUSTER, "task": {"type": "ps", "index": 0}}), "task ps 0 is none of the 2 workers"),
        (json.dumps({"cluster": {"worker": "a:1"}, "task": {"type": "worker", "index": 0}}), "should be a list"),
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
        monkeypatch.setenv("TF_CONFIG", json.dumps({"cluster": CLUSTER, "task": {"type": "worker", "index": index}}))
        assert strategy.is_first("multi_worker") == (index == 0)
