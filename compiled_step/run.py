"""Drives a packed run where there is JAX and no TensorFlow.

    python -m compiled_step.run --packed_dir=DIR --steps=10000 --output_dir=DIR

Needs jax, absl-py and NumPy, and of this project the folder compiled_step. Prints the losses as it
goes; what it leaves in --output_dir, `compiled_step.unpack` makes a checkpoint of. With --time it
only measures, and prints one JSON object.
"""

from __future__ import annotations

import collections
import contextlib
import json
import os
import queue
import signal
import statistics
import sys
import threading
import time
from typing import TextIO

import numpy as np
from absl import app, flags

try:
    import jax
except ModuleNotFoundError:
    sys.exit(
        "error: no JAX here; pip install -r requirements-jax.txt, into an environment without"
        " TensorFlow"
    )

from compiled_step import layout
from compiled_step.order import Order
from compiled_step.xla import Executable


class _PathParser(flags.ArgumentParser):
    """A path; `~` is the home folder. That of train.py's flags is not here."""

    def parse(self, argument):
        return os.path.expanduser(argument)


def _path(name: str, default: str | None, help: str, **options) -> flags.FlagHolder:
    return flags.DEFINE(_PathParser(), name, default, help, **options)


_PACKED_DIR = _path("packed_dir", None, "What compiled_step.pack wrote.", required=True)
_OUTPUT_DIR = _path("output_dir", "", "Folder for the state, the scalars, and how it went.")
_STEPS = flags.DEFINE_integer(
    "steps", 0, "Step to stop at, at most the run's --train_steps; 0: that.", lower_bound=0
)
_SECONDS = flags.DEFINE_float(
    "seconds", 0, "Stop after so many seconds, compiling included; 0: never.", lower_bound=0
)
_LOG_EVERY = flags.DEFINE_integer(
    "log_every_steps", 100, "Steps between lines of scalars.", lower_bound=1
)
_PART_MB = flags.DEFINE_float(
    "part_mb", 1000, "The state comes in files of about so many megabytes.", lower_bound=1
)
_TIME = flags.DEFINE_integer("time", 0, "Only time so many steps, three times over.", lower_bound=0)
_COMPILE = flags.DEFINE_bool(
    "compile_only", False, "Only compile, and keep what comes of it in --kept_in."
)
_KEPT_IN = _path(
    "kept_in", "", "Folder of compiled programs; those that are there are taken from there."
)
_AHEAD = 8  # batches
_SHOWN = ("generator/supervised", "fakes/deviation")
_COUNTED = "skipped_updates"


class PackedRun:
    """A packed run on a device."""

    def __init__(self, directory: str, device: jax.Device):
        self.directory = directory
        with open(os.path.join(directory, layout.RUN), encoding="utf-8") as file:
            self.described = json.load(file)
        self.config = self.described["card"]["config"]
        self.program = Executable(self._read(layout.STEP), device, _KEPT_IN.value)
        self.step = self.described["step"]

    def load(self) -> None:
        """The state onto the device, the pictures into memory."""
        with np.load(os.path.join(self.directory, layout.STATE)) as state:
            arrays = {key: state[key] for key in state.files}
        arrays |= {key: layout.drawn(**draw) for key, draw in self.described["drawn"].items()}
        self.state = {key: self.program.put(array) for key, array in arrays.items()}
        with np.load(os.path.join(self.directory, layout.PICTURES)) as file:
            pictures = {name: file[name] for name in file.files}
        self.order = Order(pictures, self.config["global_batch_size"], self.config["seed"])
        self.batch_program = Executable(self._read(layout.BATCH), jax.devices("cpu")[0])

    def batch(self, step: int) -> list[jax.Array]:
        """What the step after `step` takes: photos, sketches, labels, and
        what is aligned, if that is packed.
        """
        photos, sketches, numbers, *besides = self.order.inputs(step)
        arrays = [
            *self.batch_program(*map(self.batch_program.put, (photos, sketches, numbers))),
            *besides,
        ]
        return [self.program.put(np.asarray(array)) for array in arrays]

    def advance(self, batch: list[jax.Array]) -> dict[str, jax.Array]:
        """One step; its scalars."""
        captured = (self.state[key] for key in self.described["captured"])
        results = self.program(*batch, *captured)
        names = self.described["scalars"]
        self.state.update(zip(self.described["written"], results[len(names) :]))
        self.step += 1
        return dict(zip(names, results))

    def _read(self, name: str) -> bytes:
        with open(os.path.join(self.directory, name), "rb") as file:
            return file.read()


