"""Runs a packed folder with JAX, without TensorFlow."""

from __future__ import annotations

import json
import os

import jax
import numpy as np

from compiled_step import layout
from compiled_step.order import Order
from compiled_step.xla import Executable


class PackedRun:
    """A packed run on a device."""

    def __init__(self, directory: str, device: jax.Device, kept_in: str):
        self.directory = directory
        with open(os.path.join(directory, layout.RUN), encoding="utf-8") as file:
            self.described = json.load(file)
        self.config = self.described["card"]["config"]
        self.program = Executable(self._read(layout.STEP), device, kept_in)
        self.sheet_program = None
        if self.described["captured_by_sheet"]:
            self.sheet_program = Executable(self._read(layout.DRAW), device, kept_in)
        self.step, self.steps_per_call = self.described["step"], self.described["steps_per_call"]

    def load(self) -> None:
        """Puts the state onto the device, and reads the pictures into memory."""
        with np.load(os.path.join(self.directory, layout.STATE)) as state:
            arrays = {key: state[key] for key in state.files}
        arrays |= {key: layout.drawn(**draw) for key, draw in self.described["drawn"].items()}
        self.state = {key: self.program.put(array) for key, array in arrays.items()}
        pictures = layout.read_pictures(os.path.join(self.directory, layout.PICTURES))
        self.order = Order(pictures, self.config["global_batch_size"], self.config["seed"])
        self.batch_program = Executable(self._read(layout.BATCH), jax.devices("cpu")[0])

    def batch(self, step: int) -> list[jax.Array]:
        """The inputs of the call after `step`: photos, sketches, labels and, if packed, "aligned".

        With several steps per call the inputs of all its steps are stacked.
        """
        steps = [self._batch(number) for number in range(step, step + self.steps_per_call)]
        arrays = steps[0] if self.steps_per_call == 1 else map(np.stack, zip(*steps))
        return [self.program.put(array) for array in arrays]

    def _batch(self, step: int) -> list[np.ndarray]:
        photos, sketches, numbers, *besides = self.order.inputs(step)
        made = self.batch_program(*map(self.batch_program.put, (photos, sketches, numbers)))
        return [*map(np.asarray, made), *besides]

    def advance(self, batch: list[jax.Array]) -> dict[str, jax.Array]:
        """Makes one call; returns the scalars of each of its steps."""
        captured = (self.state[key] for key in self.described["captured"])
        results = self.program(*batch, *captured)
        names = self.described["scalars"]
        self.state.update(zip(self.described["written"], results[len(names) :]))
        self.step += self.steps_per_call
        return dict(zip(names, results))

    def sheet(self) -> np.ndarray:
        """The averaged generator's pictures of our own drawings, uint8 [M, S, S, 3]."""
        (photos,) = self.sheet_program(
            *(self.state[key] for key in self.described["captured_by_sheet"])
        )
        return np.asarray(photos)

    def averaged_generator(self) -> dict[str, np.ndarray]:
        """The averaged generator's variables by their keys, with kernels in float16."""
        return {
            key: layout.rounded(np.asarray(self.state[key]))
            for key in self.described["averaged_generator"]
        }

    def _read(self, name: str) -> bytes:
        with open(os.path.join(self.directory, name), "rb") as file:
            return file.read()
