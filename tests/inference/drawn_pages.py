"""The drawing of a kite that the tests put on all sorts of pages."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

WIDTH, HEIGHT = 600, 400
LEFT, TOP, RIGHT, BOTTOM = 180, 80, 339, 329  # corners of the drawing, the last pixels included


def kite(ink=0, paper=255, mode: str = "L", pen: int = 7) -> Image.Image:
    """A kite, its cross and a mark on one side, so that no turning or mirroring gives the same."""
    picture = Image.new(mode, (WIDTH, HEIGHT), paper)
    draw = ImageDraw.Draw(picture)
    half = pen // 2
    left, top, right, bottom = LEFT + half, TOP + half, RIGHT - half, BOTTOM - half
    middle = (left + right) // 2
    for line in (
        [(left, top), (right, top), (right, bottom), (left, bottom), (left, top)],
        [(middle, top), (middle, bottom)],
        [(left, 150), (right, 150)],
    ):
        draw.line(line, fill=ink, width=pen, joint="curve")
    draw.rectangle((LEFT, TOP, LEFT + pen - 1, TOP + pen - 1), fill=ink)
    draw.rectangle((RIGHT - pen + 1, BOTTOM - pen + 1, RIGHT, BOTTOM), fill=ink)
    draw.rectangle((LEFT, BOTTOM - pen + 1, LEFT + pen - 1, BOTTOM), fill=ink)
    draw.rectangle((RIGHT - pen + 1, TOP, RIGHT, TOP + pen - 1), fill=ink)
    draw.ellipse((290, 260, 310, 280), fill=ink)
    return picture


def photographed(page: Image.Image, noise: float = 0.03) -> np.ndarray:
    """A page of that brightness in a lamp's light from the left, a soft shadow
    over a corner, with a camera's noise.
    """
    rows, columns = np.mgrid[: page.height, : page.width]
    light = 0.85 - 0.4 * columns / page.width - 0.1 * (rows / page.height) ** 2
    shadow = Image.fromarray(np.where(rows + columns < 280, 165, 255).astype(np.uint8))
    shade = np.asarray(shadow.filter(ImageFilter.GaussianBlur(10)), np.float64) / 255
    drawn = 0.35 + 0.65 * np.asarray(page, np.float64) / 255  # a pencil is not black
    noisy = drawn * light * shade + np.random.default_rng(0).normal(0, noise, rows.shape)
    return np.clip(noisy, 0, 1).astype(np.float32)
