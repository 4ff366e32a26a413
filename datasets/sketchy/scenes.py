"""The scenes of the miniature: what each of its classes looks like, and before what.

A scene is made of bodies. A body's outline is drawn in a frame of its own in which the object fills about [-1, 1], y
down; the object is then turned, scaled and placed in the picture. Colours and backgrounds vary a little within a class,
as they do in photographs of one kind of thing.
"""

from __future__ import annotations

import dataclasses
from typing import Callable

import numpy as np

from datasets.sketchy import painting

Colour = tuple[float, float, float]
Random = np.random.Generator


@dataclasses.dataclass(frozen=True)
class Body:
    """A piece of an object: its outline, [N, 2], closed or, with a `width`, a line."""

    outline: np.ndarray
    colour: Colour
    roundness: float = 1.0
    gloss: float = 0.25
    width: float = 0.0
    stripes: tuple[Colour, ...] = ()
    """Colours of vertical gores, from left to right, in place of `colour`."""
    spots: tuple[Colour, int] | None = None
    """Colour and number of spots."""
    sketched: bool = True
    """Whether people draw it."""


@dataclasses.dataclass(frozen=True)
class Scene:
    """A photo, float [S, S, 3] in [0, 1], and what people draw of it: lines of points (x, y) in pixels."""

    photo: np.ndarray
    lines: list[np.ndarray]

    @property
    def box(self) -> tuple[np.ndarray, np.ndarray]:
        """The object's upper left and lower right corner, (x, y) in pixels."""
        points = np.concatenate(self.lines)
        return points.min(0), points.max(0)


def paint(name: str, rng: Random, size: int) -> Scene:
    """A new photo of a class, `size` pixels wide and high."""
    backdrop, thing, shadow = SCENES[name]
    picture = backdrop(rng, size)
    bodies = thing(rng)
    place = _placement(rng, size, bodies)
    outlines = [place(body.outline) for body in bodies]
    scale = size * 0.004
    masks = [
        painting.line(line, body.width * size / 2 * 0.62, size) if body.width else painting.mask(line, size)
        for body, line in zip(bodies, outlines)
    ]
    if shadow:
        everything = np.max(masks, axis=0)
        picture = painting.shadow(picture, everything, (5 * scale, 7 * scale), 5 * scale, 0.45)
    for body, outline, inside in zip(bodies, outlines, masks):
        colours = _colours(body, outline, rng, size)
        picture = painting.shaded(picture, inside, colours, body.roundness, body.gloss)
    grain = rng.normal(0, 0.012, picture.shape)
    photo = np.clip(painting.blur(picture, 0.5) + grain, 0, 1)
    return Scene(photo, [line for body, line in zip(bodies, outlines) if body.sketched])


def _placement(rng: Random, size: int, bodies: list[Body]) -> Callable[[np.ndarray], np.ndarray]:
    """A map from the object's frame to pixels, the same for all of its bodies, that keeps it in the picture."""
    angle = rng.normal(0, 0.1)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    flip = np.array([rng.choice([-1, 1]), 1])
    stretch = np.array([rng.uniform(0.9, 1.1), 1.0])
    half = size * rng.uniform(0.27, 0.38)
    points = np.concatenate([body.outline for body in bodies]) * flip * stretch @ turn * half
    low, high = 6 - points.min(0), size - 6 - points.max(0)
    centre = np.clip(size / 2 + rng.normal(0, 0.05, 2) * size, np.minimum(low, high), np.maximum(low, high))
    return lambda outline: outline * flip * stretch @ turn * half + centre


def _colours(body: Body, outline: np.ndarray, rng: Random, size: int) -> np.ndarray:
    """The body's paint, [S, S, 3]: its colour or gores, uneven as real surfaces are, and its spots."""
    base = np.array(body.colour) * (1 + rng.normal(0, 0.04, 3))
    colours = np.broadcast_to(base, [size, size, 3]).astype(np.float32)
    low, high = outline.min(0), outline.max(0)
    if body.stripes:
        across = (np.arange(size) - low[0]) / (high[0] - low[0])
        gore = (np.arccos(np.clip(1 - 2 * across, -1, 1)) / np.pi * 6.999).astype(int) % len(body.stripes)
        colours = np.broadcast_to(np.array(body.stripes)[gore][None], [size, size, 3]).astype(np.float32)
    if body.spots:
        colour, number = body.spots
        for x, y in rng.uniform(low, high, [number, 2]):
            radius = (high - low).min() * rng.uniform(0.03, 0.06)
            colours = painting.over(colours, np.array(colour), painting.mask(_ellipse(x, y, radius, radius), size))
    return colours * (1 + 0.16 * painting.noise(rng, size, (5, 5)))[..., None]


