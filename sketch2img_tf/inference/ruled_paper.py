"""The printed rules of lined and graph paper, told from what is drawn on it and taken away.

Rules are thin, nearly level or upright, evenly spaced, and each runs as far over the page as the
others. They are straight, or bent alike, as those of a page that is photographed at a slant or does
not lie flat. A fence, a ladder or a chessboard is all of this too: only where something darker is
drawn on the page are they taken for printed.

Axes: H, W of the page; contrast is float32 [H, W], as `paper.contrast` gives it.
"""

from __future__ import annotations

import dataclasses

import numpy as np

_FAINTEST = 0.03  # contrast of a rule, beyond the noise
# Of rules, in pixels per pixel: a page laid on a scanner by hand
_SLOPES = np.linspace(-0.06, 0.06, 61)
_LONG = 0.5  # of the page's width, which the longest rule covers
_ALIKE = 0.7  # of that, which every rule covers
_ACROSS = 0.85  # of the page's width, which a margin's rule covers
_BAND = 0.3  # of what the longest rule covers, beside a rule's middle: it is not wholly straight
_FEWEST = 7  # rules
_EVEN = 0.15  # of their spacing thereabouts, by which it may differ
_BESIDE = 3  # spaces on either side of one, which tell how they are spaced thereabouts
_THICKEST = 0.4  # of their spacing, with what they are not straight
_DARKER = 1.5  # times a rule's contrast: what is darker is drawn over it
_LIKE_RULES = 0.6  # of a rule's contrast: what is fainter beside it is its blur
_REACH = 2  # pixels beside a rule, in which a line that crosses it is to be seen

_STRIPS = 48  # of the page, in which bent rules are straight
_STEEPEST = 0.12  # of bent rules, in pixels per pixel, beside the slope of straight ones
_STEPS = np.linspace(-1, 1, 13)  # of that, which are tried
_STRETCHES = np.linspace(-0.004, 0.004, 5)  # of their spacing, from strip to strip
_LIKELIER = 0.02  # of a strip's likeness: what goes straight on is that much likelier
_STEADY = 0.5  # of its direction so far, which a bent rule keeps from strip to strip

_CLEARLY_DARKER = 1.3  # times what is printed
_DRAWN = 5e-4  # of the page, which is that dark where something is drawn
KEPT = "even lines as of ruled paper kept: nothing darker is drawn on them"


@dataclasses.dataclass(frozen=True)
class _Rules:
    """What runs over the page from left to right.

    Attributes:
      bands: start and stop of every rule, in rows of the page as it were if they were level.
      course: the row in which such a row is, in each column; int [H, W].
      tone: their contrast.
    """

    bands: list[tuple[int, int]]
    course: np.ndarray
    tone: float


def without_rules(contrast: np.ndarray, notes: list[str]) -> np.ndarray:
    """The contrast of the page without its rules; the same if it has none."""
    level = _printed(contrast, _level_rules(contrast), notes)
    plain = _without(contrast, level)
    upright = _printed(plain.T, _level_rules(plain.T), notes)
    plain = _without(plain.T, upright).T
    if level and not upright:
        plain = _without(plain.T, _printed(plain.T, _margin(plain.T), [])).T
    if upright and not level:
        plain = _without(plain, _printed(plain, _margin(plain), []))
    if level or upright:
        notes.append(f"{'graph' if level and upright else 'lined'} paper: its rules left out")
    return plain


def is_drawn_on(plain: np.ndarray, tone: float) -> bool:
    """Whether there is something on a page that is clearly darker than what is printed on it.

    Args:
      plain: the contrast without what is printed.
      tone: the contrast of what is printed.
    """
    return bool(np.mean(plain > _CLEARLY_DARKER * tone) > _DRAWN)


def _printed(contrast: np.ndarray, rules: _Rules | None, notes: list[str]) -> _Rules | None:
    """The rules, if they are printed; None if they are drawn, which is said."""
    if rules is None or is_drawn_on(_without(contrast, rules), rules.tone):
        return rules
    if KEPT not in notes:
        notes.append(KEPT)
    return None


