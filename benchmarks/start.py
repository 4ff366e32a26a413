"""How long from a command to its first answer: `--help`, and the first step of a training?

    python benchmarks/start.py --flagfile=configs/full.flags --perceptual_weight=0 --base_width=16

Draws a small miniature Sketchy, or takes the built data of --built_data_dir, and starts train.py
on it twice in one folder: a new run of one step, and the same run for one more. Takes every option
of train.py. Prints one JSON object: of each start the seconds until its step was done, by part, and
of every command those of `--help`, as medians; each also in seconds of CPUs, which other programs
lengthen less.
"""

import collections
import dataclasses
import json
import os
import pathlib
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from typing import Callable

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import sketch2img_tf.with_tensorflow  # noqa: F401 - checks the versions before other imports

# isort: split
from absl import flags

from sketch2img_tf import config as config_lib
from sketch2img_tf import errors, path_flags

_DATA_DIR = path_flags.define("built_data_dir", "", "Built data; default: a small miniature.")
_TIMES = flags.DEFINE_integer("help_times", 5, "How often --help is asked for.", lower_bound=0)
_ROOT = pathlib.Path(__file__).resolve().parents[1]
_COMMANDS = (
    "train.py",
    "evaluate.py",
    "export.py",
    "generate.py",
    "draw.py",
    "-m datasets.sketchy.build",
    "-m datasets.edge_maps.build",
    "-m datasets.miniature.build",
    "-m compiled_step.pack",
    "-m compiled_step.unpack",
    "-m compiled_step.first_step",
    "-m compiled_step.run",
)
_STARTED = "START_BENCHMARK_STARTED"  # in a child's environment: when its parent started it


def main() -> None:
    """Measures and prints the result."""
    with tempfile.TemporaryDirectory() as folder:
        data_dir = _DATA_DIR.value or _miniature(folder)
        starts = [_start(steps, data_dir, folder) for steps in (1, 2)]
    run = config_lib.from_flags()
    result = {
        "base_width": run.network.base_width,
        "batch_size": run.training.global_batch_size,
        "cores": len(os.sched_getaffinity(0)),
        "first_start": starts[0],
        "second_start": starts[1],
        "help": {command: _help(command) for command in _COMMANDS if _TIMES.value},
    }
    print(json.dumps(result))


def _rounded(parts: dict[str, float]) -> dict[str, float]:
    parts = {"total": sum(parts.values()), **parts}
    return {part: round(seconds, 2) for part, seconds in parts.items()}


def _help(command: str) -> dict[str, float]:
    arguments = [sys.executable, *command.split(), "--help"]
    seconds, of_cpus = [], []
    for _ in range(_TIMES.value):
        began, began_of_cpus = time.perf_counter(), _cpus_of_children()
        subprocess.run(arguments, cwd=_ROOT, stdout=subprocess.DEVNULL, check=False)
        seconds.append(time.perf_counter() - began)
        of_cpus.append(_cpus_of_children() - began_of_cpus)
    medians = {"s": statistics.median(seconds), "cpu_s": statistics.median(of_cpus)}
    return {name: round(median, 2) for name, median in medians.items()}


def _cpus_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _miniature(folder: str) -> str:
    """Draws and builds a small data set, and returns its folder."""
    release, data_dir = os.path.join(folder, "sketchy"), os.path.join(folder, "data")
    few = ["--photos_per_class=5", "--sketches_per_photo=2"]
    _run("-m", "datasets.miniature.build", f"--output_dir={release}", *few)
    _run("-m", "datasets.sketchy.build", f"--manual_dir={release}", f"--data_dir={data_dir}")
    return data_dir


def _start(steps: int, data_dir: str, folder: str) -> dict[str, dict[str, float]]:
    """Of a training that makes one step, the last of so many: `s` and `cpu_s`, each by part."""
    run = config_lib.from_flags()
    run = dataclasses.replace(
        run,
        data=dataclasses.replace(run.data, data_dir=data_dir),
        training=dataclasses.replace(
            run.training,
            workdir=os.path.join(folder, "run"),
            train_steps=steps,
            train_epochs=0,
            steps_per_call=1,
        ),
    )
    flagfile = pathlib.Path(folder) / "start.flags"
    flagfile.write_text(run.to_flagfile(), encoding="utf-8")
    program = "from benchmarks import start; start.timed()"
    printed = _run("-c", program, f"--flagfile={flagfile}")
    return json.loads(next(line for line in printed.splitlines() if line.startswith('{"s"')))


def _run(*arguments: str) -> str:
    """What a command of the project prints; its messages are shown only where it fails."""
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=_ROOT,
        env={**os.environ, _STARTED: str(time.time())},
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise errors.UserError(f"{arguments[1]} has failed: {done.stderr[-1000:]}")
    return done.stdout


def timed() -> None:
    """What a child runs: train.py, which prints how long each part of its first step took."""
    config_lib.define_flags()
    errors.run(_timed_main)


def _timed_main() -> None:
    run = config_lib.from_flags()
    seconds, of_cpus = collections.Counter(), collections.Counter()
    last, last_of_cpus = float(os.environ[_STARTED]), 0.0

    def done(part: str) -> None:
        nonlocal last, last_of_cpus
        now, now_of_cpus = time.time(), time.process_time()
        seconds[part] += now - last
        of_cpus[part] += now_of_cpus - last_of_cpus
        last, last_of_cpus = now, now_of_cpus

    def noting(part: str, function: Callable) -> Callable:
        def noted(*arguments, **options):
            done("other")
            result = function(*arguments, **options)
            done(part)
            return result

        return noted

    done("python_and_flags")
    from sketch2img_tf.run_folder import checkpoints
    from sketch2img_tf.training import preparation, trainer
    from sketch2img_tf.training.run import Run

    done("imports")
    step, save = Run._step, checkpoints.Checkpoints.save

    def first_step(self: Run, batches: Iterator, count: int) -> dict:
        done("other")
        self.step.__call__.get_concrete_function(batches.element_spec)
        done("tracing")
        batch = next(batches)
        done("first_batch")
        scalars = step(self, iter([batch]), count)
        for value in scalars.values():
            value.numpy()  # waits for the device
        done("executing")
        print(json.dumps({"s": _rounded(seconds), "cpu_s": _rounded(of_cpus)}), flush=True)
        return scalars

    preparation.prepare = noting("data", preparation.prepare)
    trainer.open_run = noting("networks", trainer.open_run)
    Run._sample = noting("samples", Run._sample)
    checkpoints.Checkpoints.save = noting("checkpoint", save)
    Run._step = first_step
    trainer.train(run)


if __name__ == "__main__":
    config_lib.define_flags()
    flags.adopt_module_key_flags(config_lib)
    errors.run(main)
