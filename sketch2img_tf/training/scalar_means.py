"""Means of the scalars of all steps between two lines of the log."""

from __future__ import annotations

import json

import numpy as np
import tensorflow as tf

COUNTED = "skipped_updates"
"""Tags that end with this are summed, not averaged."""


class StepMeans(tf.train.experimental.PythonState):
    """Collects scalars. Checkpoints contain them, so that a stop between lines changes no line."""

    def __init__(self):
        super().__init__()
        self._steps: list[dict[str, tf.Tensor | float | list[float]]] = []

    def add(self, scalars: dict[str, tf.Tensor]) -> None:
        """Adds the scalars of one step, float32 [], or of several, [steps]; does not block."""
        self._steps.append(scalars)

    def take(self) -> dict[str, float]:
        """Means, or sums, of finite values since the last call; no tag without finite values."""
        steps, self._steps = self._steps, []
        columns = {
            tag: np.concatenate([_values(scalars[tag]) for scalars in steps]) for tag in steps[0]
        }
        finite = {tag: values[np.isfinite(values)] for tag, values in columns.items()}
        return {tag: float(_summary(tag)(values)) for tag, values in finite.items() if len(values)}

    def last(self) -> dict[str, float]:
        """The scalars of the last step."""
        return (
            {tag: float(_values(value)[-1]) for tag, value in self._steps[-1].items()}
            if self._steps
            else {}
        )

    def wait(self) -> None:
        """Blocks until the device has computed the last step."""
        self.last()

    def serialize(self) -> str:
        return json.dumps(
            [{tag: np.asarray(v).tolist() for tag, v in scalars.items()} for scalars in self._steps]
        )

    def deserialize(self, string_value: str) -> None:
        self._steps = json.loads(string_value)


def _values(scalar: tf.Tensor | float | list[float]) -> np.ndarray:
    """The values, one per step: float32 [steps]."""
    return np.atleast_1d(np.asarray(scalar, np.float32))


def _summary(tag: str):
    return np.sum if tag.endswith(COUNTED) else np.mean
