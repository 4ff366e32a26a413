"""Makes a checkpoint of what `compiled_step.run` wrote; `unpack.py` is the command."""

from __future__ import annotations

import dataclasses
import json
import os
import tempfile
from typing import TYPE_CHECKING

import numpy as np

from compiled_step import layout, packed
from sketch2img_tf.errors import UserError
from sketch2img_tf.evaluation.as_drawn import AsDrawn
from sketch2img_tf.run_folder import checkpoints
from sketch2img_tf.run_folder.checkpoints import Checkpoints, check_continues
from sketch2img_tf.run_folder.lock import RunLock
from sketch2img_tf.run_folder.packed_weights import CARD_FILE
from sketch2img_tf.run_folder.summaries import Summaries
from sketch2img_tf.training.scalar_means import StepMeans

if TYPE_CHECKING:
    from sketch2img_tf.run_folder.run_card import Card
    from sketch2img_tf.training.train_state import TrainState


def unpack(packed_dir: str, output_dir: str, workdir: str) -> str:
    """Writes the checkpoint, or the generator alone, the scalars and the flags.

    Args:
      packed_dir, output_dir, workdir: as the flags of these names.

    Returns:
      What was written, in words.

    Raises:
      UserError: the folders do not go together, or one of them is not complete.
    """
    run = packed.Packed(packed_dir)
    done = packed.read_json(os.path.join(output_dir, layout.DONE), "output_dir")
    with RunLock(workdir):
        before = check_continues(workdir, run.card)
        whole = done.get("state", True)  # an earlier version had no generator alone
        if before and not whole:
            raise UserError(
                f"--workdir={workdir} holds a run, but --output_dir={output_dir} has only a"
                " generator, and no state to continue that run; give another --workdir"
            )
        if before and before.step != run.described["step"]:
            raise UserError(
                f"--workdir={workdir} is at step {before.step}, but"
                f" --packed_dir={packed_dir} was packed"
                f" at step {run.described['step']}; give another --workdir"
            )
        training = dataclasses.replace(run.card.config.training, workdir=workdir)
        card = dataclasses.replace(
            run.card, config=dataclasses.replace(run.card.config, training=training)
        )
        _write_log(card, output_dir, before.step if before else -1)
        if whole:
            _write_checkpoint(card, _state(run, output_dir, done["step"]), output_dir, workdir)
        else:
            _write_weights(card, _generator(run, output_dir), output_dir, workdir, done["step"])
    made = f"of step {done['step']}, made on {done['device']}"
    if whole:
        return f"{workdir}: a checkpoint {made}; train.py goes on from it"
    return f"{workdir}: the averaged generator {made}; export.py takes it"


def _arrays(output_dir: str, parts: str, names: list[str], of: str) -> dict[str, np.ndarray]:
    """The arrays in the files of these names; all of `names` are there."""
    arrays = layout.read_parts(output_dir, parts)
    if not set(names) <= set(arrays):
        raise UserError(
            f"--output_dir={output_dir}: a file of {of} is missing; copy all files of that folder"
        )
    return arrays


def _state(run: packed.Packed, output_dir: str, step: int) -> TrainState:
    """The state at the end of the run."""
    names = run.described["written"]
    arrays = _arrays(output_dir, layout.STATE_PARTS, names, of="the state")
    state = run.restored(newer=arrays).state
    if int(state.step) != step:
        raise UserError(
            f"--output_dir={output_dir}: the state is of step {int(state.step)}, but"
            f" {layout.DONE} is of step {step}; run compiled_step.run again, into a new folder"
        )
    return state


def _generator(run: packed.Packed, output_dir: str) -> TrainState:
    """The packed state, but with the averaged generator of the run."""
    names = run.described["averaged_generator"]
    arrays = _arrays(output_dir, layout.GENERATOR, names, of="the generator")
    state = run.restored(newer=arrays).state
    for variable, average in zip(state.generator.variables, state.averaged_generator.variables):
        variable.assign(average)
    return state


def _write_log(card: Card, output_dir: str, kept_until: int) -> None:
    """Writes the scalars, the sheets and the flags."""
    workdir = card.config.training.workdir
    summaries = Summaries(workdir, kept_until)
    with open(os.path.join(output_dir, layout.SCALARS), encoding="utf-8") as file:
        for line in map(json.loads, file):
            summaries.scalars(line.pop("step"), line)
    sheets = os.path.join(output_dir, layout.SHEETS)
    if os.path.exists(sheets):
        own = AsDrawn(card.class_names, card.statistics, card.config.data)
        with np.load(sheets) as file:
            for step in sorted(map(int, file.files)):
                summaries.sheet(step, own.sheet_of(file[str(step)]), "as_drawn")
    summaries.close()
    with open(os.path.join(workdir, "flags.txt"), "w", encoding="utf-8") as file:
        file.write(card.config.to_flagfile())


def _write_checkpoint(card: Card, state: TrainState, output_dir: str, workdir: str) -> None:
    more = {"step_means": StepMeans()}
    if not Checkpoints(workdir, card, state, card.config.training.checkpoints_kept, more).save():
        raise UserError(
            f"--output_dir={output_dir}: the state has values that are not finite, so that no"
            " training can continue from it; pack and run an earlier checkpoint"
        )


def _write_weights(card: Card, state: TrainState, output_dir: str, workdir: str, step: int) -> None:
    """Writes the weights as in the folder of a model that ships."""
    with tempfile.TemporaryDirectory() as folder:
        _write_checkpoint(card, state, output_dir, folder)
        checkpoints.pack(folder, workdir)
    with open(os.path.join(workdir, CARD_FILE), "w", encoding="utf-8") as file:
        json.dump({**json.loads(card.to_json()), "step": step}, file, indent=1)
