"""Means and scales of the pixels of many pictures, from the sums of each picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

from datasets.common import pictures

if TYPE_CHECKING:
    from datasets.common.pictures import Checked


def statistics(photos: list[Checked], sketches: list[Checked]) -> dict[str, list[float] | float]:
    """`photo_mean` [3], `photo_scale`, `sketch_mean` [1] and `sketch_scale`.

    They are for intensities in [0, 1], with sketches inverted. There is one mean per channel. A
    scale is the greatest value of s = max(|min - mean|, |max - mean|) of all channels. Everything
    is computed from integers: it is exact to float64, in whatever order the pictures come.
    """
    photo_mean, photo_scale = _mean_and_scale(photos)
    sketch_mean, sketch_scale = _mean_and_scale(sketches)
    return {
        "photo_mean": photo_mean,
        "photo_scale": photo_scale,
        "sketch_mean": sketch_mean,
        "sketch_scale": sketch_scale,
    }


def _mean_and_scale(checked: list[Checked]) -> tuple[list[float], float]:
    most = 255 * pictures.SIZE**2 * len(checked)
    mean = [sum(totals) / most for totals in zip(*(picture.totals for picture in checked))]
    lowest = [min(values) / 255 for values in zip(*(picture.lowest for picture in checked))]
    highest = [max(values) / 255 for values in zip(*(picture.highest for picture in checked))]
    return mean, max(max(m - low, high - m) for m, low, high in zip(mean, lowest, highest))
