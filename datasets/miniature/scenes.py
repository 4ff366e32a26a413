"""The scenes of the miniature: a thing of each class in its surroundings and in their light.

Colours, surroundings, pose and growth vary a little within a class, as in photographs of one kind
of thing.
"""

from __future__ import annotations

import dataclasses
from typing import Callable

import numpy as np

from datasets.miniature import backdrops, bodies, painting, plants, strokes, things

Random = np.random.Generator
Shadow = Callable[[np.ndarray, np.ndarray, float], np.ndarray]
"""Adds to a picture, [S, S, 3], the shadow of a thing of this mask, [S, S], and lowest row."""

_EDGE_PX = 6  # things keep this far from the picture's edges
_STEP_PX = 2  # between neighbouring points of a line
# Of lines that are partly hidden: a shorter gap is drawn across, a shorter piece is left out
_GAP_PX, _SHORTEST_PX = 8, 14


@dataclasses.dataclass(frozen=True)
class Scene:
    """A photo, float [S, S, 3] in [0, 1], and lines that people draw: pixels (x, y), [N, 2]."""

    photo: np.ndarray
    lines: list[np.ndarray]
    details: list[np.ndarray]
    """Lines that only some people draw."""

    @property
    def box(self) -> tuple[np.ndarray, np.ndarray]:
        """The object's upper left and lower right corner, (x, y) in pixels."""
        points = np.concatenate(self.lines)
        return points.min(0), points.max(0)


@dataclasses.dataclass(frozen=True)
class Kind:
    """What the photos of one class show."""

    thing: Callable[[Random], bodies.Thing]
    backdrop: backdrops.Backdrop
    shadow: Shadow
    turn: float = 0.08
    """Standard deviation of the thing's angle, in radians."""
    growth: float = 0.05
    """How far the thing is bent from its usual shape."""


