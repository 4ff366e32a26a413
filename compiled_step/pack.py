"""Packs a run into a folder, which `compiled_step.run` runs with JAX and without TensorFlow.

    python -m compiled_step.pack --flagfile=configs/best_full.flags --data_dir=DIR \\
      --workdir=DIR --packed_dir=DIR

The folder has the whole train step with its updates as XLA's HLO, or --steps_per_call steps in a
loop; the programs that make a batch and a sheet of our own drawings; the state at the start, from
the newest checkpoint in --workdir or of a new run; and the training pictures.
`compiled_step.unpack` makes a checkpoint of the result. It takes all flags of train.py;
--precision=auto is bfloat16.
"""

from __future__ import annotations

import sketch2img_tf.with_tensorflow  # noqa: F401 - checks the versions before other imports

# isort: split
import json
import os
import shutil
from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf
from absl import flags

from compiled_step import hlo, layout, pictures
from compiled_step.packed import keyed
from sketch2img_tf import config as config_lib
from sketch2img_tf import errors, path_flags
from sketch2img_tf.data import preprocessing
from sketch2img_tf.devices import graph_cost, hardware
from sketch2img_tf.errors import UserError
from sketch2img_tf.evaluation.as_drawn import AsDrawn
from sketch2img_tf.run_folder.checkpoints import Checkpoints, check_continues
from sketch2img_tf.run_folder.run_card import Card
from sketch2img_tf.training import preparation
from sketch2img_tf.training.train_state import TrainState
from sketch2img_tf.training.train_step import TrainStep

if TYPE_CHECKING:
    from sketch2img_tf.config import Config
    from sketch2img_tf.data.input_pipeline import PairedDataset

_PACKED_DIR = path_flags.define("packed_dir", "", "Folder to write; it must not be there yet.")
_REDRAW = flags.DEFINE_bool(
    "redraw",
    False,
    "Draw a new run's large kernels again, normal with the mean and deviation that they have, from"
    " a seed: it goes into the folder in their place.",
)
_BY_HOW_MUCH = ("_fraction", "_pixels")
_PHOTO_QUALITY = flags.DEFINE_integer(
    "photo_quality",
    0,
    "Photos as JPEG files of this quality, a fifth as large; 0: as they are.",
    lower_bound=0,
    upper_bound=95,
)
_MOST_A_CLASS = flags.DEFINE_integer(
    "most_a_class",
    0,
    "Of each class at most so many sketches, and so many edge maps; 0: all.",
    lower_bound=0,
)
_LARGE = 10_000  # numbers


def main() -> None:
    """Packs the run."""
    errors.require(_PACKED_DIR)
    run = config_lib.from_flags()
    _check(run)
    sketchy = preparation.open_data(run)
    run = run.in_steps(sketchy.examples["train"])
    card = Card.of_run(run, sketchy)
    before = check_continues(run.training.workdir, card) if run.training.workdir else None
    if before and _REDRAW.value:
        raise UserError(
            f"--redraw: {run.training.workdir} holds a run, whose weights are to be kept; leave it"
            " out"
        )
    with hardware.for_accelerators():
        state = TrainState(run, len(sketchy.class_names))
        step = TrainStep(run, state, sketchy.statistics)
        if before:
            Checkpoints(run.training.workdir, card, state, run.training.checkpoints_kept).restore()
            state.set_learning_rates(run)
        draws = _redraw(step) if _REDRAW.value else {}
        shutil.rmtree(_partial(), ignore_errors=True)  # what a killed pack left
        os.makedirs(_partial())
        _write_input(run, sketchy)
        _write_step(step, draws, card)
        os.rename(_partial(), _PACKED_DIR.value)
    size = sum(
        os.path.getsize(os.path.join(_PACKED_DIR.value, name))
        for name in os.listdir(_PACKED_DIR.value)
    )
    print(
        f"{_PACKED_DIR.value}: step {int(state.step)} of the run, {size / 2**20:.1f} MiB;"
        " python -m compiled_step.run goes on from there"
    )


def _check(run: Config) -> None:
    if os.path.exists(_PACKED_DIR.value):
        raise UserError(f"--packed_dir={_PACKED_DIR.value}: is there already; give another")
    of_the_host = [
        name
        for name in vars(run.data)
        if name.startswith("sketch_") and name.endswith(_BY_HOW_MUCH)
    ]
    for name in ("crop_fraction", *of_the_host):
        if getattr(run.data, name):
            raise UserError(
                f"--{name}: XLA does not compile it; leave it 0, or train with train.py"
            )
    if run.training.precision == "mixed_float16":
        raise UserError(
            "--precision=mixed_float16: give mixed_bfloat16, which needs no loss scaling"
        )
    if run.training.discriminator_steps > 1:
        raise UserError(
            "--discriminator_steps: the packed step takes one batch; leave it 1, or train with"
            " train.py"
        )


def _redraw(step: TrainStep) -> dict:
    """Redraws large kernels; returns `layout.drawn`'s arguments by their variables' handles."""
    draws, state, seed = {}, step.state, step.config.training.seed
    kernels = [variable for network in state.networks for variable in network.trainable_variables]
    if step.sight.perceptual and step.config.losses.perceptual_weights == "random":
        kernels += step.sight.perceptual.network.variables
    for number, variable in enumerate(kernels):
        value = variable.numpy()
        if value.size >= _LARGE and value.std() > 0:
            draw = dict(
                shape=list(value.shape),
                seed=[seed, number],
                mean=float(value.mean()),
                deviation=float(value.std()),
            )
            variable.assign(layout.drawn(**draw))
            draws[id(variable.handle)] = draw
    state.follow_weights()
    for average, variable in zip(state.averaged_generator.variables, state.generator.variables):
        if id(variable.handle) in draws:
            draws[id(average.handle)] = draws[id(variable.handle)]
    return draws


