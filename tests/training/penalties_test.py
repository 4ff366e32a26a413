"""DRAGAN and R1 on discriminators whose slope is known, and where it is measured."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from sketch2img_tf.training import penalties

SHAPE = (4, 8, 8, 3)
PHOTOS = tf.constant(np.random.default_rng(0).uniform(-1, 1, size=SHAPE), tf.float32)


def _weights(length: float) -> tf.Tensor:
    weights = np.random.default_rng(1).normal(size=SHAPE[1:])
    return tf.constant(length * weights / np.linalg.norm(weights), tf.float32)


@pytest.mark.parametrize("length, penalty", [(0.25, 0.5625), (1.0, 0.0), (3.0, 4.0)])
def test_linear_discriminator(length, penalty):
    """The gradient of w . x + b is w everywhere: (|w| - 1)^2, whatever b and x."""
    weights = _weights(length)
    values = penalties.dragan(lambda x: tf.reduce_sum(weights * x, [1, 2, 3]) + 5.0, PHOTOS)
    np.testing.assert_allclose(values, [penalty] * 4, atol=1e-5)


def test_every_example_has_a_slope_of_its_own():
    lengths = tf.constant([0.0, 1.0, 2.0, 4.0])
    values = penalties.dragan(
        lambda x: lengths * tf.reduce_sum(_weights(1.0) * x, [1, 2, 3]), PHOTOS
    )
    np.testing.assert_allclose(values, [1.0, 0.0, 1.0, 9.0], atol=1e-4)


def test_slope_is_measured_at_the_given_points():
    """The gradient of |x|^2 / 2 is x."""
    values = penalties.dragan(lambda x: tf.reduce_sum(x**2, [1, 2, 3]) / 2, PHOTOS)
    lengths = np.linalg.norm(PHOTOS.numpy().reshape(4, -1), axis=1)
    np.testing.assert_allclose(values, (lengths - 1) ** 2, rtol=1e-5)


def test_gradient_pulls_the_slope_towards_one():
    """d(|w| - 1)^2 / dw = 2 (|w| - 1) w / |w|."""
    weights = tf.Variable(_weights(3.0))
    with tf.GradientTape() as tape:
        value = tf.reduce_mean(
            penalties.dragan(lambda x: tf.reduce_sum(weights * x, [1, 2, 3]), PHOTOS)
        )
    np.testing.assert_allclose(
        tape.gradient(value, weights), 2 * (3 - 1) * _weights(1.0), atol=1e-5
    )


def test_flat_discriminator_has_a_finite_gradient():
    scale = tf.Variable(0.0)
    with tf.GradientTape() as tape:
        values = penalties.dragan(lambda x: scale * tf.reduce_sum(x, [1, 2, 3]), PHOTOS)
    np.testing.assert_allclose(values, np.ones(4), atol=1e-5)
    assert np.isfinite(tape.gradient(values, scale))


def test_slope_through_bfloat16_is_summed_in_float32():
    weights = tf.cast(_weights(3.0), tf.bfloat16)
    values = penalties.dragan(
        lambda x: tf.reduce_sum(weights * tf.cast(x, tf.bfloat16), [1, 2, 3]), PHOTOS
    )
    assert values.dtype == tf.float32
    length = np.linalg.norm(tf.cast(weights, tf.float32))
    np.testing.assert_allclose(values, [(length - 1) ** 2] * 4, rtol=1e-2)


def test_r1_is_half_the_squared_slope():
    """Of w . x it is |w|^2 / 2 everywhere; of |x|^2 / 2, |x|^2 / 2."""
    lengths = tf.constant([0.0, 1.0, 2.0, 4.0])
    values = penalties.r1(lambda x: lengths * tf.reduce_sum(_weights(1.0) * x, [1, 2, 3]), PHOTOS)
    np.testing.assert_allclose(values, [0.0, 0.5, 2.0, 8.0], atol=1e-5)
    values = penalties.r1(lambda x: tf.reduce_sum(x**2, [1, 2, 3]) / 2, PHOTOS)
    np.testing.assert_allclose(values, (PHOTOS.numpy() ** 2).sum((1, 2, 3)) / 2, rtol=1e-5)


def test_r1_of_a_flat_discriminator_is_zero_with_a_finite_gradient_that_scaling_leaves_alone():
    weights = tf.Variable(_weights(3.0))
    for length in (3.0, 0.0):
        weights.assign(_weights(length))
        for scale in (1.0, 1024.0):
            with tf.GradientTape() as tape:
                value = tf.reduce_mean(
                    penalties.r1(lambda x: tf.reduce_sum(weights * x, [1, 2, 3]), PHOTOS, scale)
                )
            np.testing.assert_allclose(value, length**2 / 2, rtol=1e-5)
            np.testing.assert_allclose(tape.gradient(value, weights), weights, atol=1e-5)


def _offsets(deviation: float, seed=(0, 1), shape=(64, 8, 8, 3)) -> np.ndarray:
    return penalties.perturb(tf.zeros(shape), tf.constant(deviation), tf.constant(seed)).numpy()


def test_perturbed_photos_lie_within_half_a_deviation_above():
    offsets = penalties.perturb(PHOTOS, tf.constant(0.6), tf.constant([0, 1])) - PHOTOS
    assert np.all(offsets >= -1e-6) and np.all(offsets < 0.5 * 0.6 + 1e-6)
    assert np.max(offsets) > 0.1
    np.testing.assert_array_equal(
        penalties.perturb(PHOTOS, tf.constant(0.0), tf.constant([0, 1])), PHOTOS
    )


def test_perturbation_is_a_share_an_example_of_uniform_noise_a_pixel():
    """a * 0.5 * deviation * U: within an example uniform from 0 to a * 0.5 *
    deviation, and a uniform over examples.
    """
    offsets = _offsets(0.6).reshape(64, -1)
    shares = offsets.max(1) / (0.5 * 0.6)  # the largest of 192 U is nearly 1
    noise = offsets / offsets.max(1, keepdims=True)
    np.testing.assert_allclose([noise.mean(), noise.std()], [0.5, 12**-0.5], atol=0.01)
    np.testing.assert_allclose(noise.mean(1), np.full(64, 0.5), atol=0.1)
    np.testing.assert_allclose([shares.mean(), shares.std()], [0.5, 12**-0.5], atol=0.1)


def test_perturbation_follows_its_seed():
    np.testing.assert_array_equal(_offsets(1.0), _offsets(1.0))
    assert np.abs(_offsets(1.0) - _offsets(1.0, seed=(0, 2))).mean() > 0.1
