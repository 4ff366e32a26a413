"""How much pictures of one sketch differ from each other. NumPy, float64.

Axes: P sketches, S pictures of each, H, W height and width.
"""

from __future__ import annotations

import itertools

import numpy as np

_COARSE_SIDE = 8


def pairs(pictures: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """All pairs of pictures of one sketch, two arrays [P S (S - 1) / 2, ...], from [P, S, ...]."""
    first, second = zip(*itertools.combinations(range(pictures.shape[1]), 2))
    return tuple(
        pictures[:, list(chosen)].reshape(-1, *pictures.shape[2:]) for chosen in (first, second)
    )


def mean_distance(first: np.ndarray, second: np.ndarray) -> float:
    """The mean absolute difference of pairs of pictures, intensities in [0, 1], [B, H, W, 3]."""
    return float(np.abs(first - second).mean())


def coarse(pictures: np.ndarray, side: int = _COARSE_SIDE) -> np.ndarray:
    """Means over a grid of squares, float64 [B, side, side, 3], in which noise averages out."""
    count, height, width, channels = pictures.shape
    return pictures.reshape(count, side, height // side, side, width // side, channels).mean((2, 4))
