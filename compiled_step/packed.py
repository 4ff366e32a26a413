"""A packed folder, read by TensorFlow."""

from __future__ import annotations

import dataclasses
import json
import os
import types
import zipfile
from collections.abc import Mapping
from typing import Callable

import numpy as np
import tensorflow as tf

from compiled_step import layout, pictures
from compiled_step.order import Order
from sketch2img_tf.errors import UserError
from sketch2img_tf.run_folder.checkpoints import variables
from sketch2img_tf.run_folder.run_card import Card
from sketch2img_tf.training.train_state import TrainState
from sketch2img_tf.training.train_step import TrainStep


def keyed(step: TrainStep) -> dict[str, tf.Variable]:
    """All variables that a step may change, by keys that are the same for all steps of a run."""
    state = step.state
    rates = [optimizer.learning_rate for optimizer in state.optimizers]
    counters = [
        counter
        for each in step.updates.values()
        for counter in (each.skipped_in_a_row, each.culprits)
    ]
    return {
        f"{number:04d}": each for number, each in enumerate([*variables(state), *rates, *counters])
    }


class Packed:
    """The folder that `pack.py` wrote.

    Attributes:
      described: `run.json`.
      card: the run's card.

    Raises:
      UserError: the folder is not complete.
    """

    def __init__(self, directory: str):
        self.directory = directory
        self.described = read_json(os.path.join(directory, layout.RUN), "packed_dir")
        self.card = Card.from_json(json.dumps(self.described["card"]))

    def batch(self, step: int) -> dict[str, tf.Tensor]:
        """The batch of the step after `step`."""
        arrays = _read(os.path.join(self.directory, layout.PICTURES), layout.read_pictures)
        training = self.card.config.training
        inputs = Order(arrays, training.global_batch_size, training.seed).inputs(step)
        photos, sketches, numbers, *besides = map(tf.constant, inputs)
        photos, sketches = pictures.batch_of(self.card.config, self.card.statistics)(
            photos, sketches, numbers
        )
        return {"photos": photos, "sketches": sketches, **dict(zip(("labels", "aligned"), besides))}

    def restored(
        self, precision: str = "", newer: Mapping[str, np.ndarray] = types.MappingProxyType({})
    ) -> TrainStep:
        """A step with the packed state, except for values in `newer`, by key, of any shape."""
        config = self.card.config
        if precision:
            config = dataclasses.replace(
                config, training=dataclasses.replace(config.training, precision=precision)
            )
        step = TrainStep(
            config, TrainState(config, len(self.card.class_names)), self.card.statistics
        )
        arrays = {**_read(os.path.join(self.directory, layout.STATE)), **newer}
        for key, variable in keyed(step).items():
            value = arrays[key] if key in arrays else layout.drawn(**self.described["drawn"][key])
            variable.assign(value.reshape(variable.shape))
        return step


def read_json(path: str, flag: str) -> dict:
    """A file of the folder that the flag names.

    Raises:
      UserError: the file is missing or damaged.
    """
    try:
        with open(path, encoding="utf-8") as file:
            return json.load(file)
    except (OSError, ValueError) as error:
        raise UserError(
            f"--{flag}: {path} cannot be read ({error}); give a complete folder"
        ) from None


def _arrays(path: str) -> dict[str, np.ndarray]:
    with np.load(path) as file:
        return {name: file[name] for name in file.files}


def _read(
    path: str, read: Callable[[str], dict[str, np.ndarray]] = _arrays
) -> dict[str, np.ndarray]:
    try:
        return read(path)
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise UserError(f"{path} cannot be read ({error}); pack the run again") from None
