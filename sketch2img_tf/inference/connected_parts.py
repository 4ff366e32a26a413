"""Finds the connected parts of a drawing. SciPy could do it, but takes 110 MB more."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageFilter


def parts(drawn: np.ndarray) -> np.ndarray:
    """Numbers the connected parts of `drawn`, bool [H, W], from 1: int [H, W], 0 where it is False.

    Places that touch at a corner are connected. The numbers are in no particular order.
    """
    number_of = [0]  # for each number: itself, or the number of another place of the same part

    def first(number: int) -> int:
        while number_of[number] != number:
            number_of[number] = number = number_of[number_of[number]]
        return number

    labels = np.zeros(drawn.shape, int)
    above: list[tuple[int, int, int]] = []  # the runs of the row above: start, stop, number
    for row, line in enumerate(drawn):
        edges = np.flatnonzero(
            np.diff(np.concatenate([[False], line, [False]]).astype(np.int8))
        ).tolist()
        runs = []
        for start, stop in zip(edges[::2], edges[1::2]):
            touched = [
                first(number) for low, high, number in above if low <= stop and start <= high
            ]
            number = min(touched, default=len(number_of))
            if not touched:
                number_of.append(number)
            for other in touched:
                number_of[other] = number
            labels[row, start:stop] = number
            runs.append((start, stop, number))
        above = runs
    roots = np.array([first(number) for number in range(len(number_of))])
    return np.unique(roots, return_inverse=True)[1].reshape(-1)[labels]


def extents(numbered: np.ndarray) -> np.ndarray:
    """The longer side of each part's box, in places, int [1 + number of parts]; the first is 0."""
    rows, columns = np.nonzero(numbered)
    sides = np.zeros([2, numbered.max() + 1], int)
    for side, places in zip(sides, (rows, columns)):
        low, high = np.full(side.shape, numbered.size), np.full(side.shape, -1)
        np.minimum.at(low, numbered[rows, columns], places)
        np.maximum.at(high, numbered[rows, columns], places)
        side[1:] = (high - low + 1)[1:]
    return sides.max(0)


def widened(drawn: np.ndarray, places: int) -> np.ndarray:
    """`drawn`, bool [H, W], with all places up to `places` away from it, diagonally too."""
    picture = Image.fromarray(drawn.astype(np.uint8))
    for _ in range(places):
        picture = picture.filter(ImageFilter.MaxFilter(3))
    return np.asarray(picture) > 0
