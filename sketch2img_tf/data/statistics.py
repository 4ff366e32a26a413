"""Means and scales of a data set's pictures, apart so that a card is read without importing TensorFlow."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class Statistics:
    """Means and scales of the training pictures' intensities, one mean a channel."""

    photo_mean: tuple[float, float, float]
    photo_scale: float
    sketch_mean: tuple[float]
    sketch_scale: float

    @classmethod
    def from_dict(cls, values: dict) -> Statistics:
        """From `photo_mean`, `photo_scale`, `sketch_mean` and `sketch_scale`; other keys are passed over."""
        return cls(
            tuple(values["photo_mean"]), values["photo_scale"], tuple(values["sketch_mean"]), values["sketch_scale"]
        )
