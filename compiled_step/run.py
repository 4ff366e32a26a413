"""Runs a packed run with JAX, without TensorFlow.

    python -m compiled_step.run --packed_dir=DIR --steps=10000 --output_dir=DIR

Needs jax, absl-py and NumPy, Pillow if photos are packed as JPEG, and of this project the folder
compiled_step. Prints the losses. `compiled_step.unpack` makes a checkpoint of the files that it
writes to --output_dir. With --time it only measures, and prints one JSON object.

Every --measure_every_seconds, and at the end, it writes a sheet of our own drawings and the
averaged generator, with kernels in float16. So there is a model to draw with, however the run ends.
Last it writes the whole state, to go on from.
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
from compiled_step.packed_in_jax import PackedRun


class _PathParser(flags.ArgumentParser):
    """A path; `~` is the home folder. The parser of train.py's flags is not available here."""

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
_MEASURE = flags.DEFINE_float(
    "measure_every_seconds",
    60,
    "Seconds between sheets, with the averaged generator beside them.",
    lower_bound=1,
)
_LIMIT = flags.DEFINE_float(
    "limit_seconds",
    0,
    "Leave the state out if it cannot be written until then; 0: write it.",
    lower_bound=0,
)
_PART_MB = flags.DEFINE_float(
    "part_mb", 1000, "Generator and state come in files of about so many megabytes.", lower_bound=1
)
_TIME = flags.DEFINE_integer("time", 0, "Only time so many steps, three times over.", lower_bound=0)
_COMPILE = flags.DEFINE_bool(
    "compile_only", False, "Only compile, and keep what comes of it in --kept_in."
)
_KEPT_IN = _path(
    "kept_in", "", "Folder of compiled programs; those that are there are taken from there."
)
_AHEAD = 8  # calls whose batches are made in advance
_IN_FLIGHT = 2  # calls that are queued on the device
_SLOWER = 2  # the state may take so many times as long as the generator, for its size
_SHOWN = ("generator/supervised", "fakes/deviation")
_COUNTED = "skipped_updates"


def main(argv: list[str]) -> None:
    """Compiles the step; then runs or times it."""
    del argv
    _check()
    started = time.perf_counter()
    run = PackedRun(_PACKED_DIR.value, jax.devices()[0], _KEPT_IN.value)
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
    _write_done(run, seconds, compile_seconds, started)


