"""Writes the folder of a packed run; `pack.py` is the command."""

from __future__ import annotations

import json
import os
import shutil
from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf

from compiled_step import hlo, layout, pictures
from compiled_step.packed import keyed
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

_LARGE = 10_000  # numbers


def pack(run: Config, packed_dir: str, redraw: bool, photo_quality: int, most_a_class: int) -> str:
    """Writes the folder `packed_dir`; the command has accepted the configuration.

    Args:
      run: the configuration.
      packed_dir, redraw, photo_quality, most_a_class: as the flags of these names.

    Returns:
      What was written, in words.

    Raises:
      UserError: the data or the run's folder cannot be used, or there is a run to redraw.
    """
    sketchy = preparation.open_data(run)
    run = run.in_steps(sketchy.examples["train"])
    card = Card.of_run(run, sketchy)
    before = check_continues(run.training.workdir, card) if run.training.workdir else None
    if before and redraw:
        raise UserError(
            f"--redraw: would replace the weights of the run in {run.training.workdir}; leave"
            " --redraw out"
        )
    with hardware.for_accelerators():
        state = TrainState(run, len(sketchy.class_names))
        step = TrainStep(run, state, sketchy.statistics)
        if before:
            Checkpoints(run.training.workdir, card, state, run.training.checkpoints_kept).restore()
            state.set_learning_rates(run)
        draws = _redraw(step) if redraw else {}
        partial = f"{packed_dir.rstrip('/')}.partial"  # its name until it is complete
        shutil.rmtree(partial, ignore_errors=True)  # what a killed pack left
        os.makedirs(partial)
        _write_input(partial, run, sketchy, photo_quality, most_a_class)
        _write_step(partial, step, draws, card)
        os.rename(partial, packed_dir)
    size = sum(os.path.getsize(os.path.join(packed_dir, name)) for name in os.listdir(packed_dir))
    return (
        f"{packed_dir}: step {int(state.step)} of the run, {size / 2**20:.1f} MiB;"
        " python -m compiled_step.run goes on from there"
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


def _write_input(
    folder: str, run: Config, sketchy: PairedDataset, photo_quality: int, most_a_class: int
) -> None:
    """Writes the pictures, their order, and the program that makes a batch."""
    batch, size = run.training.global_batch_size, run.data.image_size
    arrays = pictures.read(sketchy, most_a_class)
    if run.data.balance_classes:
        arrays["quotas"] = pictures.quotas(sketchy, arrays)
    if run.losses.unaligned_supervised_fraction == 1:
        del arrays["aligned"]  # the step takes no input that it does not use
    arrays["edge_maps_before"] = pictures.edge_maps_before(sketchy, batch, run.training.train_steps)
    if photo_quality:
        arrays |= layout.as_jpeg(arrays.pop("photos"), photo_quality)
    np.savez_compressed(os.path.join(folder, layout.PICTURES), **arrays)
    program = hlo.compiled(
        pictures.batch_of(run, sketchy.statistics),
        tf.TensorSpec([batch, size, size, 3], tf.uint8),
        tf.TensorSpec([batch, size, size, 1], tf.uint8),
        tf.TensorSpec([batch], tf.int64),
    )
    _write(folder, layout.BATCH, program.hlo)


def _write_step(folder: str, step: TrainStep, draws: dict, card: Card) -> None:
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
    _write(folder, layout.STEP, program.hlo)
    captured = _captured(program, keys, "fixed")
    sheet = _sheet(step, card)
    captured_by_sheet = _captured(sheet, keys, "sheet") if sheet else []
    values = {**dict(zip(captured, program.captured)), **own}
    if sheet:
        _write(folder, layout.DRAW, sheet.hlo)
        values |= dict(zip(captured_by_sheet, sheet.captured))
    averaged = step.state.averaged_generator.variables
    drawn = {key: draws[id(value.handle)] for key, value in values.items() if _is_in(value, draws)}
    arrays = {key: np.asarray(value) for key, value in values.items() if key not in drawn}
    np.savez_compressed(os.path.join(folder, layout.STATE), **arrays)
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
    _write(folder, layout.RUN, json.dumps(described).encode())


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


def _write(folder: str, name: str, content: bytes) -> None:
    with open(os.path.join(folder, name), "wb") as file:
        file.write(content)
