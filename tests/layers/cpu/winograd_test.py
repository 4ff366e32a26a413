"""Convolutions by tiles against plain sums in float64."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from sketch2img_tf.layers.cpu import winograd

pytestmark = pytest.mark.ci

# Batch, height, width, inputs, filters
SHAPES = [(2, 8, 8, 5, 7), (3, 4, 12, 16, 4), (1, 16, 8, 1, 1)]
BATCH, SIDE, CHANNELS = 2, 16, 512


def exact(x: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """The sums that a convolution is."""
    height, width = x.shape[1:3]
    padded = np.pad(x, [(0, 0), (1, 1), (1, 1), (0, 0)])
    return sum(
        padded[:, i : i + height, j : j + width] @ kernel[i, j] for i in range(3) for j in range(3)
    )


def exact_filter_gradient(x: np.ndarray, upstream: np.ndarray) -> np.ndarray:
    height, width = x.shape[1:3]
    padded = np.pad(x, [(0, 0), (1, 1), (1, 1), (0, 0)])
    seen = [[padded[:, i : i + height, j : j + width] for j in range(3)] for i in range(3)]
    return np.array([[np.einsum("bhwi,bhwo->io", each, upstream) for each in row] for row in seen])


def draw(batch, height, width, inputs, filters):
    rng = np.random.default_rng(0)
    shapes = (
        [batch, height, width, inputs],
        [3, 3, inputs, filters],
        [batch, height, width, filters],
    )
    return [rng.normal(size=shape) for shape in shapes]


@pytest.mark.parametrize("pictures", [1, 2, 100])
@pytest.mark.parametrize("shape", SHAPES)
def test_outputs_and_the_filter_gradient_are_the_sums(shape, pictures, monkeypatch):
    """However many pictures are done at a time."""
    batch, height, width, *channels = shape
    monkeypatch.setattr(
        winograd, "_PART_BYTES", pictures * 4 * max(channels) * (height * 6 // 4) * (width * 6 // 4)
    )
    parts = winograd._parts(tf.zeros([batch, height, width, 1]), max(channels))
    assert len(parts) == -(-batch // pictures)
    x, kernel, upstream = draw(*shape)
    # Not as they were traced before, with other parts.
    conv2d = winograd._conv2d.python_function
    filter_gradient = winograd._filter_gradient.python_function
    found = conv2d(tf.constant(x, tf.float32), tf.constant(kernel, tf.float32))
    np.testing.assert_allclose(found, exact(x, kernel), atol=1e-4 * np.sqrt(kernel[..., 0].size))
    found = filter_gradient(tf.constant(x, tf.float32), tf.constant(upstream, tf.float32))
    np.testing.assert_allclose(
        found, exact_filter_gradient(x, upstream), atol=1e-4 * np.sqrt(x[..., 0].size)
    )


def test_rounding_stays_within_some_units_of_float32():
    """512 channels, the full run's most: the error's root mean square over the values' own."""
    x, kernel, upstream = draw(BATCH, SIDE, SIDE, CHANNELS, CHANNELS)
    narrow = [tf.constant(each, tf.float32) for each in (x, kernel, upstream)]
    for found, expected in (
        (winograd.conv2d(*narrow[:2]), exact(x, kernel)),
        (winograd.filter_gradient(narrow[0], narrow[2]), exact_filter_gradient(x, upstream)),
    ):
        error = np.sqrt(np.mean((found - expected) ** 2) / np.mean(expected**2))
        assert error < 32 * np.finfo(np.float32).eps


def test_a_picture_has_the_outputs_it_has_alone():
    x, kernel, _ = (tf.constant(each, tf.float32) for each in draw(3, 8, 8, 16, 16))
    together = winograd.conv2d(x, kernel)
    alone = tf.concat([winograd.conv2d(x[i : i + 1], kernel) for i in range(3)], 0)
    np.testing.assert_allclose(together, alone, atol=1e-5)
