"""Measures how near pictures are to the training photos. NumPy, float64.

A picture that is nearer to one than new photos usually are was memorised.

Axes: M, N pictures of the two sets, C values per picture.
"""

from __future__ import annotations

import numpy as np

_BLOCK = 256


def nearest(vectors: np.ndarray, others: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The nearest of `others`, [N, C], to each of `vectors`, [M, C]: root mean square and number.

    Returns:
      The root mean square differences, float64 [M], and the numbers of the nearest, int [M].
    """
    others = np.asarray(others, np.float64)
    squares = np.einsum("nc,nc->n", others, others)
    found = [
        _nearest(np.asarray(vectors[at : at + _BLOCK], np.float64), others, squares)
        for at in range(0, len(vectors), _BLOCK)
    ]
    numbers = np.concatenate(found)
    # From the differences themselves: a difference of large squares would have few correct digits
    # of a small distance.
    differences = [
        np.square(vectors[i] - others[number]).mean() for i, number in enumerate(numbers)
    ]
    return np.sqrt(differences), numbers


def _nearest(vectors: np.ndarray, others: np.ndarray, squares: np.ndarray) -> np.ndarray:
    return np.argmin(squares - 2.0 * vectors @ others.T, axis=1)
