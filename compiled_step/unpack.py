"""Makes an ordinary checkpoint from the results of `compiled_step.run`, for train.py and export.py.

    python -m compiled_step.unpack --packed_dir=DIR --output_dir=DIR --workdir=DIR

If there was time only for the averaged generator, --workdir gets its weights. export.py and
evaluate.py take them; train.py cannot go on from them.
"""

import sketch2img_tf.with_tensorflow  # noqa: F401 - checks the versions before other imports

# isort: split
import dataclasses
import json
import os
import tempfile

import numpy as np

from compiled_step import layout, packed
from sketch2img_tf import errors, path_flags
from sketch2img_tf.errors import UserError
from sketch2img_tf.evaluation.as_drawn import AsDrawn
from sketch2img_tf.run_folder import checkpoints
from sketch2img_tf.run_folder.checkpoints import Checkpoints, check_continues
from sketch2img_tf.run_folder.lock import RunLock
from sketch2img_tf.run_folder.packed_weights import CARD_FILE
from sketch2img_tf.run_folder.run_card import Card
from sketch2img_tf.run_folder.summaries import Summaries
from sketch2img_tf.training.scalar_means import StepMeans
from sketch2img_tf.training.train_state import TrainState

_PACKED_DIR = path_flags.define("packed_dir", "", "What compiled_step.pack wrote.")
_OUTPUT_DIR = path_flags.define("output_dir", "", "What compiled_step.run wrote.")
_WORKDIR = path_flags.define(
    "workdir", "", "Folder of the run that the checkpoint goes to: a new one, or its own."
)


def main() -> None:
    """Writes the checkpoint, the scalars, and the flags."""
    errors.require(_PACKED_DIR, _OUTPUT_DIR, _WORKDIR)
    run = packed.Packed(_PACKED_DIR.value)
    done = packed.read_json(os.path.join(_OUTPUT_DIR.value, layout.DONE), "output_dir")
    with RunLock(_WORKDIR.value):
        before = check_continues(_WORKDIR.value, run.card)
        whole = done.get("state", True)  # an earlier version had no generator alone
        if before and not whole:
            raise UserError(
                f"--workdir={_WORKDIR.value} holds a run, and --output_dir={_OUTPUT_DIR.value} no"
                " state for it, but a generator alone; give another --workdir"
            )
        if before and before.step != run.described["step"]:
            raise UserError(
                f"--workdir={_WORKDIR.value} is at step {before.step}, but"
                f" --packed_dir={_PACKED_DIR.value} was packed"
                f" at step {run.described['step']}; give another --workdir"
            )
        training = dataclasses.replace(run.card.config.training, workdir=_WORKDIR.value)
        card = dataclasses.replace(
            run.card, config=dataclasses.replace(run.card.config, training=training)
        )
        _write_log(card, before.step if before else -1)
        if whole:
            _write_checkpoint(card, _state(run, done["step"]), _WORKDIR.value)
        else:
            _write_weights(card, _generator(run), done["step"])
    made = f"of step {done['step']}, made on {done['device']}"
    if whole:
        print(f"{_WORKDIR.value}: a checkpoint {made}; train.py goes on from it")
    else:
        print(f"{_WORKDIR.value}: the averaged generator {made}; export.py takes it")


def _state(run: packed.Packed, step: int) -> TrainState:
    """The state at the end of the run."""
    arrays = layout.read_parts(_OUTPUT_DIR.value, layout.STATE_PARTS)
    if not set(run.described["written"]) <= set(arrays):
        raise UserError(
            f"--output_dir={_OUTPUT_DIR.value}: a part of the state is missing; copy all files of"
            " it"
        )
    state = run.restored(newer=arrays).state
    if int(state.step) != step:
        raise UserError(
            f"--output_dir={_OUTPUT_DIR.value}: holds a state of step {int(state.step)} beside a"
            f" {layout.DONE} of step {step}; run compiled_step.run again, into a new folder"
        )
    return state


def _generator(run: packed.Packed) -> TrainState:
    """The packed state, but with the averaged generator of the run."""
    arrays = layout.read_parts(_OUTPUT_DIR.value, layout.GENERATOR)
    if not set(run.described["averaged_generator"]) <= set(arrays):
        raise UserError(
            f"--output_dir={_OUTPUT_DIR.value}: a part of the generator is missing; copy all files"
            " of it"
        )
    state = run.restored(newer=arrays).state
    for variable, average in zip(state.generator.variables, state.averaged_generator.variables):
        variable.assign(average)
    return state


def _write_log(card: Card, kept_until: int) -> None:
    """Writes the scalars, the sheets and the flags."""
    summaries = Summaries(_WORKDIR.value, kept_until)
    with open(os.path.join(_OUTPUT_DIR.value, layout.SCALARS), encoding="utf-8") as file:
        for line in map(json.loads, file):
            summaries.scalars(line.pop("step"), line)
    sheets = os.path.join(_OUTPUT_DIR.value, layout.SHEETS)
    if os.path.exists(sheets):
        own = AsDrawn(card.class_names, card.statistics, card.config.data)
        with np.load(sheets) as file:
            for step in sorted(map(int, file.files)):
                summaries.sheet(step, own.sheet_of(file[str(step)]), "as_drawn")
    summaries.close()
    with open(os.path.join(_WORKDIR.value, "flags.txt"), "w", encoding="utf-8") as file:
        file.write(card.config.to_flagfile())


def _write_checkpoint(card: Card, state: TrainState, workdir: str) -> None:
    more = {"step_means": StepMeans()}
    if not Checkpoints(workdir, card, state, card.config.training.checkpoints_kept, more).save():
        raise UserError(
            f"--output_dir={_OUTPUT_DIR.value}: a value of the state is not finite; nothing to go"
            " on from"
        )


def _write_weights(card: Card, state: TrainState, step: int) -> None:
    """Writes the weights as in the folder of a model that ships."""
    with tempfile.TemporaryDirectory() as folder:
        _write_checkpoint(card, state, folder)
        checkpoints.pack(folder, _WORKDIR.value)
    with open(os.path.join(_WORKDIR.value, CARD_FILE), "w", encoding="utf-8") as file:
        json.dump({**json.loads(card.to_json()), "step": step}, file, indent=1)


if __name__ == "__main__":
    errors.run(main)
