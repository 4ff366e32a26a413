"""Light and paint against what optics and geometry say."""

from __future__ import annotations

import numpy as np

from datasets.miniature import painting, scenes

SIZE = 96
ROWS, COLUMNS = np.mgrid[:SIZE, :SIZE]


def _disc(radius: float) -> np.ndarray:
    angle = np.linspace(0, 2 * np.pi, 200)
    return painting.mask(SIZE / 2 + radius * np.stack([np.cos(angle), np.sin(angle)], -1), SIZE)


def test_a_mask_has_the_area_of_its_outline():
    np.testing.assert_allclose(_disc(30).sum(), np.pi * 30**2, rtol=0.02)


def test_a_disc_is_inflated_to_a_ball():
    x, y = (COLUMNS + 0.5 - SIZE / 2) / 40, (ROWS + 0.5 - SIZE / 2) / 40
    inner = np.hypot(x, y) < 0.85
    normal = painting.inflated(_disc(40), roundness=1.0)
    ball = np.stack([x, y, np.sqrt(np.clip(1 - x**2 - y**2, 0, None))], -1)
    np.testing.assert_allclose(normal[inner], ball[inner], atol=0.08)


def test_a_turned_bar_is_a_cylinder():
    bar = np.zeros([SIZE, SIZE], np.float32)
    bar[:, 28:69] = 1  # its axis is column 48
    normal = painting.turned(bar)[50]
    np.testing.assert_allclose(normal[28:69, 0], (np.arange(28, 69) - 48) / 20.5, atol=0.02)
    np.testing.assert_allclose(np.linalg.norm(normal, axis=-1), 1, atol=1e-5)


def test_blur_spreads_a_point_to_its_variance():
    for radius in (1.5, 4.0):
        point = np.zeros([SIZE, SIZE], np.float32)
        point[44:52, 44:52] = 1 / 64
        spread = painting.blur(point, radius)
        np.testing.assert_allclose(spread.sum(), 1, atol=0.01)
        variance = (spread * (COLUMNS - 47.5) ** 2).sum()
        # (8 squared - 1) / 12 of the point's own
        np.testing.assert_allclose(variance, radius**2 + 63 / 12, rtol=0.25)


def test_light_comes_from_the_upper_left():
    grey, dark = np.full([1, 1, 3], 0.5), np.full(3, 0.2)

    def brightness(*normal: float) -> float:
        return painting.lit(
            grey, painting.unit(np.array([[normal]], np.float32)), 0.0, dark, dark
        ).mean()

    assert brightness(-1, -1, 1) > brightness(0, 0, 1) > brightness(1, 1, 1)


def test_lines_behind_a_body_are_not_drawn():
    cover = np.zeros([SIZE, SIZE], np.float32)
    cover[:, 40:60] = 1
    across = np.array([[5.0, 50.0], [90.0, 50.0]])
    pieces = scenes.visible(across, [cover])
    ends = [(piece[:, 0].min(), piece[:, 0].max()) for piece in pieces]
    # Its points are 2 pixels apart
    np.testing.assert_allclose(ends, [(5, 39.5), (59.5, 90)], atol=2)
