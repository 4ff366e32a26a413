"""Makes an ordinary checkpoint of what `compiled_step.run` left: train.py goes on from it,
export.py exports it.

python -m compiled_step.unpack --packed_dir=DIR --output_dir=DIR --workdir=DIR
"""

import sketch2img_tf.with_tensorflow  # noqa: F401 - checks the versions before other imports

# isort: split
import dataclasses
import json
import os

from compiled_step import layout, packed
from sketch2img_tf import errors, path_flags
from sketch2img_tf.errors import UserError
from sketch2img_tf.run_folder.checkpoints import Checkpoints, check_continues
from sketch2img_tf.run_folder.lock import RunLock
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
        _write(card, _state(run, done["step"]), before.step if before else -1)
    print(
        f"{_WORKDIR.value}: a checkpoint of step {done['step']}, made on {done['device']}; train.py"
        " goes on from it"
    )


def _state(run: packed.Packed, step: int) -> TrainState:
    """What the run left."""
    arrays = layout.read_parts(_OUTPUT_DIR.value)
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


def _write(card: Card, state: TrainState, kept_until: int) -> None:
    summaries = Summaries(_WORKDIR.value, kept_until)
    with open(os.path.join(_OUTPUT_DIR.value, layout.SCALARS), encoding="utf-8") as file:
        for line in map(json.loads, file):
            summaries.scalars(line.pop("step"), line)
    summaries.close()
    with open(os.path.join(_WORKDIR.value, "flags.txt"), "w", encoding="utf-8") as file:
        file.write(card.config.to_flagfile())
    more = {"step_means": StepMeans()}
    if not Checkpoints(
        _WORKDIR.value, card, state, card.config.training.checkpoints_kept, more
    ).save():
        raise UserError(
            f"--output_dir={_OUTPUT_DIR.value}: a value of the state is not finite; nothing to go"
            " on from"
        )


if __name__ == "__main__":
    errors.run(main)
