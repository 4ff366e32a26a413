"""Makes outlines of photos: line drawings that take the place of sketches.

SketchyGAN (Chen and Hays, 2018, arXiv 1801.02753, section 3.2) makes sketches from photos in these
steps: detect edges, binarise, thin, remove small components. Differs from SketchyGAN:
- The edge detector is Canny's, on the photo's lightness after total-variation smoothing, which
  removes texture and keeps outlines. SketchyGAN uses HED, a network trained on edges that people
  drew; its weights are not available here.
- The strongest and longest components are kept, those in the middle before those at the border,
  until the drawing has as much line as a free-hand sketch: people would draw these first.
  SketchyGAN's published code (PostprocessHED.m) keeps every component of at least 5 pixels.
- Lines are as wide as those of the Sketchy database, not one pixel wide.

Axes: H, W 256 pixels.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage
from skimage import color, feature, measure, morphology, restoration

_SMOOTHING = 0.2  # weight of the total variation
_SIGMA = 2.0  # of the gradient, pixels
# Quantiles of the gradient: all of a line reaches the first, and some of it the second
_WEAK, _STRONG = 0.8, 0.93
_BORDER = 4  # pixels: the frame around a photo is not the outline of a thing
_SHORTEST = 24  # pixels of a component
_FAINTEST = 0.004  # mean gradient along the faintest line: lightness, of [0, 1], per pixel
_LEAST = 0.05  # of the greatest salience
_LENGTH = 700  # pixels of line per drawing: at 3 pixels of width, the ink of a Sketchy sketch
_MIDDLE = 0.8  # standard deviation of the places' weight, in halves of the picture's side


def outline(photo: np.ndarray) -> np.ndarray:
    """The outline of a photo: black lines on white, uint8 [H, W, 1]; all white if it has no edge.

    Args:
      photo: uint8 [H, W, 3].
    """
    smooth = restoration.denoise_tv_chambolle(
        photo / np.float32(255), _SMOOTHING, max_num_iter=40, channel_axis=-1
    )
    lightness = color.rgb2lab(smooth)[..., 0] / 100
    edges = feature.canny(lightness, _SIGMA, _WEAK, _STRONG, use_quantiles=True)
    edges &= _inside(edges.shape)
    gradient = ndimage.gaussian_gradient_magnitude(lightness, _SIGMA)
    lines = _most_salient(morphology.skeletonize(edges), gradient)
    drawn = ndimage.binary_dilation(lines, np.ones([3, 3], bool))
    return np.where(drawn, 0, 255).astype(np.uint8)[..., np.newaxis]


def _inside(shape: tuple[int, int]) -> np.ndarray:
    return np.pad(np.ones([side - 2 * _BORDER for side in shape], bool), _BORDER)


def _most_salient(lines: np.ndarray, gradient: np.ndarray) -> np.ndarray:
    """The most salient connected lines of bool [H, W], in this order up to `_LENGTH` pixels."""
    component = measure.label(lines, connectivity=2)  # [H, W], 0 where there is none
    length = np.bincount(component.ravel())
    strength = np.bincount(component.ravel(), gradient.ravel()) / np.maximum(length, 1)
    # The root: an edge of twice the strength is worth drawing, but not twice as much.
    salience = np.bincount(component.ravel(), (np.sqrt(gradient) * _weight(lines.shape)).ravel())
    salience[(length < _SHORTEST) | (strength < _FAINTEST)] = 0
    salience[0] = 0
    order = np.argsort(-salience, kind="stable")
    before = np.cumsum(length[order]) - length[order]
    kept = np.zeros(len(length), bool)
    kept[order[before < _LENGTH]] = True
    return (kept & (salience > _LEAST * salience.max()))[component]


def _weight(shape: tuple[int, int]) -> np.ndarray:
    """The weight of each place, float64 [H, W]: 1 in the middle, less towards the border."""
    rows, columns = (np.linspace(-1, 1, side) for side in shape)
    return np.exp(-(rows[:, np.newaxis] ** 2 + columns**2) / (2 * _MIDDLE**2))
