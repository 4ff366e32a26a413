"""Does training in bfloat16 work as in float32? Two seeds in float32, the first also in bfloat16.

    python benchmarks/precision_pair.py --flagfile=configs/quickstart.flags --data_dir=DIR \\
      --workdir=DIR

Trains three times, with every option of train.py but --precision and --seed, in three folders below
--workdir; the same command goes on with interrupted runs. Prints one JSON object: the held-out L1
at the end of each run and, for it and for every curve of the losses, the root mean square of the
differences over the steps, between the precisions and between the seeds. If bfloat16 is as good,
the precisions do not differ more than the seeds.
"""

import dataclasses
import json
import os
import pathlib
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import sketch2img_tf.with_tensorflow  # noqa: F401 - checks the versions before other imports

# isort: split
import numpy as np
from absl import flags

from sketch2img_tf import config as config_lib
from sketch2img_tf import errors
from sketch2img_tf.run_folder.summaries import read_scalars

_RUNS = {"float32": ("float32", 0), "other_seed": ("float32", 1), "bfloat16": ("mixed_bfloat16", 0)}
_LAST = "held_out_l1"
_LOSSES = ("gan", "classification", "dragan", "supervised", "perceptual", "diversity")
_WINDOW = 10  # lines of the log that are averaged before curves are compared
_ROOT = pathlib.Path(__file__).resolve().parents[1]


def main() -> None:
    """Trains, compares and prints the result."""
    run = config_lib.from_flags()
    if not run.training.workdir:
        raise errors.UserError("--workdir=DIR is missing: give the folder for the three runs")
    folders = {name: _trained(run, name, *how) for name, how in _RUNS.items()}
    steps = run.training.train_steps or max(
        line["step"] for line in read_scalars(folders["float32"])
    )
    curves = {name: _curves(folder, steps) for name, folder in folders.items()}
    tags = [tag for tag in curves["float32"] if tag == _LAST or tag.split("/")[-1] in _LOSSES]
    result = {
        "steps": steps,
        _LAST: {name: round(float(found[_LAST][-1]), 4) for name, found in curves.items()},
        "differences": {tag: _differences(curves, tag) for tag in tags},
    }
    print(json.dumps(result))


def _trained(run: config_lib.Config, name: str, precision: str, seed: int) -> str:
    """Trains the run of this name to its end, and returns its folder."""
    workdir = os.path.join(run.training.workdir, name)
    training = dataclasses.replace(run.training, workdir=workdir, precision=precision, seed=seed)
    os.makedirs(run.training.workdir, exist_ok=True)
    flagfile = workdir + ".flags"
    pathlib.Path(flagfile).write_text(dataclasses.replace(run, training=training).to_flagfile())
    if subprocess.run(
        [sys.executable, str(_ROOT / "train.py"), f"--flagfile={flagfile}"]
    ).returncode:
        raise errors.UserError(
            f"{flagfile}: this run did not come to its end: see its message above"
        )
    return workdir


def _curves(workdir: str, steps: int) -> dict[str, np.ndarray]:
    """Every scalar's values up to `steps`, at the steps that logged it; losses are smoothed."""
    columns: dict[str, list[float]] = {}
    for line in read_scalars(workdir):
        for tag, value in line.items() if line["step"] <= steps else ():
            columns.setdefault(tag, []).append(value)
    return {
        tag: np.array(values) if tag == _LAST else _smoothed(values)
        for tag, values in columns.items()
    }


def _smoothed(values: list[float]) -> np.ndarray:
    window = min(_WINDOW, len(values))
    return np.convolve(values, np.ones(window) / window, mode="valid")


def _differences(curves: dict[str, dict[str, np.ndarray]], tag: str) -> dict[str, float]:
    base, precision, seed = (curves[name][tag] for name in ("float32", "bfloat16", "other_seed"))
    return {
        "mean": float(f"{np.mean(base):.3g}"),
        "of_precision": float(f"{_rms(precision - base):.2g}"),
        "of_seed": float(f"{_rms(seed - base):.2g}"),
    }


def _rms(values: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(values))))


if __name__ == "__main__":
    config_lib.define_flags()
    flags.adopt_module_key_flags(config_lib)
    errors.run(main)