def main(argv: list[str]) -> None:
    """Compiles; then runs, or times."""
    del argv
    _check()
    started = time.perf_counter()
    run = PackedRun(_PACKED_DIR.value, jax.devices()[0])
    compile_seconds = time.perf_counter() - started
    _say(
        f"compiled for {run.program.device.device_kind} in {compile_seconds:.0f} s", file=sys.stderr
    )
    if _COMPILE.value:
        return
    run.load()
    if _TIME.value:
        _say(json.dumps(_timed(run) | {"compile_s": round(compile_seconds)}))
        return
    seconds = _run(run, started)
    _write_done(run, seconds, compile_seconds)


def _check() -> None:
    path = os.path.join(_PACKED_DIR.value, layout.RUN)
    if not os.path.exists(path):
        sys.exit(
            f"error: --packed_dir={_PACKED_DIR.value}: no {layout.RUN} there; give what"
            " compiled_step.pack wrote"
        )
    with open(path, encoding="utf-8") as file:
        step = json.load(file)["step"]
    if _STEPS.value and _STEPS.value <= step:
        sys.exit(f"error: --steps={_STEPS.value}: the packed run is at step {step}; give more")
    if _KEPT_IN.value:
        _make_folder("kept_in", _KEPT_IN.value)  # before the minutes of compiling, not after them
    if _COMPILE.value or _TIME.value:
        return
    if not _OUTPUT_DIR.value:
        sys.exit(
            "error: --output_dir is missing: folder for the state, the scalars, and how it went"
        )
    if os.path.exists(os.path.join(_OUTPUT_DIR.value, layout.SCALARS)):
        sys.exit(
            f"error: --output_dir={_OUTPUT_DIR.value}: holds what another run left; give another"
        )
    _make_folder("output_dir", _OUTPUT_DIR.value)


def _make_folder(flag: str, path: str) -> None:
    try:
        os.makedirs(path, exist_ok=True)
    except OSError as error:
        sys.exit(f"error: --{flag}={path}: {error.strerror}; give a folder that can be made")


