"""Finds the printed rules of lined and graph paper, and removes them from the drawing.

Rules are thin, nearly level or upright, and evenly spaced, and all run equally far over the page.
They are straight or equally bent, like those of a page that was photographed at a slant or does not
lie flat. A fence, a ladder or a chessboard has all of these properties, too. So rules count as
printed only if something darker is drawn on the page.

Axes: H, W of the page; contrast is float32 [H, W], as `paper.contrast` gives it.
"""

from __future__ import annotations

import dataclasses

import numpy as np

_FAINTEST = 0.03  # contrast of a rule, beyond the noise
# Of rules, in pixels per pixel, such as on a page that was laid on a scanner by hand
_SLOPES = np.linspace(-0.06, 0.06, 61)
_LONG = 0.5  # of the page's width: the longest rule covers at least this
_ALIKE = 0.7  # of the longest rule: every rule covers at least this
_ACROSS = 0.85  # of the page's width: a margin's rule covers at least this
_BAND = 0.3  # of the longest rule's cover: rows beside a rule's middle that belong to it have more
_FEWEST = 7  # rules
_EVEN = 0.15  # of the spacing near a rule, by which its own may differ
_BESIDE = 3  # spaces on either side of a rule, from which the spacing near it is taken
_THICKEST = 0.4  # of their spacing; a rule that is not quite straight is a thicker band
_DARKER = 1.5  # times a rule's contrast: anything darker is drawn over it
_LIKE_RULES = 0.6  # of a rule's contrast: anything fainter beside it is its blur
_REACH = 2  # pixels beside a rule in which a line that crosses it must be seen

_STRIPS = 48  # of the page; bent rules are straight within a strip
_STEEPEST = 0.12  # of bent rules, in pixels per pixel, in addition to the slope of straight ones
_STEPS = np.linspace(-1, 1, 13)  # shares of it that are tried
_STRETCHES = np.linspace(-0.004, 0.004, 5)  # changes of the spacing from strip to strip, as shares
_LIKELIER = 0.02  # of a strip's likeness, which a rule loses when it turns
_STEADY = 0.5  # of a bent rule's direction so far, which it keeps in the next strip

_CLEARLY_DARKER = 1.3  # times the contrast of the print
_DRAWN = 5e-4  # of the page: if more is that dark, something is drawn
KEPT = "even lines as of ruled paper kept: nothing darker is drawn on them"


@dataclasses.dataclass(frozen=True)
class _Rules:
    """Rules that run over the page from left to right.

    Attributes:
      bands: start and stop of every rule, in rows of the page as if they were level.
      course: for each of these rows and each column the row of the page, int [H, W].
      tone: the rules' contrast.
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
    """Whether something on a page is clearly darker than the print.

    Args:
      plain: the contrast without the print.
      tone: the contrast of the print.
    """
    return bool(np.mean(plain > _CLEARLY_DARKER * tone) > _DRAWN)


def _printed(contrast: np.ndarray, rules: _Rules | None, notes: list[str]) -> _Rules | None:
    """The rules, if they are printed; if they are drawn, None, and a note says so."""
    if rules is None or is_drawn_on(_without(contrast, rules), rules.tone):
        return rules
    if KEPT not in notes:
        notes.append(KEPT)
    return None


def _level_rules(contrast: np.ndarray) -> _Rules | None:
    """The rules from left to right, straight or bent; None if there are few."""
    inked = contrast > _FAINTEST
    if np.count_nonzero(inked) < _LONG * _ALIKE * inked.shape[1] * _FEWEST:
        return None

    # The sum of squares is greatest if each row has as many or as few inked pixels as possible
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
    """Single rules from left to right, such as the margin of lined paper."""
    inked = contrast > _FAINTEST
    course = _straight(_slope(inked, np.max), inked.shape)
    bands = _bands(_covered(inked, course), _ACROSS)
    return _rules(contrast, bands, course) if bands else None


def _rules(contrast: np.ndarray, bands: list[tuple[int, int]], course: np.ndarray) -> _Rules:
    level = np.take_along_axis(contrast, course, 0)
    # Rules are printed alike, so the median ignores a line that was drawn along one of them.
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
    """The slope at which the counts of inked pixels per level row have the greatest measure."""
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
    """The row of the page for each level row and column, int [H, W].

    Args:
      down: how much further down it is in each column, [W].
      stretch: how much further apart rows are in each column, as a share, [W].
      height: the height of the page.
    """
    rows = np.arange(height)[:, np.newaxis]
    return np.clip(np.round(rows + down + stretch * (rows - height / 2)), 0, height - 1).astype(int)


def _bent(inked: np.ndarray, straight: np.ndarray) -> np.ndarray | None:
    """The course of rules, followed from strip to strip of the page; None if there are few.

    Within a strip rules are straight, and all strips before it tell where to expect them. In each
    strip they may be further down or up, as on paper that does not lie flat, and further apart or
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
    """How far down and how stretched the rules of one strip are, and the strip's level profile."""
    steps, stretches, likely = _tried()
    down = expected[0] + _STEEPEST * width * steps
    stretch = expected[1] + stretches
    rows = np.arange(len(profile))
    beside = rows - len(profile) / 2
    moved = np.interp(rows + down[:, np.newaxis] + stretch[:, np.newaxis] * beside, rows, profile)
    likeness = np.maximum(moved @ (reference - np.median(reference)), 0)
    best = np.argmax(likeness * likely)  # an empty strip has equal ones: then the expected place
    return np.array([down[best], stretch[best]]), moved[best]