def _write_input(run: Config, sketchy: PairedDataset) -> None:
    """Writes the pictures, their order, and the program that makes a batch."""
    batch, size = run.training.global_batch_size, run.data.image_size
    arrays = pictures.read(sketchy, _MOST_A_CLASS.value)
    if run.data.balance_classes:
        arrays["quotas"] = pictures.quotas(sketchy, arrays)
    if run.losses.unaligned_supervised_fraction == 1:
        del arrays["aligned"]  # the step takes no input that it does not use
    arrays["edge_maps_before"] = pictures.edge_maps_before(sketchy, batch, run.training.train_steps)
    if _PHOTO_QUALITY.value:
        arrays |= layout.as_jpeg(arrays.pop("photos"), _PHOTO_QUALITY.value)
    np.savez_compressed(_path(layout.PICTURES), **arrays)
    program = hlo.compiled(
        pictures.batch_of(run, sketchy.statistics),
        tf.TensorSpec([batch, size, size, 3], tf.uint8),
        tf.TensorSpec([batch, size, size, 1], tf.uint8),
        tf.TensorSpec([batch], tf.int64),
    )
    _write(layout.BATCH, program.hlo)


def _write_step(step: TrainStep, draws: dict, card: Card) -> None:
    """Writes the step, its state, and which parameter of the step is which part of the state."""
    batch, size = step.config.training.global_batch_size, step.config.data.image_size
    specs = {
        "photos": tf.TensorSpec([batch, size, size, 3]),
        "sketches": tf.TensorSpec([batch, size, size, 1]),
        "labels": tf.TensorSpec([batch], tf.int64),
    }
    if step.config.losses.unaligned_supervised_fraction < 1:
        specs["aligned"] = tf.TensorSpec([batch], tf.bool)
    own = keyed(step)
    keys = {id(variable.handle): key for key, variable in own.items()}
    once = step.__call__.get_concrete_function(specs)
    program = _steps(step, specs, sorted(once.structured_outputs))
    _write(layout.STEP, program.hlo)
    captured = _captured(program, keys, "fixed")
    sheet = _sheet(step, card)
    captured_by_sheet = _captured(sheet, keys, "sheet") if sheet else []
    values = {**dict(zip(captured, program.captured)), **own}
    if sheet:
        _write(layout.DRAW, sheet.hlo)
        values |= dict(zip(captured_by_sheet, sheet.captured))
    averaged = step.state.averaged_generator.variables
    drawn = {key: draws[id(value.handle)] for key, value in values.items() if _is_in(value, draws)}
    arrays = {key: np.asarray(value) for key, value in values.items() if key not in drawn}
    np.savez_compressed(_path(layout.STATE), **arrays)
    described = {
        "step": int(step.state.step),
        "precision": step.state.generator.compute_dtype,
        "multiply_adds": graph_cost.count(once.graph),
        "steps_per_call": step.config.training.steps_per_call,
        "captured": captured,
        "captured_by_sheet": captured_by_sheet,
        "averaged_generator": [keys[id(variable.handle)] for variable in averaged],
        "scalars": program.results,
        "written": [keys[id(variable.handle)] for variable in program.written],
        "drawn": drawn,
        "card": json.loads(card.to_json()),
    }
    _write(layout.RUN, json.dumps(described).encode())


def _steps(step: TrainStep, specs: dict[str, tf.TensorSpec], names: list[str]) -> hlo.Program:
    """One step, or `--steps_per_call` of them in a loop."""
    count = step.config.training.steps_per_call

    def once(*arguments: tf.Tensor) -> dict[str, tf.Tensor]:
        return step(dict(zip(specs, arguments)))

    variables = keyed(step).values()
    if count == 1:
        return hlo.compiled(once, *specs.values(), variables=variables)
    stacked = (tf.TensorSpec([count, *spec.shape], spec.dtype) for spec in specs.values())
    return hlo.compiled(hlo.repeated(once, count, names), *stacked, variables=variables)


def _sheet(step: TrainStep, card: Card) -> hlo.Program | None:
    """The averaged generator's pictures of our own drawings, uint8 [M, S, S, 3]; or None."""
    own = AsDrawn(card.class_names, card.statistics, card.config.data)
    if not own.names:
        return None
    requests = list(map(tf.constant, own.requests()))
    generator = step.state.averaged_generator

    def draw() -> tf.Tensor:
        return preprocessing.photo_pixels(generator.draw(*requests), card.statistics)

    return hlo.compiled(draw, variables=generator.variables)


def _captured(program: hlo.Program, keys: dict, others: str) -> list[str]:
    """Keys of captured values; `others` and a number, if they are not the run's variables."""
    # Variables are known by their handles, since with mixed precision Keras wraps a variable in
    # several objects.
    return [
        keys[id(each.handle)] if _is_in(each, keys) else f"{others}_{number:04d}"
        for number, each in enumerate(program.captured)
    ]


def _is_in(captured: tf.Variable | tf.Tensor, handles: dict) -> bool:
    return isinstance(captured, tf.Variable) and id(captured.handle) in handles


def _write(name: str, content: bytes) -> None:
    with open(_path(name), "wb") as file:
        file.write(content)


def _path(name: str) -> str:
    return os.path.join(_partial(), name)


def _partial() -> str:
    """The name of the folder until it is complete."""
    return f"{_PACKED_DIR.value.rstrip('/')}.partial"


if __name__ == "__main__":
    config_lib.define_flags()
    flags.adopt_module_key_flags(config_lib)
    errors.run(main)