def _run(run: PackedRun, started: float) -> float:
    """All steps, or those until it is told to stop; the seconds that they took."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # Nohup has it ignored
        if (number, signal.getsignal(number)) != (signal.SIGHUP, signal.SIG_IGN):
            signal.signal(number, lambda *_: stop.set())
    last = min(_STEPS.value or run.config["train_steps"], run.config["train_steps"])
    first = run.step
    began, kept = time.perf_counter(), []
    for batch in _batches(run, last):
        kept.append(run.advance(batch))
        if stop.is_set() or (_SECONDS.value and time.perf_counter() - started > _SECONDS.value):
            last = run.step
        if run.step % _LOG_EVERY.value == 0 or run.step in (first + 1, last):
            steps_per_second = (run.step - first) / (time.perf_counter() - began)
            _log({"step": run.step, **_means(kept), "steps_per_second": steps_per_second}, last)
            kept = []
        if run.step == last:
            break
    return time.perf_counter() - began


def _batches(run: PackedRun, last: int):
    """Those of all steps to come, made ahead."""
    made: queue.Queue = queue.Queue(_AHEAD)
    first = run.step

    def make() -> None:
        for step in range(first, last):
            made.put(run.batch(step))

    threading.Thread(target=make, daemon=True).start()
    for _ in range(first, last):
        yield made.get()


def _means(steps: list[dict[str, jax.Array]]) -> dict[str, float]:
    columns = collections.defaultdict(list)
    for scalars in steps:
        for name, value in scalars.items():
            columns[name].append(float(value))
    finite = {
        name: [value for value in values if np.isfinite(value)] for name, values in columns.items()
    }
    return {
        name: sum(values) if name.endswith(_COUNTED) else sum(values) / len(values)
        for name, values in finite.items()
        if values
    }


def _log(line: dict[str, float], last: int) -> None:
    with open(os.path.join(_OUTPUT_DIR.value, layout.SCALARS), "a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")
    left = (last - line["step"]) / line["steps_per_second"]
    shown = "  ".join(f"{name} {line[name]:.3f}" for name in _SHOWN if name in line)
    _say(f"step {line['step']} of {last}  {left:.0f} s left  {shown}", file=sys.stderr)


def _say(text: str, file: TextIO | None = None) -> None:
    """Prints, if anybody can read it: nothing is lost because a
    terminal is closed or a pipe's reader ends.
    """
    with contextlib.suppress(OSError):
        print(text, file=file, flush=True)


def _write_done(run: PackedRun, seconds: float, compile_seconds: float) -> None:
    written = {key: np.asarray(run.state[key]) for key in sorted(run.described["written"])}
    layout.write_parts(_OUTPUT_DIR.value, written, _PART_MB.value)
    done = {
        "step": run.step,
        "ms_per_step": round(1000 * seconds / (run.step - run.described["step"]), 3),
        "compile_s": round(compile_seconds, 1),
        "device": run.program.device.device_kind,
        "jax": jax.__version__,
    }
    with open(os.path.join(_OUTPUT_DIR.value, layout.DONE), "w", encoding="utf-8") as file:
        json.dump(done, file)
    _say(json.dumps(done))


def _timed(run: PackedRun) -> dict[str, object]:
    batch, ms = run.batch(run.step), []
    for _ in range(4):  # the first is a warm-up
        began = time.perf_counter()
        for _ in range(_TIME.value):
            scalars = run.advance(batch)
        scalars = {name: float(value) for name, value in scalars.items()}  # waits
        ms.append(1000 * (time.perf_counter() - began) / _TIME.value)
    median = statistics.median(ms[1:])
    peak = _matrix_products_per_s(run.program.device, run.described["precision"])
    return {
        "device": run.program.device.device_kind,
        "precision": run.described["precision"],
        "batch_size": run.config["global_batch_size"],
        "median_ms_per_step": round(median, 3),
        "ms_per_step": [round(each, 3) for each in ms[1:]],
        "pictures_per_s": round(1000 * run.config["global_batch_size"] / median, 1),
        "multiply_adds_g": round(run.described["multiply_adds"] / 1e9, 1),
        "matrix_product_g_per_s": round(peak / 1e9),
        "share_of_matrix_product": round(
            run.described["multiply_adds"] / (median / 1000) / peak, 4
        ),
        "memory_mb": run.program.memory_mb,
        "finite": all(np.isfinite(value) for value in scalars.values()),
        "jax": jax.__version__,
    }


def _matrix_products_per_s(device: jax.Device, precision: str, side: int = 8192) -> float:
    """Multiply-adds a second of a product of two random matrices, the best of five."""
    side = side if device.platform == "gpu" else 1024
    left, right = (jax.random.normal(jax.random.key(n), [side, side], precision) for n in (0, 1))
    product, seconds = jax.jit(lambda a, b: a @ b), []
    for _ in range(6):
        began = time.perf_counter()
        product(left, right).block_until_ready()
        seconds.append(time.perf_counter() - began)
    return side**3 / min(seconds)


if __name__ == "__main__":
    app.run(main)
