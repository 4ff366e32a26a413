"""Finds the printed dots of dotted paper, and removes them from the drawing.

The dots are small and alike, and each has neighbours at one distance, ahead and aside, over most of
the paper. A drawing that consists of dots has all of this, too. So dots count as printed only if
something darker is drawn on the page. A dot that touches a line is left there.

Axes: H, W of the page; contrast is float32 [H, W], as `paper.contrast` gives it; N dots.
"""

from __future__ import annotations

import numpy as np

from sketch2img_tf.inference import connected_parts, ruled_paper

_FAINTEST = 0.03  # contrast of a dot, beyond the noise
_LARGEST = 0.02  # of the page
_SMALLEST = 3  # pixels: anything smaller is noise
_ALIKE = 3  # a dot has at most so many times the usual number of pixels, and at least 1/3 of it
_DARKER = 1.5  # times a dot's contrast: anything darker was drawn
_FEWEST = 7  # dots per row, and rows
_MOST = 4000  # dots: twice as many as a sheet of A4 has at 5 mm
_EVEN = 0.25  # of their spacing, by which a distance may differ
_SQUARE = 0.8  # 1 if all neighbours are exactly ahead and aside; 0 if they are anywhere
_FULL = 0.5  # of the grid's places have a dot at least
_AT_ONCE = 256  # dots whose neighbours are computed together


def without_dots(contrast: np.ndarray, notes: list[str]) -> np.ndarray:
    """The contrast of the page without its dots; the same if it has none."""
    numbers = connected_parts.parts(contrast > _FAINTEST)
    if numbers.max() < _FEWEST**2:
        return contrast
    dots, centres = _dots(numbers)
    if not _FEWEST**2 <= len(dots) <= _MOST:
        return contrast
    even, beside, spacing = _neighbours(centres)
    if not _are_grid(centres[even], spacing):
        return contrast
    darkest = np.zeros(numbers.max() + 1)
    np.maximum.at(darkest, numbers, contrast)
    tone = np.median(darkest[dots[even]])
    printed = dots[beside & (darkest[dots] <= _DARKER * tone + _FAINTEST)]
    plain = np.where(np.isin(numbers, printed), np.float32(0), contrast)
    if not ruled_paper.is_drawn_on(plain, tone):
        notes.append("even dots as of dotted paper kept: nothing darker is drawn on them")
        return contrast
    notes.append("dotted paper: its dots left out")
    return plain


def _dots(numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The numbers of small parts of similar size, int [N], and their centres, [N, 2]."""
    sizes = np.bincount(numbers.ravel())
    small = connected_parts.extents(numbers) <= max(_SMALLEST, _LARGEST * max(numbers.shape))
    small &= sizes >= _SMALLEST
    small[0] = False
    usual = np.median(sizes[small]) if small.any() else 0
    dots = np.flatnonzero(small & (sizes <= _ALIKE * usual) & (sizes * _ALIKE >= usual))
    places = np.indices(numbers.shape).reshape(2, -1)
    sums = [np.bincount(numbers.ravel(), place) for place in places]
    return dots, np.stack([total[dots] / sizes[dots] for total in sums], 1)


def _neighbours(centres: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """Which dots have neighbours like those of a grid, which have any at all, and the spacing."""
    places = centres[:, 0] + 1j * centres[:, 1]

    def away(start: int) -> np.ndarray:
        return places - places[start : start + _AT_ONCE, np.newaxis]

    starts = range(0, len(places), _AT_ONCE)
    # The nearest place of a dot is its own.
    nearest = [np.partition(np.abs(away(start)), 1)[:, 1] for start in starts]
    spacing = float(np.median(np.concatenate(nearest)))
    even, beside = [], []
    for start, near in zip(starts, nearest):
        apart = away(start)
        distance = np.abs(apart)
        next_to = np.abs(distance - spacing) < _EVEN * spacing
        # The fourth power of a direction is the same for ahead, aside and back.
        turned = np.where(next_to, (apart / np.maximum(distance, 1)) ** 4, 0).sum(1)
        count = next_to.sum(1)
        alone = near > (1 - _EVEN) * spacing
        even.append((count >= 2) & alone & (np.abs(turned) >= _SQUARE * count))
        beside.append(count >= 1)
    return np.concatenate(even), np.concatenate(beside), spacing


def _are_grid(centres: np.ndarray, spacing: float) -> bool:
    """Whether there are enough dots, and they fill their area."""
    if len(centres) < _FEWEST**2:
        return False
    rows, columns = np.ptp(centres, 0) / spacing + 1
    return min(rows, columns) > _FEWEST - 0.5 and len(centres) > _FULL * rows * columns
