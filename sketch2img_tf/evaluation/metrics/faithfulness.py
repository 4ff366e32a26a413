"""Measures whether a picture has its edges where its sketch has lines. NumPy, float64, per picture.

A picture with edges everywhere would have one near every line. So only the strongest edges count:
as many pixels as the sketch has of line. We also measure how many edges and lines meet by chance,
by the lines of another sketch: people do not draw exactly on the photo's edges, and even real
photos meet only a little more of their own lines than of another sketch's.

Everything is measured at 64x64 pixels. Larger pictures and sketches are averaged down to that, so
that 2 pixels and the width of a line always mean the same.

Axes: B batch, H, W height and width, multiples of 64 and equal.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage
from skimage import color, feature, transform

from sketch2img_tf.data.preprocessing import measured_intensities

SIDE = 64
NEAR_PX = 2
_LINE = 0.25  # of full ink
_SIGMA_PX = 1.0  # standard deviation of the Gaussian of the gradient
_FAINTEST = 0.01  # lightness, of [0, 1], per pixel; less is never an edge
# Added share of the lightness per pixel, in reading order: more than rounding, less than a grey
_BY_PLACE = 1e-9
_NEAR = np.hypot(*np.mgrid[-NEAR_PX : NEAR_PX + 1, -NEAR_PX : NEAR_PX + 1]) <= NEAR_PX


def faithfulness(pictures: np.ndarray, sketches: np.ndarray) -> dict[str, np.ndarray]:
    """How many edges and lines have each other within 2 pixels.

    Args:
      pictures: pixels, uint8 [B, H, W, 3].
      sketches: pixels, uint8 [B, H, W, 1], black lines on white.

    Returns:
      float64 [B] each: `edge_recall`, the share of line pixels with an edge near; `edge_precision`,
      the share of edge pixels with a line near; and both with `_by_chance`, where the lines are
      those of the next sketch of the batch. 0 if the picture has no edge or the sketch no line.
    """
    pictures, sketches = _averaged_down(pictures), _averaged_down(sketches)
    lines = measured_intensities(sketches[..., 0]) < 1.0 - _LINE
    edges = np.stack([strongest_edges(*pair) for pair in zip(pictures, lines.sum((1, 2)))])
    others = np.roll(lines, -1, axis=0)
    recall, precision = _met(lines, edges), _met(edges, lines)
    by_chance = _met(others, edges), _met(edges, others)
    return {
        "edge_recall": recall,
        "edge_precision": precision,
        "edge_recall_by_chance": by_chance[0],
        "edge_precision_by_chance": by_chance[1],
    }


def strongest_edges(picture: np.ndarray, count: int) -> np.ndarray:
    """The strongest `count` edge pixels of a picture, uint8 [H, W, 3], or fewer: bool [H, W].

    J. Canny, "A Computational Approach to Edge Detection", 1986: maxima of the gradient of the
    lightness (CIE L*). Differs from it: the two pixels beside a sharp edge have equal gradients,
    and then the later one in reading order counts as greater. Otherwise rounding would decide,
    which differs between versions of NumPy.
    """
    lightness = color.rgb2lab(picture)[..., 0] / 100
    lightness *= 1 + _BY_PLACE * np.arange(lightness.size).reshape(lightness.shape)
    gradient = ndimage.gaussian_gradient_magnitude(lightness, _SIGMA_PX, mode="nearest")
    thin = feature.canny(lightness, _SIGMA_PX, 0.0, np.finfo(float).tiny, mode="nearest")
    strength = np.where(thin & (gradient > _FAINTEST), gradient, 0.0)
    chosen = np.argsort(-strength, axis=None, kind="stable")[:count]
    edges = np.zeros(strength.shape, bool)
    edges.flat[chosen] = True
    return edges & (strength > 0)


def _averaged_down(pictures: np.ndarray) -> np.ndarray:
    """Pixels, uint8 [B, H, W, C], to uint8 [B, 64, 64, C]."""
    square = pictures.shape[1] // SIDE
    means = (transform.downscale_local_mean(picture, (square, square, 1)) for picture in pictures)
    return np.stack([np.rint(picture).astype(np.uint8) for picture in means])


def _met(points: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """The share of the points, bool [B, H, W], that have a target within `NEAR_PX`."""
    near = ndimage.binary_dilation(targets, _NEAR[np.newaxis])
    return (points & near).sum((1, 2)) / np.maximum(points.sum((1, 2)), 1)
