"""Which drawn places of a page hang together. SciPy does this too: at 110 MB more than drawing
takes without it.
"""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageFilter


def parts(drawn: np.ndarray) -> np.ndarray:
    """Numbers the connected parts of `drawn`, bool [H, W], from 1 on; int [H, W], 0 where nothing
    is drawn.

    Places that touch at a corner are connected. The order of the numbers says nothing.
    """
    number_of = [0]  # that of another place of its part, or its own

    def first(number: int) -> int:
        while number_of[number] != number:
            number_of[number] = number = number_of[number_of[number]]
        return number

    labels = np.zeros(drawn.shape, int)
    above: list[tuple[int, int, int]] = []  # the runs of the row before: start, stop, number
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
    """The longer side of every part's box, in places; int [1 + the number of parts], of which the
    first is 0.
    """
    rows, columns = np.nonzero(numbered)
    sides = np.zeros([2, numbered.max() + 1], int)
    for side, places in zip(sides, (rows, columns)):
        low, high = np.full(side.shape, numbered.size), np.full(side.shape, -1)
        np.minimum.at(low, numbered[rows, columns], places)
        np.maximum.at(high, numbered[rows, columns], places)
        side[1:] = (high - low + 1)[1:]
    return sides.max(0)


def widened(drawn: np.ndarray, places: int) -> np.ndarray:
    """What is drawn, bool [H, W], and all that is no further from it than so many places, across
    corners too.
    """
    picture = Image.fromarray(drawn.astype(np.uint8))
    for _ in range(places):
        picture = picture.filter(ImageFilter.MaxFilter(3))
    return np.asarray(picture) > 0
