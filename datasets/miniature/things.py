"""The animals and made things of the miniature: what they are made of, from back to front."""

from __future__ import annotations

import numpy as np

from datasets.miniature import painting
from datasets.miniature.bodies import (
    Body,
    Random,
    Thing,
    curve,
    ellipse,
    gores,
    lattice,
    mixed,
    plain,
    polygon,
    speckles,
    tube,
)


def cup(rng: Random) -> Thing:
    glaze = [(0.75, 0.73, 0.68), (0.66, 0.72, 0.75)][rng.integers(2)]
    dark = tuple(0.62 * c for c in glaze)
    handle = curve((0.5, -0.32), (0.95, -0.36), (1.0, 0.1), (0.45, 0.36), closed=False)
    body = np.concatenate(
        [ellipse(0, -0.55, 0.68, 0.16, 0.5, 0.0), ellipse(0, 0.7, 0.46, 0.14, 0.0, 0.5)]
    )
    coffee = np.concatenate(
        [ellipse(0, -0.44, 0.58, 0.13, 0.56, 0.94), ellipse(0, -0.55, 0.615, 0.125, 0.04, 0.46)]
    )
    return Thing(
        [
            Body(tube(handle, 0.16), plain(*glaze, uneven=0.03), gloss=0.3),
            Body(
                np.concatenate([body, body[:1]]), plain(*glaze, uneven=0.03), gloss=0.35, lathe=True
            ),
            Body(
                ellipse(0, -0.55, 0.68, 0.165),
                plain(*(1.1 * c for c in glaze), uneven=0.02),
                0.1,
                0.2,
            ),
            Body(
                ellipse(0, -0.55, 0.63, 0.13), plain(*dark, uneven=0.03), 0.0, 0.0, sketched=False
            ),
            Body(coffee, plain(0.24, 0.12, 0.05), 0.0, 0.15, sketched=False),
        ]
    )


def fish(rng: Random) -> Thing:
    hue = rng.uniform(-0.04, 0.04)

    def skin(rng: Random, x: np.ndarray, y: np.ndarray, normal: np.ndarray) -> np.ndarray:
        base = plain(0.92, 0.42 + hue, 0.08)(rng, x, y, normal)
        base = mixed(base, (0.7, 0.25, 0.04), painting.smoothstep(-0.1, -0.55, y))
        base = base * (1 - 0.3 * painting.smoothstep(0.38, 0.6, lattice(16 * x, 16 * y)))[..., None]
        for place, half in ((-0.36, 0.085), (0.24, 0.075)):
            band = np.abs(x - place - 0.12 * (y * y) + 0.02 * np.sin(9 * y))
            base = mixed(
                base, (0.08, 0.05, 0.05), painting.smoothstep(half + 0.05, half + 0.03, band)
            )
            base = mixed(
                base, (0.93, 0.93, 0.9), painting.smoothstep(half + 0.01, half - 0.01, band)
            )
        return base

    def rays(rng: Random, x: np.ndarray, y: np.ndarray, normal: np.ndarray) -> np.ndarray:
        around = np.arctan2(y, x - 0.2)
        base = plain(0.9, 0.45 + hue, 0.1)(rng, x, y, normal)
        return base * (0.85 + 0.15 * np.sin(60 * around))[..., None]

    body = curve(
        (-0.95, 0.04),
        (-0.6, -0.38),
        (0, -0.52),
        (0.5, -0.2),
        (0.66, 0),
        (0.5, 0.2),
        (0, 0.5),
        (-0.6, 0.4),
    )
    tail = curve((0.55, 0), (0.78, -0.38), (1.0, -0.42), (0.92, 0.0), (1.0, 0.42), (0.78, 0.38))
    fin = curve((-0.35, -0.4), (-0.1, -0.76), (0.2, -0.66), (0.48, -0.55), (0.45, -0.15))
    belly = curve((-0.05, 0.42), (0.1, 0.78), (0.34, 0.72), (0.4, 0.25))
    side = curve((-0.12, 0.06), (0.08, -0.02), (0.2, 0.12), (0.08, 0.28))
    return Thing(
        [
            Body(tail, rays, 0.4),
            Body(fin, rays, 0.4),
            Body(belly, rays, 0.4),
            Body(body, skin, 0.8, 0.25),
            Body(side, rays, 0.5),
            Body(ellipse(-0.66, -0.08, 0.085, 0.085), plain(0.85, 0.8, 0.6), 0.6),
            Body(
                ellipse(-0.665, -0.08, 0.05, 0.05),
                plain(0.03, 0.03, 0.03),
                1.0,
                0.9,
                sketched=False,
            ),
        ],
        [
            curve((-0.42, -0.42), (-0.34, 0), (-0.4, 0.44), closed=False),
            curve((0.3, -0.36), (0.22, 0), (0.3, 0.36), closed=False),
            curve((-0.92, 0.08), (-0.82, 0.12), (-0.74, 0.1), closed=False),
        ],
    )


