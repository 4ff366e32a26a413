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


def bent_page(kind: str, sag: float = 0, slant: float = 0) -> Image.Image:
    """The kite on lined, graph or dotted paper, whose rules are bent as a camera sees them.

    Args:
      kind: lined, graph or dotted.
      sag: how far the middle of a rule is below its ends, as a share of the page's width.
      slant: how much further away the right and upper edges are than the others, as a share.
    """
    rows, columns = np.mgrid[:HEIGHT, :WIDTH].astype(float)
    x, y = columns / WIDTH - 0.5, (rows - HEIGHT / 2) / WIDTH
    depth = 1 + slant * (x - y)
    across, down = WIDTH * x / depth, WIDTH * (y / depth - sag * np.cos(np.pi * x))
    # How far the nearest rule is, of those that are 24 pixels apart
    upright, level = (np.abs((place + 12) % 24 - 12) for place in (across, down))
    distance = {
        "lined": level,
        "graph": np.minimum(level, upright),
        "dotted": np.hypot(level, upright) - 1,
    }[kind]
    page = 245 - 65 * np.clip(1.2 - distance, 0, 1)
    page[np.asarray(kite()) < 128] = 30
    return Image.fromarray(np.round(page).astype(np.uint8))


def even_drawings() -> dict[str, Image.Image]:
    """Drawings of 256 pixels of what is as even as paper's rules and dots."""
    places = range(16, 256, 28)
    fence = [((x, 70), (x, 230)) for x in places] + [((8, y), (248, y)) for y in (100, 200)]
    rungs = [((60, y), (196, y)) for y in places]
    bars = [((16, y), (240, y)) for y in places]
    columns = [((x, 16), (x, 240)) for x in places]
    lines = {
        "ladder": [*rungs, ((60, 4), (60, 252)), ((196, 4), (196, 252))],
        "fence": fence,
        "window": [*bars, columns[0], columns[4], columns[-1]],
        "chessboard": [*bars, *columns],
    }
    drawings = {name: _drawn_lines(each) for name, each in lines.items()}
    cat = drawings["fence"].copy()
    ImageDraw.Draw(cat).ellipse((100, 10, 150, 60), outline=0, width=3)
    dots = Image.new("L", (256, 256), 255)
    for x in places:
        for y in places:
            ImageDraw.Draw(dots).ellipse((x - 2, y - 2, x + 2, y + 2), fill=0)
    return {**drawings, "fence with a cat": cat, "dots": dots}


def _drawn_lines(lines: list[tuple[tuple[int, int], tuple[int, int]]]) -> Image.Image:
    drawing = Image.new("L", (256, 256), 255)
    for line in lines:
        ImageDraw.Draw(drawing).line(line, fill=0, width=3)
    return drawing