def _check() -> None:
    path = os.path.join(_PACKED_DIR.value, layout.RUN)
    if not os.path.exists(path):
        sys.exit(
            f"error: --packed_dir={_PACKED_DIR.value}: no {layout.RUN} there; give what"
            " compiled_step.pack wrote"
        )
    with open(path, encoding="utf-8") as file:
        described = json.load(file)
    if "steps_per_call" not in described:
        sys.exit(
            f"error: --packed_dir={_PACKED_DIR.value}: packed by an earlier version; pack it again"
        )
    step, per_call = described["step"], described["steps_per_call"]
    wanted = _STEPS.value or described["card"]["config"]["train_steps"]
    if wanted < step + per_call:
        calls = f", and makes {per_call} per call" if per_call > 1 else ""
        sys.exit(f"error: --steps={wanted}: the packed run is at step {step}{calls}; give more")
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
    """Makes all steps, or those before a stop; returns the seconds that they took."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # Under nohup SIGHUP is ignored, and stays so
        if (number, signal.getsignal(number)) != (signal.SIGHUP, signal.SIG_IGN):
            signal.signal(number, lambda *_: stop.set())
    first, per_call = run.step, run.steps_per_call
    last = min(_STEPS.value or run.config["train_steps"], run.config["train_steps"])
    last -= (last - first) % per_call  # whole calls
    began = measured = time.perf_counter()
    sheets, kept, in_flight = {}, [], collections.deque()
    for batch in _batches(run, last):
        kept.append(run.advance(batch))
        in_flight.append(next(iter(kept[-1].values())))
        if len(in_flight) >= _IN_FLIGHT:
            # Otherwise minutes of work would be queued on the device when the time is over
            in_flight.popleft().block_until_ready()
        now = time.perf_counter()
        if stop.is_set() or (_SECONDS.value and now - started > _SECONDS.value):
            last = run.step
        measures = now - measured > _MEASURE.value or run.step == last
        logs = run.step // _LOG_EVERY.value > (run.step - per_call) // _LOG_EVERY.value
        if logs or measures or run.step == first + per_call:
            steps_per_second = (run.step - first) / (time.perf_counter() - began)
            _log({"step": run.step, **_means(kept), "steps_per_second": steps_per_second}, last)
            kept = []
        if measures:
            _measure(run, sheets)
            measured = time.perf_counter()
        if run.step == last:
            break
    return time.perf_counter() - began


def _measure(run: PackedRun, sheets: dict[str, np.ndarray]) -> None:
    """Writes the averaged generator as it is now, and the sheets so far, by their steps."""
    layout.write_parts(
        _OUTPUT_DIR.value, layout.GENERATOR, run.averaged_generator(), _PART_MB.value
    )
    if run.sheet_program:
        sheets[str(run.step)] = run.sheet()
        layout.write(os.path.join(_OUTPUT_DIR.value, layout.SHEETS), sheets)


def _batches(run: PackedRun, last: int):
    """The batches of all calls to come, made in advance."""
    made: queue.Queue = queue.Queue(_AHEAD)
    first = run.step

    def make() -> None:
        for step in range(first, last, run.steps_per_call):
            made.put(run.batch(step))

    threading.Thread(target=make, daemon=True).start()
    for _ in range(first, last, run.steps_per_call):
        yield made.get()


def _means(calls: list[dict[str, jax.Array]]) -> dict[str, float]:
    columns = collections.defaultdict(list)
    for scalars in calls:
        for name, values in scalars.items():
            columns[name].extend(np.asarray(values).reshape(-1).tolist())
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
    """Prints, if the output is open: a closed terminal or pipe must not lose any results."""
    with contextlib.suppress(OSError):
        print(text, file=file, flush=True)


def _write_done(run: PackedRun, seconds: float, compile_seconds: float, started: float) -> None:
    """Writes how it went; then the state, if there is time for it, and again how it went."""
    done = {
        "step": run.step,
        "ms_per_step": round(1000 * seconds / (run.step - run.described["step"]), 3),
        "compile_s": round(compile_seconds, 1),
        "device": run.program.device.device_kind,
        "jax": jax.__version__,
        "state": False,
    }
    _write_json(done)
    if _LIMIT.value and time.perf_counter() - started + _seconds_of_state(run) > _LIMIT.value:
        _say("no time is left to write the state: the averaged generator is there", file=sys.stderr)
    else:
        written = {key: np.asarray(run.state[key]) for key in sorted(run.described["written"])}
        layout.write_parts(_OUTPUT_DIR.value, layout.STATE_PARTS, written, _PART_MB.value)
        done["state"] = True
        _write_json(done)
    _say(json.dumps(done))


def _seconds_of_state(run: PackedRun) -> float:
    """How long writing the state may take, estimated from the time of the generator."""
    began, generator = time.perf_counter(), run.averaged_generator()
    layout.write_parts(_OUTPUT_DIR.value, layout.GENERATOR, generator, _PART_MB.value)
    sizes = [
        sum(array.nbytes for array in arrays) for arrays in (generator.values(), _written(run))
    ]
    return _SLOWER * (time.perf_counter() - began) * sizes[1] / sizes[0]


def _written(run: PackedRun) -> list[jax.Array]:
    return [run.state[key] for key in run.described["written"]]


def _write_json(done: dict[str, object]) -> None:
    with open(os.path.join(_OUTPUT_DIR.value, layout.DONE), "w", encoding="utf-8") as file:
        json.dump(done, file)


def _timed(run: PackedRun) -> dict[str, object]:
    batch, ms = run.batch(run.step), []
    for _ in range(4):  # the first is a warm-up
        began = time.perf_counter()
        calls = -(-_TIME.value // run.steps_per_call)
        for _ in range(calls):
            scalars = run.advance(batch)
        scalars = {name: np.asarray(values) for name, values in scalars.items()}  # waits
        ms.append(1000 * (time.perf_counter() - began) / (calls * run.steps_per_call))
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
        "steps_per_call": run.steps_per_call,
        "finite": all(np.isfinite(values).all() for values in scalars.values()),
        "jax": jax.__version__,
    }


def _matrix_products_per_s(device: jax.Device, precision: str, side: int = 8192) -> float:
    """Multiply-adds per second of a product of two random matrices, the best of five."""
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