def hot_air_balloon(rng: Random) -> Thing:
    hue = rng.uniform(-0.04, 0.04)
    colours = [(0.78, 0.12 + hue, 0.1), (0.93, 0.68 + hue, 0.1), (0.9, 0.87, 0.8)]
    heights = np.array([-1, -0.93, -0.8, -0.55, -0.3, 0.1, 0.5])
    widths = np.array([0, 0.3, 0.52, 0.71, 0.74, 0.52, 0.17])

    def half_width(y: np.ndarray) -> np.ndarray:
        return np.interp(y, heights, widths)

    def cloth(rng: Random, x: np.ndarray, y: np.ndarray, normal: np.ndarray) -> np.ndarray:
        panels = gores(colours, 12, half_width)(rng, x, y, normal)
        belt = painting.smoothstep(0.09, 0.08, np.abs(y + 0.12 - 0.06 * (x / 0.7) ** 2))
        return mixed(panels, (0.16, 0.2, 0.42), belt)

    envelope = curve(*zip(widths[1:], heights[1:]), *zip(-widths[:0:-1], heights[:0:-1]), (0, -1))
    basket = polygon((-0.14, 0.78), (0.14, 0.78), (0.12, 1.0), (-0.12, 1.0))
    ropes = [np.array([[x, 0.48], [0.8 * x, 0.8]]) for x in (-0.15, 0.15)]
    y = np.linspace(-0.97, 0.48, 30)
    ribs = [np.stack([share * half_width(y), y], -1) for share in (-0.55, 0.0, 0.55)]
    return Thing(
        [
            *(Body(rope, plain(0.2, 0.17, 0.15), 0.2, 0.0, width=0.022) for rope in ropes),
            Body(envelope, cloth, 0.95, 0.08),
            Body(basket, plain(0.42, 0.27, 0.14, uneven=0.3), lathe=True, gloss=0.0),
        ],
        ribs,
    )


def sailboat(rng: Random) -> Thing:
    paint = [(0.55, 0.1, 0.09), (0.62, 0.12, 0.1)][rng.integers(2)]

    def hull_paint(rng: Random, x: np.ndarray, y: np.ndarray, normal: np.ndarray) -> np.ndarray:
        base = plain(*paint)(rng, x, y, normal)
        base = mixed(base, (0.9, 0.88, 0.82), painting.smoothstep(0.66, 0.64, y))
        return mixed(base, (0.1, 0.1, 0.12), painting.smoothstep(0.86, 0.88, y))

    def canvas(rng: Random, x: np.ndarray, y: np.ndarray, normal: np.ndarray) -> np.ndarray:
        seams = np.abs((6 * y + 0.6 * x) % 1 - 0.5) < 0.04
        belly = 0.9 + 0.1 * np.cos(4 * np.abs(x) + 2 * y)
        return (
            plain(0.92, 0.9, 0.85, uneven=0.04)(rng, x, y, normal)
            * (belly - 0.08 * seams)[..., None]
        )

    hull = curve((-0.9, 0.56), (-0.4, 0.6), (0.3, 0.6), (0.95, 0.5), (0.78, 0.78), (0.5, 0.95),
                 (0, 0.98), (-0.6, 0.95), (-0.82, 0.8))  # fmt: skip
    cabin = polygon((-0.4, 0.62), (-0.34, 0.5), (0.12, 0.48), (0.22, 0.62))
    main = polygon(*curve((-0.05, -0.94), (-0.3, -0.3), (-0.72, 0.4), closed=False), (-0.05, 0.43))
    jib = polygon(*curve((0.05, -0.85), (0.42, -0.15), (0.8, 0.44), closed=False), (0.1, 0.38))
    return Thing(
        [
            Body(cabin, plain(0.85, 0.83, 0.78), 0.3, 0.1),
            Body(
                np.array([[0.0, -1.0], [0.0, 0.6]]), plain(0.35, 0.25, 0.15), 1.0, 0.2, width=0.04
            ),
            Body(main, canvas, 0.25, 0.0),
            Body(jib, canvas, 0.25, 0.0),
            Body(hull, hull_paint, 0.6, 0.2),
        ],
        [np.array([[-0.86, 0.68], [0.88, 0.66]])],
    )


