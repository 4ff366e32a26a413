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

import dataclasses
import json
import os
import sys

from absl import app, flags


class _PathParser(flags.ArgumentParser):
    """A path; `~` is the home folder. The parser of train.py's flags is not available here."""

    def parse(self, argument):
        return os.path.expanduser(argument)


def _path(name: str, default: str | None, help: str, **options) -> flags.FlagHolder:
    return flags.DEFINE(_PathParser(), name, default, help, **options)


_PACKED_DIR = _path("packed_dir", None, "Folder that compiled_step.pack wrote.", required=True)
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
    "Leave the state out if writing it would end later than so many seconds after the start; 0:"
    " always write it.",
    lower_bound=0,
)
_PART_MB = flags.DEFINE_float(
    "part_mb", 1000, "Generator and state come in files of about so many megabytes.", lower_bound=1
)
_TIME = flags.DEFINE_integer("time", 0, "Only time so many steps, three times.", lower_bound=0)
_COMPILE = flags.DEFINE_bool(
    "compile_only", False, "Only compile, and keep the programs in --kept_in."
)
_KEPT_IN = _path(
    "kept_in", "", "Folder that keeps compiled programs, so that the next start need not compile."
)


def main(argv: list[str]) -> None:
    """Checks the flags; then compiles the step, and runs or times it."""
    del argv
    _check()
    try:
        from compiled_step import running  # here, when the flags are right: it takes a second
    except ModuleNotFoundError as error:
        if error.name not in ("jax", "jaxlib"):
            raise
        sys.exit(
            "error: JAX is not installed; make an environment without TensorFlow, and in it"
            " pip install -r requirements-jax.txt"
        )
    names = [field.name for field in dataclasses.fields(running.Given)]
    running.compile_and_run(running.Given(**{name: flags.FLAGS[name].value for name in names}))


def _check() -> None:
    from compiled_step import layout  # here, since it imports NumPy

    path = os.path.join(_PACKED_DIR.value, layout.RUN)
    if not os.path.exists(path):
        sys.exit(
            f"error: --packed_dir={_PACKED_DIR.value}: has no {layout.RUN}; give the folder that"
            " compiled_step.pack wrote"
        )
    with open(path, encoding="utf-8") as file:
        described = json.load(file)
    if "steps_per_call" not in described:
        sys.exit(
            f"error: --packed_dir={_PACKED_DIR.value}: an earlier version packed it; pack the run"
            " again"
        )
    step, per_call = described["step"], described["steps_per_call"]
    wanted = _STEPS.value or described["card"]["config"]["train_steps"]
    if wanted < step + per_call:
        calls = f", and one call makes {per_call} steps" if per_call > 1 else ""
        sys.exit(
            f"error: --steps={wanted}: the packed run is at step {step}{calls}; give at least"
            f" {step + per_call}"
        )
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
            f"error: --output_dir={_OUTPUT_DIR.value}: holds the files of another run; give another"
            " folder"
        )
    _make_folder("output_dir", _OUTPUT_DIR.value)


def _make_folder(flag: str, path: str) -> None:
    try:
        os.makedirs(path, exist_ok=True)
    except OSError as error:
        sys.exit(f"error: --{flag}={path}: {error.strerror}; give a folder that can be made")


if __name__ == "__main__":
    app.run(main)
