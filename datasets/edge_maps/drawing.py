"""Draws the thing in a photo as people would: its outline, and some of the lines inside it.

A network says where people would draw (`ink_network`), in coarse maps: they saw the photo for two
seconds, and their lines do not lie on it. So the maps only choose, and the photo says where the
lines are. The thing is found as in two papers: a model of its colours and one of the rest (Rother,
Kolmogorov and Blake, "GrabCut", 2004), and a random walk which large differences between neighbours
stop (Grady, "Multilabel Random Walker Image Segmentation Using Prior Models", 2005). Differs from
the papers: a network gives the prior, colours are counted in a histogram, and two rounds are made.

Axes: H, W 256 pixels; h, w places of a map; N, N half the pixels, where the thing is sought.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage, sparse
from skimage import color, measure, morphology

_ROUNDS = 2
_BINS = 8  # of each axis of the colour histogram
_COLOUR = 0.8  # weight of the colours' log-odds
_RESTART = 0.15  # probability that a walk ends at a place, over the weight of a step
_ITERATIONS = 25  # of the solver: more change no outline
_LEAST_STEP = 0.01  # weight of a step across the greatest difference
_SMOOTH = 0.8  # pixels of deviation of the outline's filter
_SPECK = 100  # pixels: a smaller part or hole is none

_SIGMA = 2.0  # of the gradient, pixels
_CHROMA = 0.6  # weight of a and b beside the lightness
_GAP = 7  # pixels between outline and inner lines
_BORDER = 4  # pixels: the frame around a photo is not the outline of a thing
_FAINTEST = 0.004  # gradient of the faintest inner line: lightness, of [0, 1], per pixel
_SHORTEST = 18  # pixels of an inner line
_WEAK = 0.45  # all of a line reaches this part of the salience that some of it reaches
_LENGTH = 700  # pixels of line per drawing, as `outlines`
_INNER = 315  # pixels of these at most inside


def draw(photo: np.ndarray, ink: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Black lines on white, uint8 [H, W, 1]; all white if no thing is found.

    Args:
      photo: uint8 [H, W, 3].
      ink: float32 [h, w]: the probability that a person draws a line about there.
      inside: float32 [h, w]: the probability that a place is on the thing that a person draws.
    """
    lab = _lab(photo)
    on_thing = _on_thing(lab, inside)
    thing = _thing(on_thing)
    lines = _outline(thing)
    lines |= _inner_lines(lab, _enlarged(ink, 256) * _enlarged(on_thing, 256), thing, lines.sum())
    drawn = ndimage.binary_dilation(lines, np.ones([3, 3], bool))
    return np.where(drawn, 0, 255).astype(np.uint8)[..., np.newaxis]


