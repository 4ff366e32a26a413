"""Draws the miniature's sketches like a hurried person. Lines are points (x, y), pixels, [N, 2]."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

_PEN = 2.4  # pixels, as in the release
_SUPERSAMPLING = 2


def sketch(lines: list[np.ndarray], rng: np.random.Generator, size: int) -> list[np.ndarray]:
    """The lines as drawn from memory: wobbly, with open ends, a little off in place and size."""
    points = np.concatenate(lines)
    centre = (points.min(0) + points.max(0)) / 2
    scale = rng.normal(1, 0.025, 2)
    offset = rng.normal(0, 0.008, 2) * size
    return [_wobbly((line - centre) * scale + centre + offset, rng, size) for line in lines]


def squiggle(rng: np.random.Generator, size: int) -> list[np.ndarray]:
    """A scribble that shows nothing."""
    heading = np.cumsum(rng.normal(0, 0.7, 60))
    points = np.cumsum(np.stack([np.cos(heading), np.sin(heading)], -1), 0)
    points -= (points.min(0) + points.max(0)) / 2
    return [even(size * (0.5 + rng.uniform(0.15, 0.35) * points / np.abs(points).max()), 120)]


def ripples(rng: np.random.Generator, low: np.ndarray, high: np.ndarray) -> list[np.ndarray]:
    """Some waves below an object's box, from `low` to `high`; they do not belong to the object."""
    across = np.linspace(low[0], high[0], 40)
    return [
        np.stack([across, high[1] + 4 * row + 2 * np.sin(across / 5 + rng.uniform(0, 6))], -1)
        for row in range(1, 3)
    ]


def draw(lines: list[np.ndarray], size: int) -> Image.Image:
    """The lines in black on white; RGB, as in the release."""
    image = Image.new("L", (size * _SUPERSAMPLING,) * 2, 255)
    pen = ImageDraw.Draw(image)
    for line in lines:
        points = [tuple(point) for point in line * _SUPERSAMPLING]
        pen.line(points, fill=0, width=round(_PEN * _SUPERSAMPLING), joint="curve")
    return image.resize((size, size), Image.Resampling.BOX).convert("RGB")


def even(line: np.ndarray, count: int) -> np.ndarray:
    """`count` points, evenly spaced along a line."""
    steps = np.linalg.norm(np.diff(line, axis=0), axis=1)
    along = np.concatenate([[0], np.cumsum(np.maximum(steps, 1e-6))])
    wanted = np.linspace(0, along[-1], count)
    return np.stack([np.interp(wanted, along, line[:, axis]) for axis in (0, 1)], -1)


def _wobbly(line: np.ndarray, rng: np.random.Generator, size: int) -> np.ndarray:
    length = np.linalg.norm(np.diff(line, axis=0), axis=1).sum()
    points = even(line, max(8, int(length / 3)))
    count = len(points)
    late, early = rng.integers(0, max(1, count // 40) + 1, 2)
    # A closed line, which is drawn a little beyond the point where it began
    if np.allclose(line[0], line[-1]) and rng.random() < 0.5:
        points, late, early = np.concatenate([points, points[1 : 2 + count // 25]]), 0, 0
    waves = even(rng.normal(0, 0.007 * size, [max(4, count // 9), 2]), len(points))
    return (points + waves)[late : len(points) - early]