def _level_rules(contrast: np.ndarray) -> _Rules | None:
    """The rules from left to right, if there are several: straight ones, or bent ones."""
    inked = contrast > _FAINTEST
    if np.count_nonzero(inked) < _LONG * _ALIKE * inked.shape[1] * _FEWEST:
        return None

    # Greatest where the rows hold as much or as little as they can
    slope = _slope(inked, lambda counts: np.sum(counts**2))
    straight = _straight(slope, inked.shape)
    bent = _bent(inked, straight)
    courses = [straight] if bent is None else [straight, bent]
    covered = [_covered(inked, course) for course in courses]
    best = int(np.argmax([np.max(each) for each in covered]))
    longest = covered[best].max()
    bands = _bands(covered[best], _ALIKE * longest)
    if longest < _LONG or not _are_rules(bands):
        return None
    return _rules(contrast, _and_shorter(bands, _bands(covered[best], 0)), courses[best])


def _margin(contrast: np.ndarray) -> _Rules | None:
    """Single rules from left to right, in which lined paper has a margin."""
    inked = contrast > _FAINTEST
    course = _straight(_slope(inked, np.max), inked.shape)
    bands = _bands(_covered(inked, course), _ACROSS)
    return _rules(contrast, bands, course) if bands else None


def _rules(contrast: np.ndarray, bands: list[tuple[int, int]], course: np.ndarray) -> _Rules:
    level = np.take_along_axis(contrast, course, 0)
    # Rules are printed alike: a line that was drawn along one of them does not count.
    tone = np.median([np.median(level[start:stop].max(0)) for start, stop in bands])
    return _Rules(bands, course, float(tone))


def _without(contrast: np.ndarray, rules: _Rules | None) -> np.ndarray:
    if rules is None:
        return contrast
    level = np.take_along_axis(contrast, rules.course, 0)
    erased = np.zeros(contrast.shape, bool)
    for start, stop in rules.bands:
        erased[start:stop] = ~_is_drawn(level, start, stop, rules.tone)
    plain = contrast.copy()
    plain[rules.course[erased], np.nonzero(erased)[1]] = 0
    return plain


def _slope(inked: np.ndarray, measure) -> float:
    """The slope by which the number of inked pixels in each level row has the most of a measure."""
    rows, columns = np.nonzero(inked)

    def of_rows(slope: float) -> float:
        down = np.round(slope * (np.arange(inked.shape[1]) - inked.shape[1] / 2)).astype(int)
        level = np.clip(rows - down[columns], 0, inked.shape[0] - 1)
        return measure(np.bincount(level, minlength=1))

    return max(_SLOPES, key=of_rows)


def _straight(slope: float, shape: tuple[int, int]) -> np.ndarray:
    down = slope * (np.arange(shape[1]) - shape[1] / 2)
    return _course(down, np.zeros(shape[1]), shape[0])


def _course(down: np.ndarray, stretch: np.ndarray, height: int) -> np.ndarray:
    """Which row of the page a level row is in each column, int [H, W].

    Args:
      down: by how much it is further down in that column, [W].
      stretch: by how much further apart rows are in that column, as a share, [W].
      height: of the page.
    """
    rows = np.arange(height)[:, np.newaxis]
    return np.clip(np.round(rows + down + stretch * (rows - height / 2)), 0, height - 1).astype(int)


