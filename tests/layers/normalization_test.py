"""Norms against Keras' own: values, gradients, and the statistics that they leave."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from sketch2img_tf.layers.normalization import (
    EPSILON,
    MOMENTUM,
    BatchNormalization,
    InstanceNormalization,
)
from tests.paired import paired

CHANNELS = 3
X = np.random.default_rng(0).normal(3.0, 2.0, [4, 5, 6, CHANNELS]).astype(np.float32)
WEIGHTS = np.random.default_rng(1).normal(size=X.shape).astype(np.float32)


def _pair(kind: str) -> tuple[tf.keras.layers.Layer, tf.keras.layers.Layer]:
    """Ours and Keras', with the same variables, whose values are no defaults."""
    if kind == "batch":
        ours = BatchNormalization()
        keras = tf.keras.layers.BatchNormalization(momentum=MOMENTUM, epsilon=EPSILON)
    else:
        ours = InstanceNormalization()
        keras = tf.keras.layers.GroupNormalization(groups=-1, epsilon=EPSILON)
    generator = np.random.default_rng(2)
    for layer in (ours, keras):
        layer.build([None, None, None, CHANNELS])
    for variable, same in paired(ours.weights, keras.weights):
        same.assign(generator.uniform(0.5, 2.0, variable.shape))
        variable.assign(same)
    return ours, keras


def _derivatives(layer, training: bool) -> list[tf.Tensor]:
    """Outputs, and gradients of x and the trained variables."""
    x = tf.constant(X)
    with tf.GradientTape() as tape:
        tape.watch(x)
        outputs = layer(x, training=training) if isinstance(layer, _TRAIN) else layer(x)
        loss = tf.reduce_sum(WEIGHTS * outputs**2)
    return [outputs, *tape.gradient(loss, [x, *layer.trainable_variables])]


_TRAIN = (BatchNormalization, tf.keras.layers.BatchNormalization)


@pytest.mark.parametrize("kind, training", [("batch", True), ("batch", False), ("instance", True)])
def test_values_and_gradients_are_keras(kind, training):
    ours, keras = _pair(kind)
    for found, expected in paired(_derivatives(ours, training), _derivatives(keras, training)):
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("training", [True, False])
def test_moving_statistics_are_keras(training):
    ours, keras = _pair("batch")
    before = [variable.numpy() for variable in ours.non_trainable_variables]
    for x in (X, 2 * X + 1):
        ours(x, training=training)
        keras(x, training=training)
    for variable, same, old in paired(
        ours.non_trainable_variables, keras.non_trainable_variables, before
    ):
        np.testing.assert_allclose(variable, same, rtol=1e-5)
        assert np.any(variable != old) == training


def test_names_are_keras_so_that_checkpoints_of_its_layers_come_back(tmp_path):
    ours, keras = _pair("batch")
    path = tf.train.Checkpoint(norm=keras).write(str(tmp_path / "checkpoint"))
    for variable in ours.weights:
        variable.assign(tf.zeros_like(variable))
    tf.train.Checkpoint(norm=ours).read(path).assert_consumed()
    for variable, same in paired(ours.weights, keras.weights):
        np.testing.assert_array_equal(variable, same)


def test_without_scale_and_shift_it_is_the_normalised_batch():
    layer = BatchNormalization(affine=False)
    expected = (X - X.mean((0, 1, 2))) / np.sqrt(X.var((0, 1, 2)) + EPSILON)
    np.testing.assert_allclose(layer(X, training=True), expected, rtol=1e-4, atol=1e-5)
    assert not layer.trainable_variables


def test_one_value_a_channel_leaves_statistics_that_are_finite():
    """n - 1 is zero then."""
    layer = BatchNormalization()
    layer(X[:1, :1, :1], training=True)
    np.testing.assert_allclose(layer.moving_variance, np.full([CHANNELS], MOMENTUM), rtol=1e-6)
