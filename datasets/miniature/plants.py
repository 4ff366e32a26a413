"""The fruit and plants of the miniature: what they are made of, from back to front."""

from __future__ import annotations

import numpy as np

from datasets.miniature import painting
from datasets.miniature.bodies import (
    Body,
    Random,
    Thing,
    curve,
    ellipse,
    lattice,
    longitude,
    mixed,
    plain,
    polygon,
    speckles,
    wart,
)


def apple(rng: Random) -> Thing:
    ripe = rng.uniform(0.0, 0.25)

    def skin(rng: Random, x: np.ndarray, y: np.ndarray, normal: np.ndarray) -> np.ndarray:
        base = plain(0.7, 0.07, 0.07, uneven=0.2)(rng, x, y, normal)
        around = np.arctan2(x, 0.9 + y)  # streaks run from the stem
        streaks = np.interp(around, np.linspace(-np.pi, np.pi, 110), rng.uniform(0, 1, 110))
        pale = painting.smoothstep(-0.1 + ripe, -1.0, y + 0.3 * streaks) + 0.6 * np.clip(
            streaks - 0.7, 0, None
        )
        base = mixed(base, (0.86, 0.62, 0.2), 0.55 * pale)
        base = mixed(base, (0.9, 0.72, 0.45), 0.5 * speckles(rng, x.shape, 40, 0.02))
        return base * (1 - 0.75 * np.exp(-((x / 0.26) ** 2) - ((y + 0.58) / 0.1) ** 2))[..., None]

    body = curve((0, -0.56), (0.48, -0.72), (0.93, -0.3), (0.85, 0.4), (0.42, 0.88), (0, 0.82),
                 (-0.42, 0.88), (-0.85, 0.4), (-0.93, -0.3), (-0.48, -0.72))  # fmt: skip
    stem = curve((0, -0.52), (0.03, -0.8), (0.14, -1.0), closed=False)
    leaf = curve((0.06, -0.76), (0.3, -1.0), (0.66, -0.98), (0.44, -0.74))
    return Thing(
        [
            Body(body, skin, gloss=0.4),
            Body(stem, plain(0.3, 0.2, 0.1), width=0.08),
            Body(leaf, plain(0.25, 0.45, 0.12), 0.5, 0.15),
        ],
        [curve((-0.3, -0.6), (0, -0.48), (0.3, -0.6), closed=False)],
    )


def banana(rng: Random) -> Thing:
    green = rng.uniform(0, 0.5)

    def skin(rng: Random, x: np.ndarray, y: np.ndarray, normal: np.ndarray) -> np.ndarray:
        base = plain(0.9, 0.73, 0.16)(rng, x, y, normal)
        base = mixed(base, (0.62, 0.66, 0.2), green * painting.smoothstep(0.3, 0.95, np.abs(x)))
        base = mixed(base, (0.42, 0.27, 0.1), 0.7 * speckles(rng, x.shape, 22, 0.06))
        return mixed(base, (0.3, 0.22, 0.1), painting.smoothstep(0.93, 1.0, x))

    body = curve((-0.95, -0.42), (-0.8, -0.5), (-0.5, 0.02), (0.05, 0.25), (0.6, 0.1),
                 (0.9, -0.32), (1.02, -0.25), (0.88, 0.3), (0.35, 0.68), (-0.3, 0.6),
                 (-0.8, 0.15))  # fmt: skip
    ridge = curve(
        (-0.85, -0.3), (-0.45, 0.25), (0.1, 0.45), (0.65, 0.28), (0.93, -0.1), closed=False
    )
    stalk = polygon((-0.97, -0.38), (-0.79, -0.46), (-0.84, -0.7), (-0.95, -0.68))
    return Thing(
        [
            Body(stalk, plain(0.45, 0.42, 0.16), 0.8, 0.1),
            Body(body, skin, gloss=0.12),
            Body(ridge, plain(0.66, 0.5, 0.1), 0.2, 0.0, width=0.025),
        ]
    )


