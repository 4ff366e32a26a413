"""The lines of a drawing, found on whatever it was drawn on.

Axes: H height, W width, of the page. Ranges: a page's brightness and ink are float32 [H, W] in [0, 1]; ink 0 is paper.
"""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageFilter, ImageOps

from sketch2img_tf.config import DataConfig

POLARITIES = ("auto", "black_on_white", "white_on_black")
SIZE = 256  # pixels, as the release's sketches

# The longer side of the drawing, as a share of the canvas, in the sketches that the model was trained on.
_FILL = {
    "tx_000000000000": 0.66,  # where it was drawn: the median of the release's sketches
    "tx_000100000000": 0.78,  # by the release's own description
}
_FILL_OF_BOX = 1 / 1.2  # the other renderings: the object's bounding box with 10% more at each edge
_FILL_OF_PHOTO = 0.89  # edge maps, of whole photos: the median of Sketchy's

_BORDER = 0.02  # width of the border that tells what the page is like, as a share of the shorter side
_EVEN = 8 / 255  # brightness by which an evenly lit border may differ from its median
_DARKEST_PAPER = 0.1  # brightness
_SHADOW = 0.4  # of the brightness of the lit paper: what is darker is no paper
_MOSTLY = 0.35  # share of the page: lines cover less, in the release 0.22 at most
_NOISE = 3.0  # standard deviations, nearly
_FAINTEST = 0.08  # contrast of a line, beyond the noise
_FEWEST = 1e-4  # of the page: as few dark pixels are dust
_SMALLEST = 0.03  # of the page: a drawing smaller than this is a speck
_THINNEST = 2.0  # pixels in a canvas of 256; the release's lines are 3 wide


def training_fill(data: DataConfig) -> float:
    """The share of the canvas that the longer side of a drawing has in these training pictures."""
    return _FILL_OF_PHOTO if data.dataset == "edge_maps" else _FILL.get(data.sketch_variant, _FILL_OF_BOX)


def extract(page: np.ndarray, polarity: str = "auto", fill: float | None = None) -> tuple[np.ndarray, list[str]]:
    """Black lines on a white square, uint8 [256, 256], from a page's brightness, and notes of what was done.

    Args:
      page: brightness.
      polarity: one of `POLARITIES`; `auto` looks at the page's border.
      fill: crop to the drawing so that its longer side is this share of the square's; None: keep the whole page.

    Raises:
      ValueError: the page is blank.
    """
    notes = []
    upright = _black_on_white(page, polarity, notes)
    ink = _ink(_contrast(upright, notes))
    low, high = _drawing_box(ink)
    if fill is None:
        low, high, fill = np.zeros(2), np.array(ink.shape), 1.0
    else:
        notes.append(f"cropped to the drawing, {_dimensions(high - low)} of {_dimensions(ink.shape)} pixels")
    canvas = _square(ink, low, high, fill, notes)
    if canvas.mean() > _MOSTLY:
        notes.append(f"{canvas.mean():.0%} of it is ink: is it a line drawing?")
    return np.round(255 - 255 * canvas).astype(np.uint8), notes


def _black_on_white(page: np.ndarray, polarity: str, notes: list[str]) -> np.ndarray:
    if polarity == "black_on_white":
        return page
    middle = (page.min() + page.max()) / 2
    dark_border = np.median(_border(page)) < middle and np.ptp(page) >= _FAINTEST
    if polarity == "auto" and not dark_border:
        notes.append("black on white")
        return page
    if polarity == "auto" and np.mean(page > middle) > _MOSTLY:
        notes.append("black on white, though its border is dark")
        return page
    notes.append("white on black, turned to black on white")
    return 1 - page


def _border(page: np.ndarray) -> np.ndarray:
    """The brightness of the outermost pixels, [N]."""
    width = max(1, round(_BORDER * min(page.shape)))
    inside = np.zeros(page.shape, bool)
    inside[width:-width, width:-width] = True
    return page[~inside]


def _contrast(page: np.ndarray, notes: list[str]) -> np.ndarray:
    """How much darker than the paper around it every pixel is, as a share: up to 0 is paper, 1 is black."""
    border = _border(page)
    tone = np.median(border)
    even = np.mean(np.abs(border - tone) < _EVEN) > 0.8 and tone >= np.quantile(page, 1 - _MOSTLY) - _EVEN
    if even:
        contrast = 1 - page / max(tone, _DARKEST_PAPER)
        return contrast - _noise(contrast)
    notes.append("uneven light evened out")
    return _local_contrast(page)


