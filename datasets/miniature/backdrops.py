"""What is behind and below the miniature's things.

Each function takes a random generator and a size in pixels, and gives a picture, [S, S, 3]. What is
far away is out of focus, as in photographs of near things.
"""

from __future__ import annotations

from typing import Callable

import numpy as np

from datasets.miniature import painting

Colour = tuple[float, float, float]
Random = np.random.Generator
Backdrop = Callable[[Random, int], np.ndarray]


def table(wood: Colour, wall: Colour) -> Backdrop:
    """A table of planks in front of a wall with light from a window."""

    def backdrop(rng: Random, size: int) -> np.ndarray:
        room = painting.ramp(tuple(0.85 * c for c in wall), tuple(0.65 * c for c in wall), size)
        room *= (1.05 + 0.15 * painting.noise(rng, (size, size), (2, 3), 2))[..., None]
        room = _glints(room, rng, np.array(wall) * 0.5 + 0.5, 5, 0.12)
        return _with_ground(room, _planks(rng, wood), size * rng.uniform(0.36, 0.42))

    return backdrop


def sky(rng: Random, size: int) -> np.ndarray:
    """Blue, with clouds and a line of hazy hills at the lower edge."""
    picture = _clouds(rng, size)
    ridge = size * (0.93 + 0.06 * painting.noise(rng, (1, size), (1, 3), 3)[0])
    hills = painting.smoothstep(-2, 2, np.arange(size)[:, None] - ridge)
    return painting.blur(painting.over(picture, (0.42, 0.53, 0.52), hills), 0.008 * size)


def sea(rng: Random, size: int) -> np.ndarray:
    """Waves up to the horizon, under clouds."""
    texture = _mixed((0.06, 0.2, 0.33), (0.36, 0.55, 0.66), _cloth(rng, (70, 14)))
    return _with_ground(_clouds(rng, size), texture, size * rng.uniform(0.58, 0.63), 0.006)


def meadow(rng: Random, size: int) -> np.ndarray:
    """Grass, with a wood far behind it."""
    horizon = size * rng.uniform(0.64, 0.7)
    picture = _clouds(rng, size)
    tops = horizon - size * (0.05 + 0.04 * painting.noise(rng, (1, size), (1, 14), 3)[0])
    wood = painting.smoothstep(-3, 3, np.arange(size)[:, None] - tops)
    leaves = _mixed(
        (0.22, 0.33, 0.22), (0.38, 0.48, 0.32), 0.5 + painting.noise(rng, (size, size), (18, 26), 3)
    )
    picture = painting.blur(painting.over(picture, leaves, wood), 0.008 * size)
    grass = _mixed((0.2, 0.36, 0.08), (0.52, 0.62, 0.24), _cloth(rng, (30, 90)))
    return _with_ground(picture, grass, horizon)


def forest(rng: Random, size: int) -> np.ndarray:
    """Leaf litter and moss; the wood behind is a blur, and some light comes through it."""
    wood = painting.ramp((0.16, 0.26, 0.12), (0.10, 0.15, 0.07), size)
    wood = wood * (1 + 0.5 * painting.noise(rng, (size, size), (2, 6), 2))[..., None]
    wood = _glints(wood, rng, np.array([0.62, 0.72, 0.38]), 16, 0.4)
    floor = _cloth(rng, (16, 16))
    litter = _mixed((0.14, 0.1, 0.05), (0.46, 0.32, 0.16), floor)
    litter = painting.over(
        litter, (0.25, 0.36, 0.1), painting.smoothstep(0.45, 0.75, _cloth(rng, (5, 5))) * floor
    )
    return _with_ground(wood, litter, size * rng.uniform(0.5, 0.56))


