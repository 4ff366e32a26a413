"""The printed rules of lined and graph paper, told from what is drawn on it and taken away.

Rules are straight, thin, nearly level or upright, evenly spaced, and each runs as far over the page
as the others. Pages that are bent or seen at a slant have none by this description and keep them.

Axes: H, W of the page; contrast is float32 [H, W], as `paper.contrast` gives it.
"""

from __future__ import annotations

import numpy as np

_FAINTEST = 0.03  # contrast of a rule, beyond the noise
# Of rules, in pixels per pixel: a page laid on a scanner by hand
_SLOPES = np.linspace(-0.06, 0.06, 61)
_LONG = 0.5  # of the page's width, which the longest rule covers
_ALIKE = 0.7  # of that, which every rule covers
_ACROSS = 0.85  # of the page's width, which a margin's rule covers
_BAND = 0.3  # of what the longest rule covers, beside a rule's middle: it is not wholly straight
_FEWEST = 7  # rules
_EVEN = 0.15  # of their spacing, by which it may differ
_THICKEST = 0.4  # of their spacing, with what they are not straight
_DARKER = 1.5  # times a rule's contrast: what is darker is drawn over it
_LIKE_RULES = 0.6  # of a rule's contrast: what is fainter beside it is its blur
_REACH = 2  # pixels beside a rule, in which a line that crosses it is to be seen


def without_rules(contrast: np.ndarray, notes: list[str]) -> np.ndarray:
    """The contrast of the page without its rules; the same if it has none."""
    level, slope = _level_rules(contrast)
    plain = _without(contrast, level, slope)
    upright, upright_slope = _level_rules(plain.T)
    if level and not upright:
        upright, upright_slope = _margin(plain.T, -slope), -slope
    plain = _without(plain.T, upright, upright_slope).T
    if upright and not level:
        level = _margin(plain, -upright_slope)
        plain = _without(plain, level, -upright_slope)
    if level or upright:
        notes.append(
            f"{'graph' if min(len(level), len(upright)) >= _FEWEST else 'lined'} paper: its rules"
            " left out"
        )
    return plain


def _level_rules(contrast: np.ndarray) -> tuple[list[tuple[int, int]], float]:
    """The bands of the rules from left to right, none if there are few, and their slope."""
    rows, columns = np.nonzero(contrast > _FAINTEST)
    if len(rows) < _LONG * _ALIKE * contrast.shape[1] * _FEWEST:
        return [], 0.0

    # Greatest where the rows hold as much or as little as they can
    def unequal(slope: float) -> int:
        return np.sum(np.bincount(_level(rows, columns, slope, contrast.shape)) ** 2)

    slope = max(_SLOPES, key=unequal)
    covered = _covered(rows, columns, slope, contrast.shape)
    bands = _bands(covered, _ALIKE * covered.max())
    return (bands if covered.max() >= _LONG and _are_rules(bands) else []), slope


def _margin(contrast: np.ndarray, slope: float) -> list[tuple[int, int]]:
    """The bands of single rules from left to right, of that
    slope, in which lined paper has a margin.
    """
    covered = _covered(*np.nonzero(contrast > _FAINTEST), slope, contrast.shape)
    return _bands(covered, _ACROSS)


def _without(contrast: np.ndarray, bands: list[tuple[int, int]], slope: float) -> np.ndarray:
    if not bands:
        return contrast
    height, width = contrast.shape
    level_rows = np.clip(np.arange(height)[:, np.newaxis] + _offsets(slope, width), 0, height - 1)
    level = np.take_along_axis(contrast, level_rows, 0)
    # Rules are printed alike: a line that was drawn along one of them does not count.
    tone = np.median([np.median(level[start:stop].max(0)) for start, stop in bands])
    erased = np.zeros(contrast.shape, bool)
    for start, stop in bands:
        erased[start:stop] = ~_is_drawn(level, start, stop, tone)
    plain = contrast.copy()
    plain[level_rows[erased], np.nonzero(erased)[1]] = 0
    return plain


def _offsets(slope: float, width: int) -> np.ndarray:
    """How far a level row goes down in each column, int [W]."""
    return np.round(slope * (np.arange(width) - width / 2)).astype(int)


def _level(
    rows: np.ndarray, columns: np.ndarray, slope: float, shape: tuple[int, int]
) -> np.ndarray:
    """The level rows in which the pixels at `rows` and `columns` are."""
    return np.clip(rows - _offsets(slope, shape[1])[columns], 0, shape[0] - 1)


def _covered(
    rows: np.ndarray, columns: np.ndarray, slope: float, shape: tuple[int, int]
) -> np.ndarray:
    """How much of every level row is not paper beyond what most rows have, as of upright rules; [H]
    in [0, 1].

    Each with the two rows beside it, between which a thin rule changes.
    """
    level = np.zeros([shape[0] + 2, shape[1]], bool)
    level[_level(rows, columns, slope, shape) + 1, columns] = True
    covered = (level[:-2] | level[1:-1] | level[2:]).mean(1)
    return np.maximum(covered - np.median(covered), 0)


def _bands(covered: np.ndarray, least: float) -> list[tuple[int, int]]:
    """The rows of every rule, start and stop: one covers `least` or
    more, the others beside it some of that.
    """
    edges = np.flatnonzero(
        np.diff(np.concatenate([[False], covered > _BAND * covered.max(), [False]]))
    )
    runs = zip(edges[::2].tolist(), edges[1::2].tolist())
    return [(start, stop) for start, stop in runs if covered[start:stop].max() >= least]


def _are_rules(bands: list[tuple[int, int]]) -> bool:
    if len(bands) < _FEWEST:
        return False
    gaps = np.diff(np.mean(bands, 1))
    spacing = np.median(gaps)
    apart = gaps / spacing
    even = np.abs(apart - np.round(apart)) * spacing < max(_EVEN * spacing, 1.5)
    return np.mean(even) > 0.8 and np.median(np.diff(bands)) <= _THICKEST * spacing


def _is_drawn(level: np.ndarray, start: int, stop: int, tone: float) -> np.ndarray:
    """Where in a rule's band something was drawn over it: what is
    darker, and what goes on above or below.
    """
    beside = np.concatenate([level[max(start - _REACH, 0) : start], level[stop : stop + _REACH]])
    crossed = beside.max(0, initial=0) > max(_LIKE_RULES * tone, _FAINTEST)
    return crossed | (level[start:stop] > _DARKER * tone + _FAINTEST)
