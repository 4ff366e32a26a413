"""What the miniature's things are made of: pieces with an outline and a texture.

A thing has coordinates of its own, its frame: it fills about -1 to 1, and y points down. The scene
turns, scales and places it.
"""

from __future__ import annotations

import dataclasses
from typing import Callable

import numpy as np

from datasets.miniature import painting

Colour = tuple[float, float, float]
Random = np.random.Generator
Texture = Callable[[Random, np.ndarray, np.ndarray, np.ndarray], np.ndarray]
"""Colours, [H, W, 3], for places x and y in the thing's frame, [H, W], and normals, [H, W, 3]."""


@dataclasses.dataclass(frozen=True)
class Body:
    """A piece of a thing. Its outline, [N, 2], is closed; with a `width` it is a line."""

    outline: np.ndarray
    texture: Texture
    roundness: float = 1.0
    gloss: float = 0.2
    width: float = 0.0
    lathe: bool = False
    """Whether it is round like a thing from a lathe, or else like a balloon of this outline."""
    bumps: float = 0.0
    """How rough it is."""
    sketched: bool = True
    """Whether people draw it in sketches."""


@dataclasses.dataclass(frozen=True)
class Thing:
    """Its pieces, from back to front."""

    bodies: list[Body]
    details: list[np.ndarray] = dataclasses.field(default_factory=list)
    """Lines that only some people draw, each [N, 2]."""


# Outlines.


def ellipse(
    x: float, y: float, across: float, down: float, start: float = 0.0, end: float = 1.0
) -> np.ndarray:
    """An ellipse or an arc of it, between two shares of a turn, clockwise from the right."""
    angle = 2 * np.pi * np.linspace(start, end, 40)
    return np.stack([x + across * np.cos(angle), y + down * np.sin(angle)], -1)


def curve(*points: tuple[float, float], closed: bool = True) -> np.ndarray:
    """A smooth line through the points (a Catmull-Rom spline)."""
    p = np.array(points, float)
    around = np.concatenate([p[-1:], p, p[:2]]) if closed else np.concatenate([p[:1], p, p[-1:]])
    share = np.linspace(0, 1, 10, endpoint=False)[:, None]
    pieces = []
    for a, b, c, d in zip(around, around[1:], around[2:], around[3:]):
        slope, bend, twist = c - a, 2 * a - 5 * b + 4 * c - d, 3 * b - a - 3 * c + d
        pieces.append(0.5 * (2 * b + slope * share + bend * share**2 + twist * share**3))
    return np.concatenate([*pieces, p[:1] if closed else p[-1:]])


def tube(line: np.ndarray, width: float) -> np.ndarray:
    """The outline of a tube that is bent along a line."""
    along = np.gradient(line, axis=0)
    across = (
        0.5
        * width
        * np.stack([-along[:, 1], along[:, 0]], -1)
        / np.linalg.norm(along, axis=1, keepdims=True)
    )
    return np.concatenate([line + across, (line - across)[::-1], line[:1] + across[:1]])


def polygon(*points: tuple[float, float]) -> np.ndarray:
    """Straight lines from point to point and back to the first."""
    return np.array([*points, points[0]], float)


# Textures.


def plain(*colour: float, uneven: float = 0.12) -> Texture:
    """One colour, a little uneven like a real surface."""

    def texture(rng: Random, x: np.ndarray, y: np.ndarray, normal: np.ndarray) -> np.ndarray:
        return (
            np.array(colour, np.float32)
            * (1 + uneven * painting.noise(rng, x.shape, (4, 4)))[..., None]
        )

    return texture


def gores(
    colours: list[Colour], number: int, half_width: Callable[[np.ndarray], np.ndarray]
) -> Texture:
    """Panels from pole to pole of a round body; `half_width` gives its half width at a height y."""

    def texture(rng: Random, x: np.ndarray, y: np.ndarray, normal: np.ndarray) -> np.ndarray:
        share = np.arcsin(np.clip(x / np.maximum(half_width(y), 1e-3), -0.999, 0.999)) / np.pi + 0.5
        panel = (share * number).astype(int)
        seam = 0.85 + 0.15 * painting.smoothstep(
            0, 0.12, 0.5 - np.abs(share * number - panel - 0.5)
        )
        return np.array(colours, np.float32)[panel % len(colours)] * seam[..., None]

    return texture


def mixed(base: np.ndarray, colour: Colour, share: np.ndarray) -> np.ndarray:
    """The colours `base` with `colour` laid over them; `share` is clipped to [0, 1]."""
    return painting.over(base, np.array(colour, np.float32), np.clip(share, 0, 1))


def speckles(rng: Random, shape: tuple[int, int], cells: int, share: float) -> np.ndarray:
    """A mask of irregular specks that cover about this share of the surface."""
    return painting.smoothstep(
        0.5 - share, 0.62 - share, painting.noise(rng, shape, (cells, cells), 1)
    )


def lattice(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """The distance to the nearest point of staggered rows that are 1 apart; at most about 0.7."""
    row = np.floor(v)
    column = u - 0.5 * (row % 2)
    return np.hypot(column - np.floor(column) - 0.5, v - row - 0.5)


def wart(x: np.ndarray, y: np.ndarray, narrowed: float, uneven: float) -> np.ndarray:
    """The distance from the origin, made uneven; `narrowed` is the width as seen at a slant."""
    return np.hypot(x / narrowed, y) + uneven * np.sin(3 * np.arctan2(y, x) + 40 * narrowed)


def longitude(normal: np.ndarray) -> np.ndarray:
    """The angle of a surface about the upright axis, in radians; 0 where it faces the viewer."""
    return np.arctan2(normal[..., 0], np.maximum(normal[..., 2], 1e-3))