# Outlines, in an object's frame.


def _ellipse(x: float, y: float, across: float, down: float, start: float = 0.0, end: float = 1.0) -> np.ndarray:
    angle = 2 * np.pi * np.linspace(start, end, 40)
    return np.stack([x + across * np.cos(angle), y + down * np.sin(angle)], -1)


def _curve(*points: tuple[float, float], closed: bool = True) -> np.ndarray:
    """A smooth line through points (Catmull-Rom)."""
    p = np.array(points, float)
    around = np.concatenate([p[-1:], p, p[:2]]) if closed else np.concatenate([p[:1], p, p[-1:]])
    share = np.linspace(0, 1, 10, endpoint=False)[:, None]
    pieces = []
    for a, b, c, d in zip(around, around[1:], around[2:], around[3:]):
        slope, bend, twist = c - a, 2 * a - 5 * b + 4 * c - d, 3 * b - a - 3 * c + d
        pieces.append(0.5 * (2 * b + slope * share + bend * share**2 + twist * share**3))
    return np.concatenate([*pieces, p[:1] if closed else p[-1:]])


def _polygon(*points: tuple[float, float]) -> np.ndarray:
    return np.array([*points, points[0]], float)


# Backdrops.


def _table(wood: Colour, wall: Colour) -> Callable[[Random, int], np.ndarray]:
    def backdrop(rng: Random, size: int) -> np.ndarray:
        grain = painting.noise(rng, size, (28, 2)) + 0.5 * painting.noise(rng, size, (60, 3))
        planks = np.array(wood, np.float32) * (1 + 0.22 * grain)[..., None]
        horizon = size * rng.uniform(0.32, 0.42)
        below = np.clip((np.arange(size) - horizon) / (0.03 * size), 0, 1)[:, None] * np.ones(size)
        light = painting.ramp(wall, tuple(0.8 * c for c in wall), size)
        light = light * (1 + 0.1 * painting.noise(rng, size, (2, 2)))[..., None]
        return np.clip(painting.over(light, planks, below), 0, 1)

    return backdrop


def _sky(rng: Random, size: int) -> np.ndarray:
    air = painting.ramp((0.27, 0.5, 0.82), (0.72, 0.85, 0.95), size)
    clouds = np.clip(painting.noise(rng, size, (4, 2), 5) * 1.6 - 0.15, 0, 1)
    return painting.over(air, np.array([0.97, 0.97, 0.98]), clouds)


def _sea_and_sky(rng: Random, size: int) -> np.ndarray:
    picture = _sky(rng, size)
    horizon = int(size * rng.uniform(0.58, 0.64))
    water = painting.ramp((0.2, 0.42, 0.58), (0.05, 0.2, 0.36), size)
    water = water * (1 + 0.35 * painting.noise(rng, size, (40, 6)))[..., None]
    picture[horizon:] = np.clip(water[: size - horizon], 0, 1)
    return picture


def _meadow(rng: Random, size: int) -> np.ndarray:
    picture = _sky(rng, size)
    horizon = int(size * rng.uniform(0.62, 0.7))
    grass = painting.ramp((0.38, 0.55, 0.22), (0.2, 0.4, 0.1), size)
    blades = painting.noise(rng, size, (30, 50))
    picture[horizon:] = np.clip(grass * (1 + 0.45 * blades)[..., None], 0, 1)[: size - horizon]
    return picture


def _forest_floor(rng: Random, size: int) -> np.ndarray:
    floor = painting.ramp((0.12, 0.22, 0.09), (0.26, 0.2, 0.1), size)
    leaves = painting.noise(rng, size, (12, 12), 5)
    return painting.blur(np.clip(floor * (1 + 0.9 * leaves)[..., None], 0, 1), 0.012 * size)


def _sand(rng: Random, size: int) -> np.ndarray:
    ripples = painting.noise(rng, size, (14, 3), 3) + 0.4 * painting.noise(rng, size, (90, 90), 1)
    return np.clip(np.array([0.86, 0.74, 0.55], np.float32) * (1 + 0.13 * ripples)[..., None], 0, 1)


