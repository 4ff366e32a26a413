"""Bent sketches: smoothly, by as much as is asked for, and from the seed alone."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from sketch2img_tf.data.elastic_warp import warp_sketch

SEEDS = [tf.constant([number, 0]) for number in range(40)]
SIDE = 64
RAMP = np.broadcast_to(np.arange(SIDE, dtype=np.float32)[:, np.newaxis, np.newaxis], [SIDE, SIDE, 1])


def _displacements(fraction: float, seed: tf.Tensor) -> np.ndarray:
    """How far, in rows, the points of the middle were moved: a ramp's values tell where they are from."""
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
        assert max(np.abs(np.diff(found, axis=axis)).max() for axis in (0, 1)) < 0.35 < np.ptp(found)


def test_a_line_stays_a_line():
    line = np.zeros([SIDE, SIDE, 1], np.float32)
    line[30:33] = 1.0
    for seed in SEEDS[:10]:
        warped = warp_sketch(tf.constant(line), 0.01, seed).numpy()[..., 0]
        assert 0.0 <= warped.min() and warped.max() <= 1.0
        np.testing.assert_allclose(warped.sum(0), np.full(SIDE, 3.0), atol=1.0)  # as thick as before in every column


def test_seed_and_fraction_decide():
    sketch = tf.constant(np.random.default_rng(0).uniform(size=[32, 48, 1]), tf.float32)
    first = warp_sketch(sketch, 0.02, SEEDS[0])
    assert first.shape == [32, 48, 1]
    np.testing.assert_array_equal(first, warp_sketch(sketch, 0.02, SEEDS[0]))
    assert np.abs(first - warp_sketch(sketch, 0.02, SEEDS[1])).max() > 0.1
    np.testing.assert_allclose(warp_sketch(sketch, 0.0, SEEDS[0]), sketch, atol=1e-6)
