"""Finds the lines of a drawing on whatever it was drawn.

Axes: H height, W width, of the page. Ranges: a page's brightness and ink are float32 [H, W] in [0,
1]; ink 0 is paper.
"""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageFilter

from sketch2img_tf.inference import connected_parts, dotted_paper, paper, ruled_paper

SIZE = 256  # pixels, as in the release's sketches

_FEWEST = 1e-4  # of the page: fewer dark pixels are dust
_SMALLEST = 0.03  # of the page: a smaller drawing is a speck
# Of the page: a larger part is not a speck beside a drawing; a punched hole has 0.02 to 0.04
_SPECK = 0.045
_DUST = 1 / 3  # of a line's width: no pen makes a smaller mark, but a JPEG file does beside lines
_GAP = 0.04  # of the page: nearer parts belong together
_THINNEST = 2.0  # pixels on a canvas of 256; the release's lines are 3 wide


def extract(
    page: np.ndarray, polarity: str = "auto", fill: float | None = None
) -> tuple[np.ndarray, list[str]]:
    """Black lines on a white square, uint8 [256, 256], from a page; and notes of what was done.

    Args:
      page: its brightness, [H, W], or its colour, [H, W, 3].
      polarity: one of `data.names.POLARITIES`; `auto` decides by the lines, or else by the
        page's border.
      fill: crop to the drawing, so that its longer side is this share of the square's, and remove
        specks beside it; None: keep the whole page.

    Raises:
      ValueError: the page is blank.
    """
    notes = []
    contrast = ruled_paper.without_rules(paper.contrast(page, polarity, notes), notes)
    contrast = dotted_paper.without_dots(contrast, notes)
    ink = _ink(contrast)
    drawn = _drawn(ink)
    if fill is None:
        low, high, fill = np.zeros(2), np.array(ink.shape), 1.0
    else:
        place = _without_specks(drawn, notes)
        block = _block(ink)
        ink = ink * place.repeat(block, 0).repeat(block, 1)[: ink.shape[0], : ink.shape[1]]
        low, high = _drawing_box(ink, drawn & place)
        notes.append(
            f"cropped to the drawing, {_dimensions(high - low)} of {_dimensions(ink.shape)} pixels"
        )
    canvas = _square(ink, low, high, fill, notes)
    if canvas.mean() > paper.MOSTLY:
        notes.append(f"{canvas.mean():.0%} of it is ink: is it a line drawing?")
    return np.round(255 - 255 * canvas).astype(np.uint8), notes


def amount(page: np.ndarray, polarity: str = "auto") -> float:
    """The share of a page that is ink; 0 if it is blank or has too much for a line drawing."""
    try:
        pixels, _ = extract(page, polarity)
    except ValueError:
        return 0.0
    share = 1 - pixels.mean() / 255
    return float(share) if share <= paper.MOSTLY else 0.0


def _ink(contrast: np.ndarray) -> np.ndarray:
    """A soft threshold: 0 is paper, 1 has the tone of the lines or is darker."""
    strong = contrast[contrast > max(_otsu(np.clip(contrast, 0, 1)), paper.FAINTEST)]
    if strong.size < _FEWEST * contrast.size or not strong.size:
        raise ValueError("is blank: no line stands out from the page")
    return np.clip(contrast / np.median(strong), 0, 1)


def _otsu(values: np.ndarray) -> float:
    """The threshold that splits values in [0, 1] into two classes of the greatest variance between.

    N. Otsu, "A threshold selection method from gray-level histograms", 1979, equation (18).
    """
    counts, edges = np.histogram(values, 256, (0, 1))
    below = np.cumsum(counts) / values.size
    moment = np.cumsum(counts * (edges[:-1] + edges[1:]) / 2) / values.size
    between = (moment[-1] * below - moment) ** 2 / np.maximum(below * (1 - below), 1e-9)
    return edges[1 + np.argmax(between)]