def _under_water(rng: Random, size: int) -> np.ndarray:
    water = painting.ramp((0.15, 0.6, 0.75), (0.02, 0.16, 0.34), size)
    return np.clip(water * (1 + 0.3 * painting.noise(rng, size, (3, 5)))[..., None], 0, 1)


def _rain(rng: Random, size: int) -> np.ndarray:
    street = painting.ramp((0.55, 0.58, 0.62), (0.3, 0.31, 0.34), size)
    return np.clip(street * (1 + 0.25 * painting.noise(rng, size, (8, 3)))[..., None], 0, 1)


# Things, from back to front.


def _apple(rng: Random) -> list[Body]:
    red = (0.78, 0.1 + rng.uniform(0, 0.08), 0.1)
    body = _curve((0, -0.55), (0.5, -0.72), (0.93, -0.3), (0.85, 0.4), (0.45, 0.9), (0, 0.82), (-0.45, 0.9),
                  (-0.85, 0.4), (-0.93, -0.3), (-0.5, -0.72))  # fmt: skip
    stem = _curve((0, -0.55), (0.03, -0.8), (0.14, -1.0), closed=False)
    leaf = _curve((0.06, -0.78), (0.35, -1.02), (0.66, -0.92), (0.38, -0.74))
    return [Body(body, red, gloss=0.5), Body(stem, (0.3, 0.2, 0.1), width=0.09), Body(leaf, (0.25, 0.5, 0.13), 0.5)]


def _banana(rng: Random) -> list[Body]:
    yellow = (0.93, 0.78 + rng.uniform(-0.05, 0.05), 0.16)
    body = _curve((-0.95, -0.42), (-0.8, -0.5), (-0.5, 0.02), (0.05, 0.25), (0.6, 0.1), (0.9, -0.32), (1.02, -0.25),
                  (0.88, 0.3), (0.35, 0.68), (-0.3, 0.6), (-0.8, 0.15))  # fmt: skip
    ridge = _curve((-0.85, -0.3), (-0.45, 0.25), (0.1, 0.45), (0.65, 0.28), (0.93, -0.1), closed=False)
    tip = _polygon((-0.95, -0.42), (-0.8, -0.5), (-0.82, -0.66), (-0.96, -0.62))
    return [
        Body(body, yellow, gloss=0.2),
        Body(ridge, (0.72, 0.56, 0.1), 0.0, 0.0, width=0.03),
        Body(tip, (0.35, 0.3, 0.12), 0.3),
    ]


def _cup(rng: Random) -> list[Body]:
    glaze = [(0.88, 0.88, 0.86), (0.8, 0.86, 0.9)][rng.integers(2)]
    handle = _curve((0.5, -0.35), (0.95, -0.4), (1.0, 0.1), (0.45, 0.35), closed=False)
    body = np.concatenate([_ellipse(0, -0.55, 0.68, 0.16, 0.5, 0.0), _ellipse(-0.02, 0.7, 0.45, 0.14, 0.0, 0.5)])
    rim, coffee = _ellipse(0, -0.55, 0.68, 0.17), _ellipse(0, -0.52, 0.58, 0.12)
    return [
        Body(handle, glaze, gloss=0.3, width=0.17),
        Body(body, glaze, gloss=0.35),
        Body(rim, tuple(1.06 * c for c in glaze), 0.0, 0.0),
        Body(coffee, (0.25, 0.13, 0.06), 0.0, 0.1, sketched=False),
    ]


def _fish(rng: Random) -> list[Body]:
    orange = (0.95, 0.5 + rng.uniform(-0.05, 0.05), 0.12)
    body = _curve((-0.95, 0.02), (-0.6, -0.36), (0.0, -0.5), (0.5, -0.18), (0.62, 0), (0.5, 0.2), (0.0, 0.5),
                  (-0.6, 0.36))  # fmt: skip
    tail = _curve((0.52, 0), (0.98, -0.48), (0.86, 0.0), (0.98, 0.48))
    fin = _curve((-0.3, -0.42), (0.0, -0.8), (0.38, -0.68), (0.3, -0.3))
    eye, pupil = _ellipse(-0.62, -0.1, 0.1, 0.1), _ellipse(-0.63, -0.1, 0.05, 0.05)
    side_fin = _curve((-0.15, 0.1), (0.18, 0.06), (0.22, 0.3))
    dark = tuple(0.8 * c for c in orange)
    return [
        Body(tail, dark, 0.5),
        Body(fin, dark, 0.5),
        Body(body, orange, gloss=0.35),
        Body(side_fin, dark, 0.4),
        Body(eye, (0.95, 0.95, 0.9), 0.3),
        Body(pupil, (0.05, 0.05, 0.05), 0.0, sketched=False),
    ]