def sand(rng: Random, size: int) -> np.ndarray:
    """Sand from above: ripples, grains and some small stones."""
    ripples = painting.noise(rng, (size, size), (12, 3), 3)
    relief = painting.bumpy(
        np.full([size, size, 3], (0.0, 0.0, 1.0), np.float32), ripples, 0.02 * size
    )
    grains = 0.05 * painting.noise(rng, (size, size), (size // 2, size // 2), 1)
    picture = painting.lit(
        np.array([0.82, 0.69, 0.5]) * (1 + grains)[..., None],
        relief,
        0.0,
        np.full(3, 0.75),
        np.full(3, 0.6),
    )
    stones = zip(*rng.uniform(0, size, [2, 14]), rng.uniform(0.003, 0.009, 14) * size)
    masks = [painting.mask(_disc(*stone), size) for stone in stones]
    return painting.over(picture, (0.45, 0.41, 0.37), np.max(masks, axis=0))


def beach(rng: Random, size: int) -> np.ndarray:
    """Sand, then the sea, under a clear sky."""
    horizon = int(size * rng.uniform(0.56, 0.6))
    rows = np.arange(size)[:, None]
    air = painting.ramp((0.3, 0.56, 0.86), (0.78, 0.9, 0.98), size)
    waves = 1 + 0.12 * painting.noise(rng, (size, size), (36, 4), 2)[..., None]
    water = painting.ramp((0.0, 0.25, 0.45), (0.6, 0.95, 0.95), size) * waves
    picture = painting.over(air, water, painting.smoothstep(-1, 1, rows - horizon))
    shore = rows - horizon - size * (0.09 + 0.01 * painting.noise(rng, (1, size), (1, 4), 2))
    foam = painting.smoothstep(-5, -1, shore)
    picture = painting.blur(painting.over(picture, (0.95, 0.96, 0.95), foam), 0.006 * size)
    dry = _with_ground(
        picture,
        _mixed((0.76, 0.64, 0.46), (0.93, 0.84, 0.68), _cloth(rng, (26, 26))),
        horizon,
        0.008,
    )
    return painting.over(picture, dry, painting.smoothstep(0, 3, shore))


def under_water(rng: Random, size: int) -> np.ndarray:
    """The sea from below its surface: shafts of light from above, a reef below."""
    water = painting.ramp((0.16, 0.58, 0.72), (0.02, 0.14, 0.3), size)
    across = np.arange(size) - 0.45 * np.arange(size)[:, None]
    shafts = np.interp(across, np.linspace(-size, size, 60), rng.uniform(0, 0.16, 60))
    water = painting.over(
        water, (0.7, 1, 1), painting.blur(shafts, 0.01 * size) * np.linspace(1.5, 0, size)[:, None]
    )
    top = size * (0.88 + 0.1 * painting.noise(rng, (1, size), (1, 5), 3)[0])
    reef = painting.smoothstep(-3, 3, np.arange(size)[:, None] - top)
    rock = _mixed(
        (0.06, 0.16, 0.22), (0.3, 0.3, 0.34), 0.5 + painting.noise(rng, (size, size), (14, 14), 3)
    )
    picture = painting.blur(painting.over(water, rock, reef), 0.014 * size)
    return _glints(picture, rng, np.array([0.6, 0.9, 0.95]), 9, 0.25, 0.012)


def _with_ground(
    picture: np.ndarray, texture: np.ndarray, horizon: float, far_blur: float = 0.012
) -> np.ndarray:
    """Lays level ground below the row `horizon`; the farther away, the more it is out of focus."""
    size = len(picture)
    scene = picture.copy()
    scene[int(horizon) :] = painting.ground(texture, horizon, size)
    far = painting.blur(scene, far_blur * size)
    near = painting.smoothstep(0.05, 0.35, (np.arange(size)[:, None] - horizon) / size) * np.ones(
        size
    )
    return np.clip(painting.over(far, scene, near), 0, 1)


def _planks(rng: Random, wood: Colour, count: int = 512, planks: int = 9) -> np.ndarray:
    """Boards side by side, with grain, [N, N, 3]."""
    grain = painting.noise(rng, (count, count), (90, 3)) + 0.5 * painting.noise(
        rng, (count, count), (30, 2), 2
    )
    board = (np.arange(count) * planks // count)[:, None]
    tone = 1 + 0.2 * grain + rng.uniform(-0.08, 0.08, planks)[board]
    place = np.arange(count) * planks / count % 1
    joint = 1 - 0.55 * (np.minimum(place, 1 - place) < 0.025)[:, None]
    return (np.array(wood, np.float32) * (tone * joint)[..., None]).astype(np.float32)


def _clouds(rng: Random, size: int) -> np.ndarray:
    air = painting.ramp((0.22, 0.45, 0.78), (0.72, 0.85, 0.94), size)
    density = (
        painting.noise(rng, (size, size), (4, 2), 6) + 0.12 * np.linspace(-1, 1, size)[:, None]
    )
    lit = np.clip(0.88 - 1.4 * (np.roll(density, size // 24, 0) - density), 0.72, 1)[..., None]
    return painting.over(
        air, lit * np.array([1.0, 0.99, 0.98]), painting.smoothstep(0.0, 0.45, density) * 0.92
    )


def _cloth(rng: Random, cells: tuple[int, int], count: int = 512) -> np.ndarray:
    """A texture in [0, 1], by which two colours are mixed."""
    return np.clip(0.5 + 0.75 * painting.noise(rng, (count, count), cells, 3), 0, 1)


def _mixed(dark: Colour, bright: Colour, share: np.ndarray) -> np.ndarray:
    share = np.clip(share, 0, 1)[..., None]
    return (1 - share) * np.array(dark, np.float32) + share * np.array(bright, np.float32)


def _glints(
    picture: np.ndarray,
    rng: Random,
    colour: np.ndarray,
    number: int,
    strength: float,
    radius: float = 0.04,
) -> np.ndarray:
    """Lights out of focus, which the lens shows as discs."""
    size = len(picture)
    light = np.zeros([size, size], np.float32)
    for x, y in rng.uniform(0, size, [number, 2]) * np.array([1, 0.6]):
        disc = painting.mask(_disc(x, y, rng.uniform(0.5, 1.2) * radius * size), size)
        light = np.maximum(light, rng.uniform(0.3, 1) * strength * disc)
    return painting.over(picture, colour, painting.blur(light, 0.006 * size))


def _disc(x: float, y: float, radius: float) -> np.ndarray:
    angle = np.linspace(0, 2 * np.pi, 30)
    return np.stack([x + radius * np.cos(angle), y + radius * np.sin(angle)], -1)