def _local_contrast(page: np.ndarray) -> np.ndarray:
    """The contrast to the page without its lines, which is a morphological closing, wider than any line.

    What is much darker than the rest of the page is no paper but the table: nothing is drawn on it, nor on the edge
    of the paper or of the picture.
    """
    small = Image.fromarray(np.round(255 * page).astype(np.uint8))
    small.thumbnail((128, 128), Image.Resampling.BOX)
    closed = small.filter(ImageFilter.MaxFilter(7)).filter(ImageFilter.MinFilter(7))
    darkest = max(_SHADOW * np.percentile(closed, 90), 255 * _DARKEST_PAPER)
    on_paper = closed.point(lambda level: 255 * (level >= darkest))
    on_paper = ImageOps.expand(ImageOps.crop(on_paper, 1), 1).filter(ImageFilter.MinFilter(7))
    smooth = closed.filter(ImageFilter.GaussianBlur(1)).resize(page.shape[::-1], Image.Resampling.BICUBIC)
    contrast = 1 - 255 * page / np.maximum(smooth, darkest)
    inside = np.asarray(on_paper.resize(page.shape[::-1])) > 127
    return np.where(inside, contrast - _noise(contrast[inside]), 0)


def _noise(contrast: np.ndarray) -> float:
    """The contrast that paper has with itself, from the brightest pixels, which are paper even in a filled drawing."""
    if not contrast.size:
        return 0.0
    bright, typical = np.quantile(contrast, [0.1, 0.4])
    return typical + _NOISE * (typical - bright)  # of a bell curve, 1.03 standard deviations lie between the two


def _ink(contrast: np.ndarray) -> np.ndarray:
    """A soft threshold: 0 is paper, 1 what has the tone of the lines or is darker."""
    strong = contrast[contrast > max(_otsu(np.clip(contrast, 0, 1)), _FAINTEST)]
    if strong.size < _FEWEST * contrast.size or not strong.size:
        raise ValueError("is blank: no line stands out from the page")
    return np.clip(contrast / np.median(strong), 0, 1)


def _otsu(values: np.ndarray) -> float:
    """The threshold that parts values in [0, 1] into two classes with the greatest variance between them.

    N. Otsu, "A threshold selection method from gray-level histograms", 1979, equation (18).
    """
    counts, edges = np.histogram(values, 256, (0, 1))
    below = np.cumsum(counts) / values.size
    moment = np.cumsum(counts * (edges[:-1] + edges[1:]) / 2) / values.size
    between = (moment[-1] * below - moment) ** 2 / np.maximum(below * (1 - below), 1e-9)
    return edges[1 + np.argmax(between)]


def _drawing_box(ink: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The corners of the drawing, (row, column) each; single specks are left out."""
    block = max(1, round(max(ink.shape) / SIZE))
    rows, columns = (-(-side // block) for side in ink.shape)
    padded = np.pad(ink, [(0, rows * block - ink.shape[0]), (0, columns * block - ink.shape[1])])
    drawn = padded.reshape(rows, block, columns, block).mean((1, 3)) > 0.12
    places = np.argwhere(drawn)
    if not len(places) or (np.ptp(places, 0).max() + 1) * block < _SMALLEST * max(ink.shape):
        raise ValueError("is blank: there is no more than a speck on it")
    low, high = places.min(0) * block, (places.max(0) + 1) * block
    inked = np.argwhere(ink[low[0] : high[0], low[1] : high[1]] > 0.5)
    return low + inked.min(0), low + inked.max(0) + 1


def _square(ink: np.ndarray, low: np.ndarray, high: np.ndarray, fill: float, notes: list[str]) -> np.ndarray:
    """The part from `low` to `high`, with what is around it, in a square of 256 pixels of which it fills `fill`."""
    side = round(max(high - low) / fill)
    top, left = np.round((low + high - side) / 2).astype(int)
    picture = Image.fromarray(np.round(255 * ink).astype(np.uint8)).crop((left, top, left + side, top + side))
    canvas = picture.resize((SIZE, SIZE), Image.Resampling.BICUBIC)
    if _line_width(ink) * SIZE / side < _THINNEST:
        notes.append("thin lines made thicker")
        return _thicker(canvas)
    return np.asarray(canvas, np.float32) / 255


def _thicker(canvas: Image.Image) -> np.ndarray:
    """Lines wider by a pixel on either side, and as dark as lines are, though the resizing made them pale."""
    levels = np.asarray(canvas.filter(ImageFilter.MaxFilter(3)), np.float32)
    return np.clip(levels / np.median(levels[levels > levels.max() / 2]), 0, 1)


def _line_width(ink: np.ndarray) -> float:
    """The mean width of the lines in pixels: their area over their length, which is half that of their edges."""
    inked = ink > 0.5
    edges = np.count_nonzero(np.diff(inked, axis=0)) + np.count_nonzero(np.diff(inked, axis=1))
    return 2 * np.count_nonzero(inked) * 4 / np.pi / max(edges, 1)  # 4 / pi: edges are met at any angle


def _dimensions(shape: tuple[int, int]) -> str:
    return "{1}x{0}".format(*shape)