def _hot_air_balloon(rng: Random) -> list[Body]:
    sets = [((0.85, 0.15, 0.15), (0.95, 0.8, 0.2)), ((0.85, 0.2, 0.18), (0.92, 0.9, 0.85))]
    envelope = _curve((0, -1), (0.55, -0.83), (0.76, -0.35), (0.5, 0.15), (0.18, 0.48), (-0.18, 0.48), (-0.5, 0.15),
                      (-0.76, -0.35), (-0.55, -0.83))  # fmt: skip
    ropes = [np.array([[x, 0.46], [0.9 * x, 0.74]]) for x in (-0.15, 0.15)]
    basket = _polygon((-0.16, 0.74), (0.16, 0.74), (0.13, 1.0), (-0.13, 1.0))
    return [
        *(Body(rope, (0.2, 0.17, 0.15), 0.0, 0.0, width=0.025) for rope in ropes),
        Body(envelope, (0.8, 0.2, 0.2), gloss=0.1, stripes=sets[rng.integers(2)]),
        Body(basket, (0.5, 0.33, 0.18), 0.4, 0.0),
    ]


def _mushroom(rng: Random) -> list[Body]:
    red = (0.8, 0.12, 0.08 + rng.uniform(0, 0.05))
    stem = _curve((-0.22, 0.0), (0.22, 0.0), (0.24, 0.5), (0.36, 0.93), (0.0, 1.0), (-0.36, 0.93), (-0.24, 0.5))
    cap = _curve((-0.95, 0.02), (-0.82, -0.5), (-0.35, -0.88), (0.35, -0.88), (0.82, -0.5), (0.95, 0.02), (0.45, 0.16),
                 (-0.45, 0.16))  # fmt: skip
    return [Body(stem, (0.9, 0.86, 0.76), 0.8, 0.05), Body(cap, red, gloss=0.4, spots=((0.96, 0.94, 0.88), 14))]


def _pear(rng: Random) -> list[Body]:
    green = (0.68 + rng.uniform(-0.05, 0.05), 0.74, 0.2)
    body = _curve((0, -0.78), (0.27, -0.66), (0.34, -0.2), (0.7, 0.35), (0.5, 0.88), (0, 0.96), (-0.5, 0.88),
                  (-0.7, 0.35), (-0.34, -0.2), (-0.27, -0.66))  # fmt: skip
    stem = _curve((0, -0.76), (0.03, -0.9), (0.1, -1.05), closed=False)
    return [Body(body, green, gloss=0.3, spots=((0.6, 0.6, 0.2), 10)), Body(stem, (0.35, 0.23, 0.1), width=0.08)]


def _sailboat(rng: Random) -> list[Body]:
    hull_colour = [(0.65, 0.16, 0.13), (0.55, 0.14, 0.16)][rng.integers(2)]
    hull = _polygon((-0.85, 0.55), (0.9, 0.52), (0.62, 0.92), (-0.6, 0.95))
    mast = np.array([[0.02, -1.0], [0.02, 0.55]])
    main = _curve((0.06, -0.95), (0.42, -0.3), (0.72, 0.4), (0.06, 0.42))
    jib = _curve((-0.03, -0.8), (-0.35, -0.1), (-0.68, 0.4), (-0.04, 0.42))
    white = (0.95, 0.94, 0.9)
    return [
        Body(mast, (0.35, 0.25, 0.15), 0.2, 0.0, width=0.05),
        Body(main, white, 0.35, 0.0),
        Body(jib, tuple(0.95 * c for c in white), 0.35, 0.0),
        Body(hull, hull_colour, 0.5, 0.15),
    ]


def _starfish(rng: Random) -> list[Body]:
    orange = (0.86, 0.42 + rng.uniform(-0.05, 0.05), 0.2)
    turns = np.arange(10) / 10 * 2 * np.pi - np.pi / 2
    radii = np.where(np.arange(10) % 2, 0.36, 1.0) * rng.uniform(0.93, 1.07, 10)
    points = [(radius * np.cos(turn), radius * np.sin(turn)) for radius, turn in zip(radii, turns)]
    return [Body(_curve(*points), orange, 0.9, 0.1, spots=((0.95, 0.7, 0.45), 26))]