def mushroom(rng: Random) -> Thing:
    hue = rng.uniform(0, 0.06)
    warts = rng.uniform((-0.8, -0.85), (0.8, -0.12), [30, 2])
    sizes = rng.uniform(0.03, 0.075, len(warts))

    def cap_skin(rng: Random, x: np.ndarray, y: np.ndarray, normal: np.ndarray) -> np.ndarray:
        base = plain(0.74, 0.1 + hue, 0.05)(rng, x, y, normal)
        base = mixed(base, (0.88, 0.4, 0.1), 0.6 * painting.smoothstep(-0.15, 0.12, y))
        spots = [
            painting.smoothstep(
                radius, radius - 0.02, wart(x - a, y - b, np.sqrt(1.05 - a * a), 0.12 * radius)
            )
            for (a, b), radius in zip(warts, sizes)
        ]
        return mixed(base, (0.9, 0.86, 0.76), np.max(spots, axis=0))

    def gills(rng: Random, x: np.ndarray, y: np.ndarray, normal: np.ndarray) -> np.ndarray:
        around = np.arctan2(y - 0.06, 0.2 * x)
        return np.array([0.8, 0.74, 0.6]) * (0.66 + 0.12 * np.sin(36 * around))[..., None]

    cap = curve((-0.95, 0.02), (-0.84, -0.45), (-0.4, -0.86), (0.4, -0.86), (0.84, -0.45),
                (0.95, 0.02), (0.45, 0.13), (-0.45, 0.13))  # fmt: skip
    stem = curve(
        (-0.17, 0.06),
        (0.17, 0.06),
        (0.21, 0.5),
        (0.34, 0.9),
        (0.0, 1.0),
        (-0.34, 0.9),
        (-0.21, 0.5),
    )
    skirt = curve((-0.2, 0.26), (0.2, 0.26), (0.31, 0.43), (0.1, 0.41), (-0.1, 0.44), (-0.31, 0.42))
    return Thing(
        [
            Body(cap, cap_skin, 1.0, 0.35),
            Body(ellipse(0, 0.06, 0.8, 0.12), gills, 0.0, 0.0),
            Body(stem, plain(0.84, 0.79, 0.66, uneven=0.2), gloss=0.03, bumps=0.6),
            Body(skirt, plain(0.88, 0.83, 0.7), 0.6, 0.03, bumps=0.6),
        ],
        [
            ellipse(a, b, radius, radius)
            for (a, b), radius in zip(warts[:6], sizes)
            if a * a + b * b < 0.6
        ],
    )


def pear(rng: Random) -> Thing:
    blush = rng.uniform(0.2, 0.6)

    def skin(rng: Random, x: np.ndarray, y: np.ndarray, normal: np.ndarray) -> np.ndarray:
        base = plain(0.66, 0.68, 0.16, uneven=0.16)(rng, x, y, normal)
        red = painting.smoothstep(
            0.1, 0.9, x + 0.3 * y + 0.4 * painting.noise(rng, x.shape, (3, 3))
        )
        base = mixed(base, (0.76, 0.34, 0.12), blush * red)
        base = mixed(base, (0.46, 0.34, 0.12), 0.65 * speckles(rng, x.shape, 34, 0.05))
        return mixed(base, (0.5, 0.36, 0.14), 0.6 * painting.smoothstep(-0.62, -0.78, y))

    body = curve((0, -0.78), (0.24, -0.66), (0.33, -0.22), (0.7, 0.35), (0.5, 0.88), (0, 0.96),
                 (-0.5, 0.88), (-0.7, 0.35), (-0.33, -0.22), (-0.24, -0.66))  # fmt: skip
    stem = curve((0, -0.74), (0.03, -0.9), (0.12, -1.05), closed=False)
    return Thing([Body(body, skin, gloss=0.25), Body(stem, plain(0.33, 0.22, 0.1), width=0.07)])


