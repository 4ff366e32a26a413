"""Conditional batch norm against its formula in NumPy."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from sketch2img_tf.layers.conditional_batch_norm import ConditionalBatchNormalization
from sketch2img_tf.layers.normalization import EPSILON, MOMENTUM

pytestmark = pytest.mark.usefixtures("seeded")

CLASSES, CHANNELS = 4, 3
LABELS = np.array([2, 0, 2])
X = np.random.default_rng(0).normal(3.0, 2.0, size=[3, 4, 5, CHANNELS]).astype(np.float32)


def _layer(**settings) -> ConditionalBatchNormalization:
    layer = ConditionalBatchNormalization(CLASSES, **settings)
    layer((X, LABELS), training=False)
    layer.gamma.assign(np.arange(1.0, 1.0 + CLASSES * CHANNELS).reshape(CLASSES, CHANNELS))
    layer.beta.assign(
        -np.arange(CLASSES * CHANNELS, dtype=np.float32).reshape(CLASSES, CHANNELS) / 2
    )
    return layer


def _expected(layer, x, mean, variance) -> np.ndarray:
    gamma, beta = layer.gamma.numpy()[LABELS], layer.beta.numpy()[LABELS]
    normalized = (x - mean) / np.sqrt(variance + EPSILON)
    return np.stack([gamma[i] * normalized[i] + beta[i] for i in range(len(LABELS))])


def test_training_uses_the_statistics_of_the_batch():
    layer = _layer()
    expected = _expected(layer, X, X.mean((0, 1, 2)), X.var((0, 1, 2)))
    np.testing.assert_allclose(layer((X, LABELS), training=True), expected, rtol=1e-4, atol=1e-4)


def test_inference_uses_the_moving_statistics():
    layer = _layer()
    mean, variance = np.array([1.0, -2.0, 0.5]), np.array([4.0, 0.25, 1.0])
    layer.normalization.moving_mean.assign(mean)
    layer.normalization.moving_variance.assign(variance)
    expected = _expected(layer, X, mean, variance)
    np.testing.assert_allclose(layer((X, LABELS), training=False), expected, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(layer((X, LABELS)), expected, rtol=1e-4, atol=1e-4)


def test_moving_statistics_follow_two_batches():
    layer = _layer()
    mean, variance = np.zeros(CHANNELS), np.ones(CHANNELS)
    for x in (X, 2 * X + 1):
        layer((x, LABELS), training=True)
        mean = MOMENTUM * mean + (1 - MOMENTUM) * x.mean((0, 1, 2))
        variance = MOMENTUM * variance + (1 - MOMENTUM) * x.var((0, 1, 2), ddof=1)
    np.testing.assert_allclose(layer.normalization.moving_mean, mean, rtol=1e-5)
    np.testing.assert_allclose(layer.normalization.moving_variance, variance, rtol=1e-5)


def test_inference_moves_no_statistics():
    layer = _layer()
    layer((X, LABELS), training=False)
    np.testing.assert_array_equal(layer.normalization.moving_mean, np.zeros(CHANNELS))
    np.testing.assert_array_equal(layer.normalization.moving_variance, np.ones(CHANNELS))


def test_only_the_classes_of_the_batch_have_a_gradient():
    layer = _layer()
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(layer((X, LABELS), training=True) ** 2)
    for gradient in tape.gradient(loss, [layer.gamma, layer.beta]):
        rows = np.abs(tf.convert_to_tensor(gradient).numpy()).sum(-1)
        assert np.array_equal(rows > 0, [True, False, True, False])


def test_scales_start_around_one_and_shifts_at_zero():
    layer = ConditionalBatchNormalization(100)
    layer.build([[None, None, None, 100], [None]])
    gamma = layer.gamma.numpy()
    assert abs(gamma.mean() - 1.0) < 1e-3
    assert abs(gamma.std() - 0.02) < 1e-3
    np.testing.assert_array_equal(layer.beta, np.zeros([100, 100]))


def test_residual_adds_to_what_all_classes_share():
    layer = _layer(residual=True)
    shared_gamma, shared_beta = np.array([0.5, -1.0, 2.0]), np.array([3.0, 0.0, -0.25])
    layer.shared_gamma.assign(shared_gamma)
    layer.shared_beta.assign(shared_beta)
    normalized = (X - X.mean((0, 1, 2))) / np.sqrt(X.var((0, 1, 2)) + EPSILON)
    gamma = layer.gamma.numpy()[LABELS] + shared_gamma
    beta = layer.beta.numpy()[LABELS] + shared_beta
    expected = gamma[:, None, None] * normalized + beta[:, None, None]
    np.testing.assert_allclose(layer((X, LABELS), training=True), expected, rtol=1e-4, atol=1e-4)


def test_residual_starts_as_all_classes_alike_but_for_a_little():
    layer = ConditionalBatchNormalization(100, residual=True)
    layer.build([[None, None, None, 100], [None]])
    assert abs(layer.gamma.numpy().mean()) < 1e-3 and abs(layer.gamma.numpy().std() - 0.02) < 1e-3
    np.testing.assert_array_equal(layer.shared_gamma, np.ones(100))
    for shifts in (layer.beta, layer.shared_beta):
        np.testing.assert_array_equal(shifts, np.zeros_like(shifts))


def test_statistics_are_computed_in_float32_under_mixed_precision():
    """Around 100 a bfloat16 has steps of 0.5, so that a sum of
    bfloat16 would be far away from the mean.
    """
    layer = _layer(dtype=tf.keras.mixed_precision.Policy("mixed_bfloat16"))
    x = tf.cast(X + 100, tf.bfloat16)
    outputs = layer((x, LABELS), training=True)
    exact = tf.cast(x, tf.float64).numpy()
    assert outputs.dtype == tf.bfloat16
    np.testing.assert_allclose(
        layer.normalization.moving_mean, (1 - MOMENTUM) * exact.mean((0, 1, 2)), rtol=1e-5
    )
    expected = _expected(layer, exact, exact.mean((0, 1, 2)), exact.var((0, 1, 2)))
    np.testing.assert_allclose(tf.cast(outputs, tf.float32), expected, rtol=0.02, atol=0.1)