def _strawberry(rng: Random) -> list[Body]:
    red = (0.84, 0.1, 0.12 + rng.uniform(0, 0.05))
    body = _curve((0, -0.6), (0.55, -0.68), (0.82, -0.3), (0.6, 0.35), (0.12, 0.97), (-0.12, 0.97), (-0.6, 0.35),
                  (-0.82, -0.3), (-0.55, -0.68))  # fmt: skip
    leaves = _polygon((0, -1.0), (0.14, -0.76), (0.55, -0.92), (0.38, -0.62), (0.6, -0.45), (0.2, -0.5), (0, -0.32),
                      (-0.2, -0.5), (-0.6, -0.45), (-0.38, -0.62), (-0.55, -0.92), (-0.14, -0.76))  # fmt: skip
    return [Body(body, red, gloss=0.4, spots=((0.95, 0.8, 0.45), 30)), Body(leaves, (0.25, 0.52, 0.16), 0.3, 0.0)]


def _tree(rng: Random) -> list[Body]:
    green = (0.16, 0.4 + rng.uniform(-0.04, 0.04), 0.12)
    trunk = _polygon((-0.13, 0.1), (0.13, 0.1), (0.2, 1.0), (-0.2, 1.0))
    bumps = np.arange(9) / 9  # of a turn
    crown = np.concatenate([
        _ellipse(0.55 * np.cos(2 * np.pi * turn), -0.38 + 0.38 * np.sin(2 * np.pi * turn), 0.3, 0.28,
                 turn - 0.22, turn + 0.22)
        for turn in bumps
    ])  # fmt: skip
    return [Body(trunk, (0.36, 0.25, 0.16), 0.6, 0.0), Body(crown, green, 0.9, 0.0, spots=((0.28, 0.55, 0.2), 40))]


def _umbrella(rng: Random) -> list[Body]:
    sets = [((0.75, 0.12, 0.16), (0.6, 0.08, 0.12)), ((0.78, 0.14, 0.12), (0.64, 0.1, 0.1))]
    scallops = [_ellipse(x, 0.0, 0.24, 0.1, 1.0, 0.5) for x in (0.72, 0.24, -0.24, -0.72)]
    canopy = np.concatenate([_ellipse(0, 0.0, 0.96, 0.82, 0.5, 1.0), *scallops])
    stick = np.array([[0.0, -0.05], [0.0, 0.75]])
    hook = _curve((0.0, 0.72), (0.03, 0.95), (0.2, 0.98), (0.25, 0.8), closed=False)
    return [
        Body(stick, (0.25, 0.2, 0.18), 0.2, 0.2, width=0.06),
        Body(hook, (0.4, 0.25, 0.12), 0.3, 0.2, width=0.09),
        Body(canopy, (0.75, 0.12, 0.16), 0.8, 0.1, stripes=sets[rng.integers(2)]),
    ]


_OAK, _PINE, _SLATE = (0.5, 0.32, 0.18), (0.74, 0.56, 0.36), (0.36, 0.36, 0.4)

SCENES: dict[str, tuple[Callable, Callable, bool]] = {
    "apple": (_table(_PINE, (0.75, 0.78, 0.72)), _apple, True),
    "banana": (_table(_SLATE, (0.62, 0.66, 0.72)), _banana, True),
    "cup": (_table(_OAK, (0.5, 0.42, 0.36)), _cup, True),
    "fish": (_under_water, _fish, False),
    "hot-air_balloon": (_sky, _hot_air_balloon, False),
    "mushroom": (_forest_floor, _mushroom, True),
    "pear": (_table(_OAK, (0.82, 0.78, 0.66)), _pear, True),
    "sailboat": (_sea_and_sky, _sailboat, False),
    "starfish": (_sand, _starfish, True),
    "strawberry": (_table((0.85, 0.84, 0.8), (0.7, 0.72, 0.7)), _strawberry, True),
    "tree": (_meadow, _tree, False),
    "umbrella": (_rain, _umbrella, False),
}
"""For each class its backdrop, its bodies, and whether it throws a shadow on what is behind it."""