def strawberry(rng: Random) -> Thing:
    hue = rng.uniform(0, 0.05)

    def skin(rng: Random, x: np.ndarray, y: np.ndarray, normal: np.ndarray) -> np.ndarray:
        base = plain(0.76, 0.06 + hue, 0.07)(rng, x, y, normal)
        base = mixed(base, (0.9, 0.5, 0.35), 0.8 * painting.smoothstep(-0.45, -0.75, y))
        seed = lattice(3.2 * longitude(normal) + 0.5, 6.5 * y)
        base = base * (0.62 + 0.38 * painting.smoothstep(0.12, 0.34, seed))[..., None]
        return mixed(base, (0.9, 0.74, 0.36), painting.smoothstep(0.17, 0.1, seed))

    body = curve((0, -0.62), (0.5, -0.66), (0.8, -0.3), (0.58, 0.35), (0.14, 0.95), (-0.14, 0.95),
                 (-0.58, 0.35), (-0.8, -0.3), (-0.5, -0.66))  # fmt: skip
    leaves = polygon((0, -0.72), (0.16, -0.78), (0.5, -0.9), (0.4, -0.66), (0.64, -0.4),
                     (0.3, -0.5), (0.04, -0.26), (-0.2, -0.52), (-0.62, -0.42), (-0.4, -0.64),
                     (-0.55, -0.88), (-0.16, -0.78))  # fmt: skip
    stem = curve((0, -0.68), (0.02, -0.84), (0.12, -1.0), closed=False)
    seeds = [ellipse(a, b, 0.03, 0.045) for a, b in rng.uniform((-0.45, -0.2), (0.45, 0.4), [9, 2])]
    return Thing(
        [
            Body(body, skin, gloss=0.3),
            Body(leaves, plain(0.26, 0.46, 0.14, uneven=0.4), 0.5, 0.1),
            Body(stem, plain(0.34, 0.5, 0.18), width=0.07),
        ],
        seeds,
    )


def tree(rng: Random) -> Thing:
    hue = rng.uniform(-0.03, 0.03)

    def leaves(rng: Random, x: np.ndarray, y: np.ndarray, normal: np.ndarray) -> np.ndarray:
        clumps = painting.noise(rng, x.shape, (7, 7), 2)
        fine = painting.noise(rng, x.shape, (40, 40), 2)
        base = np.array([0.25, 0.42 + hue, 0.13]) * (1 + 0.6 * clumps + 0.8 * fine)[..., None]
        return np.clip(base, 0.02, 1).astype(np.float32)

    def bark(rng: Random, x: np.ndarray, y: np.ndarray, normal: np.ndarray) -> np.ndarray:
        return (
            np.array([0.34, 0.25, 0.17])
            * (1 + 0.5 * painting.noise(rng, x.shape, (3, 9), 3))[..., None]
        )

    turns = (np.arange(26) + rng.uniform(-0.3, 0.3, 26)) / 26 * 2 * np.pi
    reach = np.where(np.arange(26) % 2, 1.0, 0.91) * (1 + rng.normal(0, 0.035, 26))
    crown = curve(
        *((0.86 * r * np.cos(t), -0.35 + 0.66 * r * np.sin(t)) for r, t in zip(reach, turns))
    )
    right, left = (
        [(side * a, b) for a, b in ((0.1, 0.1), (0.11, 0.6), (0.26, 1.0))] for side in (1, -1)
    )
    trunk = polygon(*curve(*right, closed=False), *curve(*left, closed=False)[::-1])
    places = rng.uniform((-0.6, -0.7), (0.4, 0), [5, 2])
    clumps = [curve((a, b), (a + 0.1, b + 0.08), (a + 0.2, b), closed=False) for a, b in places]
    return Thing(
        [Body(trunk, bark, lathe=True, gloss=0.0), Body(crown, leaves, 0.8, 0.0, bumps=5.0)], clumps
    )
