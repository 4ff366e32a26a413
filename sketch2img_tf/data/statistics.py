"""Means and scales of a data set's pictures; in a file that does not need TensorFlow."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class Statistics:
    """The values that normalise a picture.

    Attributes:
      photo_mean, photo_scale, sketch_mean, sketch_scale: those of the training pictures'
        intensities, with one mean per channel.
      sketch_encoding: one of `options.data.SKETCH_ENCODINGS`. Distances have a fixed range and do
        not use the sketches' mean and scale, which are those of lines.
    """

    photo_mean: tuple[float, float, float]
    photo_scale: float
    sketch_mean: tuple[float]
    sketch_scale: float
    sketch_encoding: str = "lines"

    @classmethod
    def from_dict(cls, values: dict) -> Statistics:
        """From the attributes by name; the default of `sketch_encoding` is "lines"."""
        return cls(
            tuple(values["photo_mean"]),
            values["photo_scale"],
            tuple(values["sketch_mean"]),
            values["sketch_scale"],
            values.get("sketch_encoding", "lines"),
        )
