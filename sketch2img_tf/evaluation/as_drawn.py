"""What a model makes of our own drawings, those that the page offers to begin with: a sheet to be
looked at.

There are no photos of these drawings to measure against.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf
from fontTools.pens.recordingPen import RecordingPen
from fontTools.svgLib.path import parse_path
from PIL import Image, ImageDraw

from sketch2img_tf.data import drawing_size, preprocessing
from sketch2img_tf.data.starter_sketches import STARTERS
from sketch2img_tf.sheets import picture_grid

if TYPE_CHECKING:
    from sketch2img_tf.config import DataConfig
    from sketch2img_tf.data.statistics import Statistics
    from sketch2img_tf.evaluation.examples import Draw

# Pixels of page and pencil; supersampling; a curve's points
_PAGE, _PEN, _SHARPNESS, _POINTS = 256, 3, 4, 24
_VARIATIONS = 3


class AsDrawn:
    """The drawings of the classes of a run, as large as those that it is trained on.

    Attributes:
      names: of the drawings' classes; none if there is no drawing of any.
    """

    def __init__(self, class_names: tuple[str, ...], statistics: Statistics, data: DataConfig):
        self._statistics = statistics
        self.names = tuple(name for name in STARTERS if name in class_names)
        self._labels = np.array([class_names.index(name) for name in self.names], np.int64)
        fill = drawing_size.training_fill(data)
        pages = (drawn(STARTERS[name], fill) for name in self.names)
        self._sketches = [_sketch(page, statistics, data.image_size) for page in pages]

    def requests(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """What a drawer is asked for: of every drawing three pictures, from the seeds 0, 1 and 2.

        Returns:
          Normalised sketches, float32 [M, S, S, 1], their labels, int64 [M], and seeds, int64 [M].
        """
        numbers = np.repeat(np.arange(len(self.names)), _VARIATIONS)
        seeds = np.resize(np.arange(_VARIATIONS, dtype=np.int64), len(numbers))
        return np.stack(self._sketches)[numbers], self._labels[numbers], seeds

    def sheet(self, draw: Draw) -> Image.Image:
        """`sheet_of` what a drawer draws."""
        photos = draw(*map(tf.constant, self.requests()))
        return self.sheet_of(preprocessing.photo_pixels(photos, self._statistics).numpy())

    def sheet_of(self, photos: np.ndarray) -> Image.Image:
        """Of every drawing the lines and its pictures, pixels, uint8
        [M, S, S, 3], as they were asked for.
        """
        of_drawings = photos.reshape(len(self.names), _VARIATIONS, *photos.shape[1:])
        sketches = tf.constant(np.stack(self._sketches))
        lines = preprocessing.paper_pixels(sketches, self._statistics).numpy()
        return picture_grid.picture_grid([lines, *of_drawings.swapaxes(0, 1)], list(self.names))


def _sketch(page: Image.Image, statistics: Statistics, image_size: int) -> np.ndarray:
    """As the networks see it: normalised, float32 [S, S, 1]."""
    ink = preprocessing.sketch_intensities(tf.constant(np.asarray(page)[..., np.newaxis]))
    small = preprocessing.resize(ink, image_size)
    return preprocessing.normalize_sketch_on_host(small, statistics).numpy()


def drawn(path: str, fill: float | None = None) -> Image.Image:
    """A page with an SVG path on it, black on white, mode L, 256x256.

    Args:
      path: its d.
      fill: brings it to the middle, its longer side to this share of the page's; None: as it is.
    """
    pen = RecordingPen()
    parse_path(path, pen)
    lines = _lines(pen.value)
    if fill is not None:
        lines = _fitted(lines, fill)
    side = _PAGE * _SHARPNESS
    image = Image.new("L", (side, side), "white")
    draw = ImageDraw.Draw(image)
    for line in lines:
        scaled = [(x * _SHARPNESS, y * _SHARPNESS) for x, y in line]
        draw.line(scaled, fill="black", width=_PEN * _SHARPNESS, joint="curve")
    return image.reduce(_SHARPNESS)


def _fitted(lines: list[np.ndarray], fill: float) -> list[np.ndarray]:
    points = np.concatenate(lines)
    low, high = points.min(0), points.max(0)
    # What is as large as this is the drawing with its pencil's width.
    scale = (fill * _PAGE - _PEN) / max(high - low)
    return [(line - (low + high) / 2) * scale + _PAGE / 2 for line in lines]


def _lines(segments: list) -> list[np.ndarray]:
    """A path's lines as points, float [N, 2], its curves cut into short pieces."""
    lines: list[list] = []
    for kind, points in segments:
        if kind == "moveTo":
            lines.append([points[0]])
        elif kind == "lineTo":
            lines[-1].append(points[0])
        elif kind == "curveTo":
            ends = np.array([lines[-1][-1], *points])
            t = np.linspace(0, 1, _POINTS)[1:, np.newaxis]
            weights = np.concatenate(
                [(1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t**2 * (1 - t), t**3], 1
            )
            lines[-1].extend(map(tuple, weights @ ends))
        elif kind == "closePath":
            lines[-1].append(lines[-1][0])
    return [np.array(line, float) for line in lines]
