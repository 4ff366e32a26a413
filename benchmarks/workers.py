"""How much faster are two worker processes than one, if each has a core of its own?

    python benchmarks/workers.py --base_width=16 --perceptual_weight=0 [--batch_size=8] [--steps=8]

Draws a small miniature Sketchy and trains on it with `train.py --strategy=multi_worker`, once with
one worker and once with two, which exchange over the loopback interface. Each worker is pinned to a
core (Linux) and has a batch of --batch_size. Takes every option of train.py. Prints one JSON
object; its efficiency is the pictures per second of two workers divided by twice those of one.
"""

import dataclasses
import json
import os
import pathlib
import socket
import statistics
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import sketch2img_tf.with_tensorflow  # noqa: F401 - checks the versions before other imports

# isort: split
from absl import flags

from datasets.miniature import release as miniature
from datasets.sketchy import records
from sketch2img_tf import config as config_lib
from sketch2img_tf import errors
from sketch2img_tf.run_folder.summaries import read_scalars

_BATCH_SIZE = flags.DEFINE_integer("batch_size", 8, "Pictures per worker and step.", lower_bound=1)
_STEPS = flags.DEFINE_integer("steps", 8, "Steps to measure, after the first two.", lower_bound=1)
_ROOT = pathlib.Path(__file__).resolve().parents[1]
_WARM_UP = 2
_WORKERS = (1, 2)


def main() -> None:
    """Measures and prints the result."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < max(_WORKERS):
        raise errors.UserError(
            f"{len(cores)} core for {max(_WORKERS)} workers: run it where each has its own"
        )
    with tempfile.TemporaryDirectory() as folder:
        release, data_dir = os.path.join(folder, "sketchy"), os.path.join(folder, "data")
        miniature.write(release, photos_per_class=10, classes=miniature.CLASSES[:2])
        records.build(release, data_dir)
        seconds = {
            count: _seconds(cores[:count], data_dir, os.path.join(folder, str(count)))
            for count in _WORKERS
        }
    rates = {workers: workers * _BATCH_SIZE.value / median for workers, median in seconds.items()}
    result = {
        "base_width": config_lib.from_flags().network.base_width,
        "batch_size_a_worker": _BATCH_SIZE.value,
        "median_s_per_step": {workers: round(median, 3) for workers, median in seconds.items()},
        "pictures_per_s": {workers: round(rate, 2) for workers, rate in rates.items()},
        "efficiency": round(rates[2] / (2 * rates[1]), 3),
    }
    print(json.dumps(result))


def _seconds(cores: list[int], data_dir: str, workdir: str) -> float:
    """The median time per step of a run with a worker on each of these cores."""
    addresses = _free_addresses(len(cores))
    flagfile = _flagfile(len(cores), data_dir, workdir)
    workers = [_start(index, core, addresses, flagfile) for index, core in enumerate(cores)]
    if any([worker.wait() for worker in workers]):
        raise errors.UserError("a worker has failed: see its message above")
    rates = [
        line["steps_per_second"] for line in read_scalars(workdir) if "steps_per_second" in line
    ]
    return statistics.median(1 / rate for rate in rates[_WARM_UP:])


def _start(index: int, core: int, addresses: list[str], flagfile: str) -> subprocess.Popen:
    cluster = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}}
    return subprocess.Popen(
        [sys.executable, str(_ROOT / "train.py"), f"--flagfile={flagfile}"],
        env={**os.environ, "TF_CONFIG": json.dumps(cluster), "PYTHONWARNINGS": "ignore"},
        stdout=subprocess.DEVNULL,
        preexec_fn=lambda: os.sched_setaffinity(0, {core}),
    )


def _flagfile(workers: int, data_dir: str, workdir: str) -> str:
    """The flagfile of a run with this many workers."""
    run = config_lib.from_flags()
    training = dataclasses.replace(
        run.training,
        strategy="multi_worker",
        workdir=workdir,
        global_batch_size=workers * _BATCH_SIZE.value,
        train_steps=_WARM_UP + _STEPS.value,
        train_epochs=0,
        log_every_steps=1,
    )
    run = dataclasses.replace(
        run, training=training, data=dataclasses.replace(run.data, data_dir=data_dir)
    )
    path = workdir + ".flags"
    pathlib.Path(path).write_text(run.to_flagfile())
    return path


def _free_addresses(count: int) -> list[str]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    addresses = [f"127.0.0.1:{each.getsockname()[1]}" for each in sockets]
    for each in sockets:
        each.close()
    return addresses


if __name__ == "__main__":
    config_lib.define_flags()
    flags.adopt_module_key_flags(config_lib)
    errors.run(main)