def starfish(rng: Random) -> Thing:
    hue = rng.uniform(-0.05, 0.05)
    start, bend = rng.uniform(0, 2 * np.pi), rng.normal(0, 0.14, 5)

    def skin(rng: Random, x: np.ndarray, y: np.ndarray, normal: np.ndarray) -> np.ndarray:
        base = plain(0.8, 0.34 + hue, 0.14, uneven=0.25)(rng, x, y, normal)
        away, around = np.hypot(x, y), (np.arctan2(y, x) - start) * 5
        along = np.exp(-((np.sin(around / 2) * away / 0.12) ** 2)) * (away > 0.12)
        base = mixed(base, (0.95, 0.72, 0.45), 0.8 * along * (np.sin(50 * away) > 0))
        return mixed(base, (0.95, 0.7, 0.42), 0.75 * speckles(rng, x.shape, 34, 0.12))

    part = np.arange(20) % 4  # of an arm: its tip, a side, the bay to the next arm, that one's side
    lean, length = (
        np.roll(np.repeat(values, 4), -1) for values in (bend, rng.uniform(0.9, 1.05, 5))
    )
    turns = (
        start
        + np.arange(20) / 20 * 2 * np.pi
        + np.array([0.0, -0.13, 0.0, 0.13])[part]
        + lean * (part != 2)
    )
    radii = np.array([1.0, 0.6, 0.3, 0.6])[part] * length
    tips = [(radius * np.cos(turn), radius * np.sin(turn)) for radius, turn in zip(radii, turns)]
    axes = [np.array([[0, 0], [0.8 * np.cos(t), 0.8 * np.sin(t)]]) for t in turns[::4]]
    return Thing([Body(curve(*tips), skin, 0.9, 0.06, bumps=1.6)], axes)


def umbrella(rng: Random) -> Thing:
    colours = [(0.78, 0.1 + rng.uniform(-0.04, 0.06), 0.1), (0.9, 0.87, 0.8)]

    def half_width(y: np.ndarray) -> np.ndarray:
        return 0.97 * np.sqrt(np.clip(1 - (np.minimum(y, 0) / 0.84) ** 2, 0, 1))

    edges = np.sin(np.pi * (np.arange(1, 8) / 8 - 0.5))
    y = np.linspace(-0.82, 0, 20)
    ribs = [np.stack([edge * half_width(y), y], -1) for edge in edges[1::2]]
    bounds = 0.97 * np.concatenate([[-1], edges, [1]])
    scallops = [
        ellipse((a + b) / 2, -0.01, (b - a) / 2, 0.06, 1.0, 0.5)
        for a, b in zip(bounds[-2::-1], bounds[:0:-1])
    ]
    canopy = np.concatenate([ellipse(0, 0.0, 0.97, 0.84, 0.5, 1.0), *scallops])
    return Thing(
        [
            Body(
                np.array([[0.0, -0.1], [0.0, 1.0]]), plain(0.62, 0.5, 0.34), 1.0, 0.2, width=0.055
            ),
            Body(canopy, gores(colours, 8, half_width), 0.75, 0.06),
            Body(ellipse(0, -0.86, 0.035, 0.06), plain(0.62, 0.5, 0.34)),
        ],
        ribs,
    )
