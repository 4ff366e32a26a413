"""Means and scales of a data set's pictures, apart so that a card is read without importing TensorFlow."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class Statistics:
    """What normalising a picture takes, beside the picture.

    Attributes:
      photo_mean, photo_scale, sketch_mean, sketch_scale: of the training pictures' intensities, one mean a channel.
      sketch_encoding: one of `options.data.SKETCH_ENCODINGS`. Distances have a fixed range: the sketches' mean and
        scale, which are those of lines, are then of no use.
    """

    photo_mean: tuple[float, float, float]
    photo_scale: float
    sketch_mean: tuple[float]
    sketch_scale: float
    sketch_encoding: str = "lines"

    @classmethod
    def from_dict(cls, values: dict) -> Statistics:
        """From the attributes by name; without `sketch_encoding`, of lines. Other keys are passed over."""
        return cls(
            tuple(values["photo_mean"]),
            values["photo_scale"],
            tuple(values["sketch_mean"]),
            values["sketch_scale"],
            values.get("sketch_encoding", "lines"),
        )