def _tried() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The steps and stretches to try, those nearest to the expected first, and their likelihood."""
    steps, stretches = map(np.ravel, np.meshgrid(_STEPS, _STRETCHES, indexing="ij"))
    far = np.abs(steps) + np.abs(stretches) / _STRETCHES.max()
    order = np.argsort(far, kind="stable")
    return steps[order], stretches[order], 1 - _LIKELIER * far[order]


def _thick(inked: np.ndarray) -> np.ndarray:
    """Each row together with the two beside it: a thin rule may change between rows."""
    padded = np.pad(inked, [(1, 1), (0, 0)])
    return padded[:-2] | padded[1:-1] | padded[2:]


def _covered(inked: np.ndarray, course: np.ndarray) -> np.ndarray:
    """Each level row's share of ink, [H] in [0, 1], beyond the median of rows (upright rules)."""
    covered = _thick(np.take_along_axis(inked, course, 0)).mean(1)
    return np.maximum(covered - np.median(covered), 0)


def _bands(covered: np.ndarray, least: float) -> list[tuple[int, int]]:
    """Start and stop row of each rule: one of its rows covers `least`, the others at least some."""
    edges = np.flatnonzero(
        np.diff(np.concatenate([[False], covered > _BAND * covered.max(), [False]]))
    )
    runs = zip(edges[::2].tolist(), edges[1::2].tolist())
    return [(start, stop) for start, stop in runs if covered[start:stop].max() >= least]


def _are_rules(bands: list[tuple[int, int]]) -> bool:
    if len(bands) < _FEWEST:
        return False
    gaps = np.diff(np.mean(bands, 1))
    # The upper rules of a page at a slant are closer together.
    spacing = np.array(
        [np.median(gaps[max(at - _BESIDE, 0) : at + _BESIDE + 1]) for at in range(len(gaps))]
    )
    apart = gaps / spacing
    even = np.abs(apart - np.round(apart)) * spacing < np.maximum(_EVEN * spacing, 1.5)
    return np.mean(even) > 0.8 and np.median(np.diff(bands)) <= _THICKEST * np.median(gaps)


def _and_shorter(bands: list[tuple[int, int]], all_bands: list) -> list[tuple[int, int]]:
    """The bands, with shorter ones in line with them: bent rules leave the page at its edge."""
    middles = np.mean(bands, 1)
    spacing = np.median(np.diff(middles))

    def is_beside(band: tuple[int, int]) -> bool:
        away = np.abs(middles - np.mean(band)).min()
        return abs(away - spacing) < max(_EVEN * spacing, 1.5)

    return [band for band in all_bands if band in bands or is_beside(band)]


def _is_drawn(level: np.ndarray, start: int, stop: int, tone: float) -> np.ndarray:
    """Where something was drawn over a rule's band: it is darker, or goes on above or below."""
    beside = np.concatenate([level[max(start - _REACH, 0) : start], level[stop : stop + _REACH]])
    crossed = beside.max(0, initial=0) > max(_LIKE_RULES * tone, _FAINTEST)
    return crossed | (level[start:stop] > _DARKER * tone + _FAINTEST)
