"""Bent sketches: smoothly, by as much as is asked for, and from the seed alone."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from sketch2img_tf.data import elastic_warp
from sketch2img_tf.data.elastic_warp import warp_sketch
from sketch2img_tf.surroundings import lanes

SEEDS = [tf.constant([number, 0]) for number in range(40)]
SIDE = 64
RAMP = np.broadcast_to(
    np.arange(SIDE, dtype=np.float32)[:, np.newaxis, np.newaxis], [SIDE, SIDE, 1]
)


def _displacements(fraction: float, seed: tf.Tensor) -> np.ndarray:
    """How far, in rows, the points of the middle were moved: a
    ramp's values tell where they are from.
    """
    warped = warp_sketch(tf.constant(RAMP), fraction, seed)
    return (RAMP - warped.numpy())[16:-16, 16:-16, 0]


@pytest.mark.parametrize("fraction", [0.01, 0.04])
def test_displacements_are_as_large_as_asked_for(fraction):
    found = np.concatenate([_displacements(fraction, seed) for seed in SEEDS])
    assert abs(found.mean()) < 0.2 * fraction * SIDE
    # Between the points the cubic surface averages them: less than at the points themselves.
    assert 0.6 * fraction * SIDE < found.std() < 1.05 * fraction * SIDE


def test_displacements_are_smooth():
    for seed in SEEDS[:10]:
        found = _displacements(0.01, seed)
        assert (
            max(np.abs(np.diff(found, axis=axis)).max() for axis in (0, 1)) < 0.35 < np.ptp(found)
        )


def test_a_line_stays_a_line():
    line = np.zeros([SIDE, SIDE, 1], np.float32)
    line[30:33] = 1.0
    for seed in SEEDS[:10]:
        warped = warp_sketch(tf.constant(line), 0.01, seed).numpy()[..., 0]
        assert 0.0 <= warped.min() and warped.max() <= 1.0
        # As thick as before in every column
        np.testing.assert_allclose(warped.sum(0), np.full(SIDE, 3.0), atol=1.0)


def test_seed_and_fraction_decide():
    sketch = tf.constant(np.random.default_rng(0).uniform(size=[32, 48, 1]), tf.float32)
    first = warp_sketch(sketch, 0.02, SEEDS[0])
    assert first.shape == [32, 48, 1]
    np.testing.assert_array_equal(first, warp_sketch(sketch, 0.02, SEEDS[0]))
    assert np.abs(first - warp_sketch(sketch, 0.02, SEEDS[1])).max() > 0.1
    np.testing.assert_allclose(warp_sketch(sketch, 0.0, SEEDS[0]), sketch, atol=1e-6)


def _fields(shape: list[int]) -> list[tf.Tensor]:
    """None, whole pixels, small and large ones: far beyond every border."""
    random = np.random.default_rng(1).normal(size=[*shape, 2])
    return [tf.constant(np.round(scale * random, digits), tf.float32) for scale, digits in _SCALES]


_SCALES = [(0.0, 0), (2.0, 0), (0.7, 6), (30.0, 6)]


@pytest.mark.parametrize("shape", [[64, 64], [17, 40], [2, 2]])
def test_gathered_by_its_definition(shape):
    """Each point between the four around it, in float64; a point
    beyond the border is moved onto it.
    """
    image = np.random.default_rng(0).uniform(size=[*shape, 3]).astype(np.float32)
    for field in _fields(shape):
        points = np.stack(np.indices(shape), -1) - field.numpy().astype(np.float64)
        points = np.clip(points, 0, np.array(shape) - 1)
        corner = np.minimum(np.floor(points), np.array(shape) - 2).astype(int)
        expected = np.zeros(image.shape)
        for offset in np.ndindex(2, 2):
            share = np.prod(1 - np.abs(points - corner - offset), -1, keepdims=True)
            expected += share * image[tuple(np.moveaxis(corner + offset, -1, 0))]
        np.testing.assert_allclose(
            elastic_warp.gathered(tf.constant(image), field), expected, atol=1e-5
        )


@pytest.mark.parametrize("shape", [[64, 64], [17, 40]])
def test_gathered_is_what_addons_gives(shape):
    if not lanes.addons():
        pytest.skip("needs TensorFlow Addons")
    image = tf.constant(np.random.default_rng(0).uniform(size=[*shape, 1]), tf.float32)
    for field in _fields(shape):
        expected = lanes.addons().image.dense_image_warp(image[tf.newaxis], field[tf.newaxis])[0]
        np.testing.assert_allclose(elastic_warp.gathered(image, field), expected, atol=1e-6)