def _on_thing(lab: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """The probability that a pixel is on the thing, float64 [N, N]: `inside` with sharp borders."""
    colours = ndimage.gaussian_filter(lab.reshape(128, 2, 128, 2, 3).mean((1, 3)), (0.7, 0.7, 0))
    walk = _Walk(colours)
    before = _log_odds(_enlarged(inside, 128))
    found = before
    for _ in range(_ROUNDS):
        odds = (before + found) / 2 + _COLOUR * _colour_odds(colours, _probability(found))
        found = _log_odds(walk.ends_in(_probability(odds)))
    return _probability(found)


def _colour_odds(colours: np.ndarray, on_thing: np.ndarray) -> np.ndarray:
    """The log-odds of the thing by colour alone, float64 [N, N]."""
    lowest, highest = colours.min((0, 1)), colours.max((0, 1))
    places = (colours - lowest) / np.maximum(highest - lowest, 0.3) * (_BINS - 1e-3)
    bins = np.ravel_multi_index(tuple(places.astype(int).reshape(-1, 3).T), [_BINS] * 3)

    def share(weights: np.ndarray) -> np.ndarray:
        counts = np.bincount(bins, weights.ravel(), _BINS**3).reshape([_BINS] * 3)
        return ndimage.gaussian_filter(counts, 0.7) / counts.sum() + 1e-4

    odds = np.log(share(on_thing**2)) - np.log(share((1 - on_thing) ** 2))
    return ndimage.map_coordinates(odds, np.moveaxis(places, -1, 0) - 0.5, order=1, mode="nearest")


class _Walk:
    """Random walks between neighbours, which seldom step across large differences of colour."""

    def __init__(self, colours: np.ndarray):
        number = np.arange(colours[..., 0].size).reshape(colours.shape[:2])
        pairs = [(number[:, 1:], number[:, :-1]), (number[1:], number[:-1])]
        first, second = (np.concatenate([p[i].ravel() for p in pairs]) for i in (0, 1))
        values = colours.reshape(-1, 3)
        difference = values[first] - values[second]
        distance = np.einsum("ic,ic->i", difference, difference)
        step = np.exp(-distance / (2 * distance.mean() + 1e-6)) + _LEAST_STEP
        ends = np.concatenate([first, second]), np.concatenate([second, first])
        steps = sparse.coo_matrix((np.concatenate([step, step]), ends), [number.size] * 2).tocsr()
        total = np.asarray(steps.sum(1)).ravel() + _RESTART
        self._matrix = sparse.diags(total).tocsr() - steps
        self._approximate_inverse = sparse.diags(1 / total)

    def ends_in(self, probability: np.ndarray) -> np.ndarray:
        """The mean of `probability`, [N, N], over the places where walks from each place end."""
        flat = probability.ravel()
        solved, _ = sparse.linalg.cg(
            self._matrix, _RESTART * flat, x0=flat, maxiter=_ITERATIONS, M=self._approximate_inverse
        )
        return solved.reshape(probability.shape).clip(0, 1)


def _thing(on_thing: np.ndarray) -> np.ndarray:
    """The pixels of the thing, bool [H, W]."""
    thing = ndimage.gaussian_filter(_enlarged(on_thing, 256), _SMOOTH) > 0.5
    return ~_large_parts(~_large_parts(thing, 0.1), 0.0)


def _large_parts(mask: np.ndarray, share: float) -> np.ndarray:
    """The connected parts that are no specks, and of at least this share of the largest."""
    parts, _ = ndimage.label(mask)
    sizes = np.bincount(parts.ravel())
    sizes[0] = 0
    return (sizes >= max(share * sizes.max(), _SPECK))[parts]


def _outline(thing: np.ndarray) -> np.ndarray:
    within = ndimage.binary_erosion(thing, np.ones([3, 3], bool), border_value=1)
    return _without_frame(thing & ~within)


def _inner_lines(lab: np.ndarray, weight: np.ndarray, thing: np.ndarray, length: int) -> np.ndarray:
    """The most salient lines inside the thing, bool [H, W]; `length` pixels are drawn already."""
    within = ndimage.binary_erosion(thing, iterations=_GAP, border_value=1)
    edges, gradient = _edges(lab, _without_frame(within))
    salience = np.where(edges, np.sqrt(gradient) * weight, 0)
    left = min(_LENGTH - length, _INNER)
    if left < _SHORTEST or not edges.any():
        return np.zeros_like(thing)
    strong = np.sort(salience[edges])[::-1][: int(0.7 * left)][-1]
    joined = ndimage.binary_closing(salience > _WEAK * strong, np.ones([3, 3], bool))
    lines = measure.label(morphology.skeletonize(joined), connectivity=2)
    salience = np.where(lines > 0, ndimage.maximum_filter(salience, 3), 0)
    lengths = np.bincount(lines.ravel())
    total = np.bincount(lines.ravel(), salience.ravel())
    greatest = ndimage.maximum(salience, lines, np.arange(len(lengths)))
    total[(lengths < _SHORTEST) | (greatest < strong)] = 0
    order = np.argsort(-total, kind="stable")
    before = np.cumsum(lengths[order]) - lengths[order]
    order = order[(before < left) & (total[order] > 0)]
    return np.isin(lines, order)


def _edges(lab: np.ndarray, within: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where the gradient is greatest along itself, bool [H, W], and its magnitude.

    Di Zenzo, "A note on the gradient of a multi-image", 1986: one gradient for all three channels.
    """
    rows = ndimage.gaussian_filter(lab, (_SIGMA, _SIGMA, 0), order=(1, 0, 0))
    columns = ndimage.gaussian_filter(lab, (_SIGMA, _SIGMA, 0), order=(0, 1, 0))
    across, down, mixed = (
        np.einsum("ijc,ijc->ij", *pair)
        for pair in ((columns, columns), (rows, rows), (columns, rows))
    )
    half = (across - down) / 2
    magnitude = np.sqrt(np.maximum((across + down) / 2 + np.hypot(half, mixed), 0))
    here = np.stack(np.nonzero(within & (magnitude > _FAINTEST)))
    angle = np.arctan2(mixed, half)[tuple(here)] / 2
    along = np.stack([np.sin(angle), np.cos(angle)])
    ahead, behind = (
        ndimage.map_coordinates(magnitude, here + sign * along, order=1, mode="nearest")
        for sign in (1, -1)
    )
    values = magnitude[tuple(here)]
    edges = np.zeros_like(within)
    edges[tuple(here)] = (values >= ahead) & (values > behind)
    return edges, magnitude


def _lab(photo: np.ndarray) -> np.ndarray:
    """Lightness of [0, 1] and two channels of colour, float32; the photo has [0, 255]."""
    lab = color.rgb2lab(photo / np.float32(255)).astype(np.float32) / 100
    lab[..., 1:] *= _CHROMA
    return lab


def _enlarged(values: np.ndarray, side: int) -> np.ndarray:
    """Bilinear, to [side, side]."""
    zoom = [side / length for length in values.shape]
    return ndimage.zoom(values, zoom, order=1, grid_mode=True, mode="nearest")


def _log_odds(probability: np.ndarray) -> np.ndarray:
    probability = probability.clip(0.01, 0.99)
    return np.log(probability / (1 - probability))


def _probability(log_odds: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-log_odds))


def _without_frame(lines: np.ndarray) -> np.ndarray:
    inside = np.zeros_like(lines)
    inside[_BORDER:-_BORDER, _BORDER:-_BORDER] = True
    return lines & inside
