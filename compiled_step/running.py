"""Compiles a packed run's step with JAX, and runs or times it; `run.py` is the command."""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import json
import os
import queue
import signal
import statistics
import sys
import threading
import time
from typing import TextIO

import jax
import numpy as np

from compiled_step import layout
from compiled_step.packed_in_jax import PackedRun

_AHEAD = 8  # calls whose batches are made in advance
_IN_FLIGHT = 2  # calls that are queued on the device
_SLOWER = 2  # a byte of the state may take so many times as long to write as one of the generator
_SHOWN = ("generator/supervised", "fakes/deviation")
_COUNTED = "skipped_updates"


@dataclasses.dataclass(frozen=True)
class Given:
    """The values of the flags of `run.py`, by their names."""

    packed_dir: str
    output_dir: str
    steps: int
    seconds: float
    log_every_steps: int
    measure_every_seconds: float
    limit_seconds: float
    part_mb: float
    time: int
    compile_only: bool
    kept_in: str


def compile_and_run(given: Given) -> None:
    """Compiles the step; then runs or times it."""
    started = time.perf_counter()
    run = PackedRun(given.packed_dir, jax.devices()[0], given.kept_in)
    compile_seconds = time.perf_counter() - started
    _say(
        f"compiled for {run.program.device.device_kind} in {compile_seconds:.0f} s", file=sys.stderr
    )
    if given.compile_only:
        return
    run.load()
    if given.time:
        _say(json.dumps(_timed(given, run) | {"compile_s": round(compile_seconds)}))
        return
    seconds = _run(given, run, started)
    _write_done(given, run, seconds, compile_seconds, started)


def _run(given: Given, run: PackedRun, started: float) -> float:
    """Makes all steps, or those before a stop; returns the seconds that they took."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # Under nohup SIGHUP is ignored, and stays so
        if (number, signal.getsignal(number)) != (signal.SIGHUP, signal.SIG_IGN):
            signal.signal(number, lambda *_: stop.set())
    first, per_call = run.step, run.steps_per_call
    last = min(given.steps or run.config["train_steps"], run.config["train_steps"])
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
        if stop.is_set() or (given.seconds and now - started > given.seconds):
            last = run.step
        measures = now - measured > given.measure_every_seconds or run.step == last
        logs = run.step // given.log_every_steps > (run.step - per_call) // given.log_every_steps
        if logs or measures or run.step == first + per_call:
            steps_per_second = (run.step - first) / (time.perf_counter() - began)
            _log(
                given,
                {"step": run.step, **_means(kept), "steps_per_second": steps_per_second},
                last,
            )
            kept = []
        if measures:
            _measure(given, run, sheets)
            measured = time.perf_counter()
        if run.step == last:
            break
    return time.perf_counter() - began


def _measure(given: Given, run: PackedRun, sheets: dict[str, np.ndarray]) -> None:
    """Writes the averaged generator as it is now, and the sheets so far, by their steps."""
    layout.write_parts(given.output_dir, layout.GENERATOR, run.averaged_generator(), given.part_mb)
    if run.sheet_program:
        sheets[str(run.step)] = run.sheet()
        layout.write(os.path.join(given.output_dir, layout.SHEETS), sheets)


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


def _log(given: Given, line: dict[str, float], last: int) -> None:
    with open(os.path.join(given.output_dir, layout.SCALARS), "a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")
    left = (last - line["step"]) / line["steps_per_second"]
    shown = "  ".join(f"{name} {line[name]:.3f}" for name in _SHOWN if name in line)
    _say(f"step {line['step']} of {last}  {left:.0f} s left  {shown}", file=sys.stderr)


def _say(text: str, file: TextIO | None = None) -> None:
    """Prints, if the output is open: a closed terminal or pipe must not lose any results."""
    with contextlib.suppress(OSError):
        print(text, file=file, flush=True)


def _write_done(
    given: Given, run: PackedRun, seconds: float, compile_seconds: float, started: float
) -> None:
    """Writes how it went; then the state, if there is time for it, and again how it went."""
    done = {
        "step": run.step,
        "ms_per_step": round(1000 * seconds / (run.step - run.described["step"]), 3),
        "compile_s": round(compile_seconds, 1),
        "device": run.program.device.device_kind,
        "jax": jax.__version__,
        "state": False,
    }
    _write_json(given, done)
    limit = given.limit_seconds
    if limit and time.perf_counter() - started + _seconds_of_state(given, run) > limit:
        _say(
            "the state is not written, since --limit_seconds leaves no time for it; the averaged"
            " generator is written",
            file=sys.stderr,
        )
    else:
        written = {key: np.asarray(run.state[key]) for key in sorted(run.described["written"])}
        layout.write_parts(given.output_dir, layout.STATE_PARTS, written, given.part_mb)
        done["state"] = True
        _write_json(given, done)
    _say(json.dumps(done))


def _seconds_of_state(given: Given, run: PackedRun) -> float:
    """How long writing the state may take, estimated from the time of the generator."""
    began, generator = time.perf_counter(), run.averaged_generator()
    layout.write_parts(given.output_dir, layout.GENERATOR, generator, given.part_mb)
    sizes = [
        sum(array.nbytes for array in arrays) for arrays in (generator.values(), _written(run))
    ]
    return _SLOWER * (time.perf_counter() - began) * sizes[1] / sizes[0]


def _written(run: PackedRun) -> list[jax.Array]:
    return [run.state[key] for key in run.described["written"]]


def _write_json(given: Given, done: dict[str, object]) -> None:
    with open(os.path.join(given.output_dir, layout.DONE), "w", encoding="utf-8") as file:
        json.dump(done, file)


def _timed(given: Given, run: PackedRun) -> dict[str, object]:
    batch, ms = run.batch(run.step), []
    for _ in range(4):  # the first is a warm-up
        began = time.perf_counter()
        calls = -(-given.time // run.steps_per_call)
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