@dataclasses.dataclass(frozen=True)
class _Pose:
    """Maps a thing's frame to the picture's pixels and back."""

    matrix: np.ndarray
    centre: np.ndarray
    growth: float
    phase: np.ndarray

    def place(self, points: np.ndarray) -> np.ndarray:
        return (
            points + self.growth * np.sin(1.8 * points[..., ::-1] + self.phase)
        ) @ self.matrix + self.centre

    def frame(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        points = (np.stack([x, y], -1) - self.centre) @ np.linalg.inv(self.matrix)
        # The inverse of `place`, to first order
        points = points - self.growth * np.sin(1.8 * points[..., ::-1] + self.phase)
        return points[..., 0], points[..., 1]


def paint(name: str, rng: Random, size: int) -> Scene:
    """A new photo of a class, `size` pixels wide and high, with its lines."""
    kind = SCENES[name]
    picture = kind.backdrop(rng, size)
    around = picture[: size // 2].mean((0, 1)), picture[size // 2 :].mean((0, 1))
    thing = kind.thing(rng)
    pose = _posed(rng, kind, thing, size)
    outlines = [pose.place(body.outline) for body in thing.bodies]
    masks = [_mask(body, outline, pose, size) for body, outline in zip(thing.bodies, outlines)]
    picture = kind.shadow(
        picture, np.max(masks, axis=0), np.concatenate(outlines)[:, 1].max()
    ).astype(np.float32)
    painted = np.zeros([size, size], np.float32)
    for body, inside in zip(thing.bodies, masks):
        part = _part(inside, size // 20)
        x, y = pose.frame(
            *np.meshgrid(
                *(np.arange(side.start, side.stop, dtype=np.float32) for side in part[::-1])
            )
        )
        behind = painting.shade(picture[part], 0.5 * painted[part] * _near(inside[part], size))
        picture[part] = _with_body(behind, body, inside[part], x, y, rng, around)
        painted = np.maximum(painted, inside)
    lines = [
        visible(outline, masks[i + 1 :])
        for i, outline in enumerate(outlines)
        if thing.bodies[i].sketched
    ]
    details = [visible(pose.place(line), []) for line in thing.details]
    return Scene(_developed(picture, rng), sum(lines, []), sum(details, []))


def _posed(rng: Random, kind: Kind, thing: bodies.Thing, size: int) -> _Pose:
    """A random pose in which the whole thing is in the picture."""
    angle = rng.normal(0, kind.turn)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    stretch = np.diag([rng.choice([-1, 1]) * rng.uniform(0.9, 1.1), 1.0])
    matrix = stretch @ turn * size * rng.uniform(0.29, 0.38)
    pose = _Pose(matrix, np.zeros(2), kind.growth, rng.uniform(0, 2 * np.pi, 2))
    points = pose.place(np.concatenate([body.outline for body in thing.bodies]))
    low, high = _EDGE_PX - points.min(0), size - _EDGE_PX - points.max(0)
    centre = size * (np.array([0.5, 0.53]) + rng.normal(0, 0.04, 2))
    return dataclasses.replace(
        pose, centre=np.clip(centre, np.minimum(low, high), np.maximum(low, high))
    )


def _mask(body: bodies.Body, outline: np.ndarray, pose: _Pose, size: int) -> np.ndarray:
    if not body.width:
        return painting.mask(outline, size)
    return painting.line(outline, body.width * np.sqrt(abs(np.linalg.det(pose.matrix))), size)


def _part(inside: np.ndarray, margin: int) -> tuple[slice, slice]:
    """The part of the picture that a mask takes with a margin around it."""
    spans = [np.nonzero(inside.any(axis))[0][[0, -1]] for axis in (1, 0)]
    rows, columns = (
        slice(max(0, low - margin), min(len(inside), high + 1 + margin)) for low, high in spans
    )
    return rows, columns


def _near(inside: np.ndarray, size: int) -> np.ndarray:
    """How much light a body keeps from what is close behind it."""
    return np.roll(painting.blur(inside, 0.012 * size), (size // 100, size // 100), (0, 1))


def _with_body(
    behind: np.ndarray,
    body: bodies.Body,
    inside: np.ndarray,
    x: np.ndarray,
    y: np.ndarray,
    rng: Random,
    around: tuple,
) -> np.ndarray:
    """A part of the picture with a body laid over it; `x`, `y`: places in the thing's frame."""
    normal = painting.turned(inside) if body.lathe else painting.inflated(inside, body.roundness)
    colours = body.texture(rng, x, y, normal)
    if body.bumps:
        normal = painting.bumpy(normal, painting.noise(rng, x.shape, (24, 24), 2), body.bumps)
    return painting.over(behind, painting.lit(colours, normal, body.gloss, *around), inside)


def _developed(picture: np.ndarray, rng: Random) -> np.ndarray:
    """What a camera adds: dark corners, a little blur, and grain."""
    size = len(picture)
    side = np.linspace(-1, 1, size, dtype=np.float32) ** 2
    vignette = 1.02 - 0.1 * (side[:, None] + side)
    balance = 1 + rng.normal(0, 0.015, 3).astype(np.float32)
    grain = 0.009 * rng.standard_normal([size, size, 1], np.float32)
    return np.clip(painting.blur(picture * vignette[..., None] * balance, 0.6) + grain, 0, 1)


# Shadows.


def _on_the_ground(picture: np.ndarray, inside: np.ndarray, base: float) -> np.ndarray:
    return painting.shade(picture, painting.cast_shadow(inside, base))


def _lying(picture: np.ndarray, inside: np.ndarray, base: float) -> np.ndarray:
    size = len(inside)
    moved = np.roll(inside, (round(0.022 * size), round(0.018 * size)), (0, 1))
    return painting.shade(picture, 0.6 * painting.blur(moved, 0.014 * size))


def _afloat(picture: np.ndarray, inside: np.ndarray, base: float) -> np.ndarray:
    """A dark reflection of the thing in the water below it."""
    size, line = len(inside), int(base) - 4
    mirrored = np.zeros_like(inside)
    depth = np.minimum((np.arange(size - line) * 1.6).astype(int), line)
    mirrored[line:] = inside[line - depth]
    ripples = np.round(3 * np.sin(np.arange(size) * 0.9)).astype(int)
    mirrored = np.stack([np.roll(row, shift) for row, shift in zip(mirrored, ripples)])
    return painting.shade(picture, 0.5 * painting.blur(mirrored, 0.008 * size))


def _in_mid_air(picture: np.ndarray, inside: np.ndarray, base: float) -> np.ndarray:
    return picture


# Lines.


def visible(line: np.ndarray, covers: list[np.ndarray]) -> list[np.ndarray]:
    """The pieces of a line that no mask of `covers` hides, with points `_STEP_PX` apart."""
    length = np.linalg.norm(np.diff(line, axis=0), axis=1).sum()
    points = strokes.even(line, max(3, int(length / _STEP_PX)))
    if not covers:
        return [points]
    hidden = _covered(points, covers)
    if hidden.any() and np.allclose(line[0], line[-1]):  # closed: begin at a hidden point
        points, hidden = (np.roll(each, -np.argmax(hidden), 0) for each in (points, hidden))
    seen = np.nonzero(~hidden)[0]
    pieces = np.split(seen, np.nonzero(np.diff(seen) * _STEP_PX > _GAP_PX)[0] + 1)
    return [
        points[piece[0] : piece[-1] + 1]
        for piece in pieces
        if _STEP_PX * len(piece) > min(_SHORTEST_PX, length)
    ]


def _covered(points: np.ndarray, covers: list[np.ndarray]) -> np.ndarray:
    x, y = points.round().astype(int).clip(0, len(covers[0]) - 1).T
    return np.max([cover[y, x] for cover in covers], axis=0) > 0.5


_PINE = (0.72, 0.54, 0.35)
_OAK = (0.46, 0.29, 0.17)
_SLATE = (0.34, 0.35, 0.39)
_LIMED = (0.78, 0.75, 0.7)

SCENES: dict[str, Kind] = {
    "apple": Kind(plants.apple, backdrops.table(_PINE, (0.72, 0.77, 0.72)), _on_the_ground),
    "banana": Kind(
        plants.banana, backdrops.table(_SLATE, (0.6, 0.66, 0.74)), _on_the_ground, turn=0.12
    ),
    "cup": Kind(
        things.cup,
        backdrops.table(_OAK, (0.56, 0.46, 0.38)),
        _on_the_ground,
        turn=0.02,
        growth=0.02,
    ),
    "fish": Kind(things.fish, backdrops.under_water, _in_mid_air, turn=0.2),
    "hot-air_balloon": Kind(things.hot_air_balloon, backdrops.sky, _in_mid_air, growth=0.03),
    "mushroom": Kind(plants.mushroom, backdrops.forest, _on_the_ground),
    "pear": Kind(plants.pear, backdrops.table(_OAK, (0.8, 0.76, 0.64)), _on_the_ground),
    "sailboat": Kind(things.sailboat, backdrops.sea, _afloat, turn=0.06, growth=0.03),
    "starfish": Kind(things.starfish, backdrops.sand, _lying, growth=0.1),
    "strawberry": Kind(
        plants.strawberry, backdrops.table(_LIMED, (0.66, 0.7, 0.68)), _on_the_ground, turn=0.2
    ),
    "tree": Kind(plants.tree, backdrops.meadow, _on_the_ground, turn=0.03),
    "umbrella": Kind(things.umbrella, backdrops.beach, _on_the_ground, turn=0.15, growth=0.02),
}
"""The miniature's classes and what their photos show."""