def _bent(inked: np.ndarray, straight: np.ndarray) -> np.ndarray | None:
    """The course of rules that are followed from strip to strip of the page; None if there are few.

    Over a strip they are straight, and those of all strips before it tell where they are. In each
    strip they are further down or up, as on paper that does not lie flat, and further apart or
    closer, as on a page at a slant.
    """
    height, width = inked.shape
    if width < 2 * _STRIPS:
        return None
    edges = np.round(np.linspace(0, width, _STRIPS + 1)).astype(int)
    level = _thick(np.take_along_axis(inked, straight, 0))
    profiles = [level[:, start:stop].mean(1) for start, stop in zip(edges, edges[1:])]
    lines = [np.count_nonzero(np.diff((profile > 0.5).astype(int)) > 0) for profile in profiles]
    first = int(np.argmax(lines))
    if lines[first] < _FEWEST:
        return None
    places = np.zeros([_STRIPS, 2])
    reference = profiles[first].copy()
    for direction in (range(first + 1, _STRIPS), range(first - 1, -1, -1)):
        place, pace = np.zeros(2), np.zeros(2)
        for strip in direction:
            found, moved = _followed(profiles[strip], reference, place + pace, width / _STRIPS)
            pace = _STEADY * pace + (1 - _STEADY) * (found - place)
            places[strip] = place = found
            reference += moved
    middles = (edges[:-1] + edges[1:]) / 2
    columns = np.arange(width)
    down, stretch = (np.interp(columns, middles, values) for values in places.T)
    rise = straight[height // 2] - height // 2
    return _course(rise + down, stretch, height)


def _followed(
    profile: np.ndarray, reference: np.ndarray, expected: np.ndarray, width: float
) -> tuple[np.ndarray, np.ndarray]:
    """Where the rules of one strip are, how far down and how stretched, and its level profile."""
    steps, stretches, likely = _tried()
    down = expected[0] + _STEEPEST * width * steps
    stretch = expected[1] + stretches
    rows = np.arange(len(profile))
    beside = rows - len(profile) / 2
    moved = np.interp(rows + down[:, np.newaxis] + stretch[:, np.newaxis] * beside, rows, profile)
    likeness = np.maximum(moved @ (reference - np.median(reference)), 0)
    best = np.argmax(likeness * likely)  # of equal ones, as of empty strips, what is expected
    return np.array([down[best], stretch[best]]), moved[best]


def _tried() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Steps and stretches beside what is expected, the nearest first, and how likely they are."""
    steps, stretches = map(np.ravel, np.meshgrid(_STEPS, _STRETCHES, indexing="ij"))
    far = np.abs(steps) + np.abs(stretches) / _STRETCHES.max()
    order = np.argsort(far, kind="stable")
    return steps[order], stretches[order], 1 - _LIKELIER * far[order]


def _thick(inked: np.ndarray) -> np.ndarray:
    """Every row with the two beside it, between which a thin rule changes."""
    padded = np.pad(inked, [(1, 1), (0, 0)])
    return padded[:-2] | padded[1:-1] | padded[2:]


def _covered(inked: np.ndarray, course: np.ndarray) -> np.ndarray:
    """How much of every level row is not paper beyond what most rows have, as of upright rules; [H]
    in [0, 1].
    """
    covered = _thick(np.take_along_axis(inked, course, 0)).mean(1)
    return np.maximum(covered - np.median(covered), 0)


def _bands(covered: np.ndarray, least: float) -> list[tuple[int, int]]:
    """The rows of every rule, start and stop: one covers `least` or more, the others beside it some
    of that.
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
    # Further up on a page at a slant they are closer together.
    spacing = np.array(
        [np.median(gaps[max(at - _BESIDE, 0) : at + _BESIDE + 1]) for at in range(len(gaps))]
    )
    apart = gaps / spacing
    even = np.abs(apart - np.round(apart)) * spacing < np.maximum(_EVEN * spacing, 1.5)
    return np.mean(even) > 0.8 and np.median(np.diff(bands)) <= _THICKEST * np.median(gaps)


def _and_shorter(bands: list[tuple[int, int]], all_bands: list) -> list[tuple[int, int]]:
    """With those that cover less but have their place beside them: bent ones leave the page at its
    edge.
    """
    middles = np.mean(bands, 1)
    spacing = np.median(np.diff(middles))

    def is_beside(band: tuple[int, int]) -> bool:
        away = np.abs(middles - np.mean(band)).min()
        return abs(away - spacing) < max(_EVEN * spacing, 1.5)

    return [band for band in all_bands if band in bands or is_beside(band)]


def _is_drawn(level: np.ndarray, start: int, stop: int, tone: float) -> np.ndarray:
    """Where in a rule's band something was drawn over it: what is darker, and what goes on above or
    below.
    """
    beside = np.concatenate([level[max(start - _REACH, 0) : start], level[stop : stop + _REACH]])
    crossed = beside.max(0, initial=0) > max(_LIKE_RULES * tone, _FAINTEST)
    return crossed | (level[start:stop] > _DARKER * tone + _FAINTEST)