def _drawn(ink: np.ndarray) -> np.ndarray:
    """Which blocks of the page have lines, bool; the longer side has about 256 blocks."""
    block = _block(ink)
    rows, columns = (-(-side // block) for side in ink.shape)
    padded = np.pad(ink, [(0, rows * block - ink.shape[0]), (0, columns * block - ink.shape[1])])
    drawn = padded.reshape(rows, block, columns, block).mean((1, 3)) > 0.12
    places = np.argwhere(drawn)
    if not len(places) or np.ptp(places, 0).max() + 1 < _SMALLEST * max(drawn.shape):
        raise ValueError("is blank: there is no more than a speck on it")
    return drawn


def _block(ink: np.ndarray) -> int:
    """Pixels of a block's side."""
    return max(1, round(max(ink.shape) / SIZE))


def _without_specks(drawn: np.ndarray, notes: list[str]) -> np.ndarray:
    """`drawn` without dust and punched holes: small parts that are far from the large ones.

    Small parts within the box of the large ones, such as eyes, belong to the drawing, and so do
    those near a large one, such as dashes. If all parts are small, all belong to it.
    """
    longer = max(drawn.shape)
    parts = connected_parts.parts(drawn)
    groups = connected_parts.parts(connected_parts.widened(drawn, max(1, round(_GAP * longer / 2))))
    is_large = (connected_parts.extents(parts) > _SPECK * longer)[parts]
    if not is_large.any():
        return np.ones_like(drawn)
    place = np.isin(groups, groups[is_large])
    places = np.argwhere(place & drawn)
    low, high = places.min(0), places.max(0) + 1
    place[low[0] : high[0], low[1] : high[1]] = True
    if specks := len(np.unique(parts[drawn & ~place])):
        notes.append(f"{specks} {'speck' if specks == 1 else 'specks'} beside the drawing left out")
    return place


def _drawing_box(ink: np.ndarray, drawn: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Two corners of the drawing's box, (row, column) each."""
    places = np.argwhere(drawn)
    low, high = places.min(0) * _block(ink), (places.max(0) + 1) * _block(ink)
    parts = connected_parts.parts(ink[low[0] : high[0], low[1] : high[1]] > 0.5)
    is_mark = connected_parts.extents(parts) >= max(_DUST * line_width(ink), 1)
    marks = np.argwhere(is_mark[parts])
    return low + marks.min(0), low + marks.max(0) + 1


def _square(
    ink: np.ndarray, low: np.ndarray, high: np.ndarray, fill: float, notes: list[str]
) -> np.ndarray:
    """The box from `low` to `high` and its surroundings, in a 256-pixel square; it fills `fill`."""
    side = round(max(high - low) / fill)
    top, left = np.round((low + high - side) / 2).astype(int)
    picture = Image.fromarray(np.round(255 * ink).astype(np.uint8)).crop(
        (left, top, left + side, top + side)
    )
    canvas = picture.resize((SIZE, SIZE), Image.Resampling.BICUBIC)
    if line_width(ink) * SIZE / side < _THINNEST:
        notes.append("thin lines made thicker")
        return _thicker(canvas)
    return np.asarray(canvas, np.float32) / 255


def _thicker(canvas: Image.Image) -> np.ndarray:
    """Lines that are a pixel wider on each side, and as dark as before the resizing."""
    levels = np.asarray(canvas.filter(ImageFilter.MaxFilter(3)), np.float32)
    return np.clip(levels / np.median(levels[levels > levels.max() / 2]), 0, 1)


def line_width(ink: np.ndarray) -> float:
    """The mean width of lines in pixels: area over length; their edges are twice as long."""
    inked = ink > 0.5
    edges = np.count_nonzero(np.diff(inked, axis=0)) + np.count_nonzero(np.diff(inked, axis=1))
    # 4 / pi: edges lie at any angle
    return 2 * np.count_nonzero(inked) * 4 / np.pi / max(edges, 1)


def _dimensions(shape: tuple[int, int]) -> str:
    return "{1}x{0}".format(*shape)
