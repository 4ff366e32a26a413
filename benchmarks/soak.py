"""Do memory, file handles, threads and time per step stay level in a long training?

    python benchmarks/soak.py --steps=2000 --plot=soak.png

Starts a small training with train.py on the generated pictures of datasets/sketchy/dummy_data, with
scalars, samples, evaluations and checkpoints on, and observes its process from outside, in Linux'
/proc. The first quarter of the steps is left out: there the program makes what it needs once. Level
means: the median of the last quarter is above that of the second quarter by no more than `_MOST`
says. Prints one JSON object, and ends with an error if something has grown.

The time per step is processor time, since other programs' load is not ours. It includes a share of
samples, evaluations and checkpoints, and still depends a little on what other programs do to the
caches.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import sketch2img_tf.with_tensorflow  # noqa: F401 - checks the versions before other imports

# isort: split
from absl import flags
from matplotlib.figure import Figure

from sketch2img_tf import errors, path_flags
from sketch2img_tf.errors import UserError
from sketch2img_tf.run_folder.summaries import read_scalars

_STEPS = flags.DEFINE_integer("steps", 2000, "Steps of the training.", lower_bound=400)
_PLOT = path_flags.define("plot", "", "Also plot the measurements into this .png file.")

_ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
_EVERY = 20  # steps between measurements, and between samples, evaluations and checkpoints
_SMALL = [
    "--base_width=4",
    "--global_batch_size=4",
    "--perceptual_weight=0",
    f"--log_every_steps={_EVERY // 2}",
]
_INTERVALS = [f"--{name}_every_steps={_EVERY}" for name in ("sample", "checkpoint", "evaluate")]
_LABELS = {
    "memory_mb": "memory, MB",
    "handles": "open files",
    "threads": "threads",
    "cpu_s_per_step": "CPU s per step",
}
# The last quarter's median divided by the second quarter's
_MOST = {"memory_mb": 1.05, "handles": 1.0, "threads": 1.0, "cpu_s_per_step": 1.25}


def main() -> None:
    """Trains, measures and judges."""
    with tempfile.TemporaryDirectory() as folder:
        samples = _samples(folder)
    if _PLOT.value:
        _plot(samples, _PLOT.value)
    second, last = (_medians(samples, quarter) for quarter in (1, 3))
    grown = [name for name, most in _MOST.items() if last[name] > most * second[name]]
    print(
        json.dumps(
            {"steps": _STEPS.value, "second_quarter": second, "last_quarter": last, "grown": grown}
        )
    )
    if grown:
        raise UserError(
            f"not level over {_STEPS.value} steps: {', '.join(grown)}; see the figures in the line"
            " above"
        )


def _samples(folder: str) -> list[dict[str, float]]:
    """What `_look` measures, about every `_EVERY` steps, with the step."""
    workdir = os.path.join(folder, "run")
    command = [sys.executable, "train.py", *_SMALL, *_INTERVALS, f"--train_steps={_STEPS.value}"]
    command += [
        "--manual_dir=datasets/sketchy/dummy_data",
        f"--data_dir={folder}/data",
        f"--workdir={workdir}",
    ]
    seen = []
    with subprocess.Popen(command, cwd=_ROOT, stdout=subprocess.DEVNULL) as process:
        while process.poll() is None:
            step = max((line["step"] for line in read_scalars(workdir)), default=0)
            if step >= (seen[-1]["step"] if seen else 0) + _EVERY:
                seen.append({"step": step, **_look(process.pid)})
            time.sleep(0.05)
    if process.returncode:
        raise UserError(f"train.py failed ({process.returncode}): see its message above")
    pairs = zip(seen, seen[1:])
    return [{**now, "cpu_s_per_step": _per_step(before, now)} for before, now in pairs]


def _look(process: int) -> dict[str, float]:
    """A process's resident memory, file handles, threads, and processor time so far."""
    with open(f"/proc/{process}/status", encoding="utf-8") as file:
        status = dict(line.split(":", 1) for line in file)
    with open(f"/proc/{process}/stat", encoding="utf-8") as file:
        # In user mode and in system mode
        ticks = sum(map(int, file.read().rpartition(")")[2].split()[11:13]))
    return {
        "memory_mb": int(status["VmRSS"].split()[0]) / 1024,
        "handles": len(os.listdir(f"/proc/{process}/fd")),
        "threads": int(status["Threads"]),
        "cpu_s": ticks / os.sysconf("SC_CLK_TCK"),
    }


def _per_step(before: dict[str, float], now: dict[str, float]) -> float:
    return (now["cpu_s"] - before["cpu_s"]) / (now["step"] - before["step"])


def _medians(samples: list[dict[str, float]], quarter: int) -> dict[str, float]:
    length = _STEPS.value / 4
    within = [
        sample for sample in samples if quarter * length < sample["step"] <= (quarter + 1) * length
    ]
    return {name: round(statistics.median(sample[name] for sample in within), 4) for name in _MOST}


def _plot(samples: list[dict[str, float]], path: str) -> None:
    figure = Figure(figsize=(8, 7), layout="constrained")
    for axes, (name, label) in zip(figure.subplots(len(_LABELS), sharex=True), _LABELS.items()):
        axes.plot(
            [sample["step"] for sample in samples],
            [sample[name] for sample in samples],
            linewidth=1,
        )
        axes.set_ylim(0, 1.2 * max(sample[name] for sample in samples))
        axes.set_ylabel(label)
        axes.grid(alpha=0.3)
    axes.set_xlabel("step")
    figure.savefig(path, dpi=100)


if __name__ == "__main__":
    errors.run(main)
