"""Moments against NumPy's, their derivatives against those of the
definition, and what their gradient keeps.
"""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from sketch2img_tf.layers.cpu.moments import count, moments
from tests.layers.ancestors import kept
from tests.paired import paired

pytestmark = pytest.mark.ci

X = np.random.default_rng(0).normal(3.0, 2.0, [2, 3, 4, 5]).astype(np.float32)
WEIGHTS = np.random.default_rng(1).normal(size=[2, *X.shape]).astype(np.float32)
every_axes = pytest.mark.parametrize("axes", [[0, 1, 2], [1, 2]])


@every_axes
def test_values_are_numpys(axes):
    mean, variance = moments(tf.constant(X), axes)
    np.testing.assert_allclose(mean, X.mean(tuple(axes), keepdims=True), rtol=1e-5)
    np.testing.assert_allclose(variance, X.var(tuple(axes), keepdims=True), rtol=1e-5)
    assert count(tf.constant(X), axes) == np.prod([X.shape[axis] for axis in axes])


def test_half_precision_is_averaged_in_float32():
    """Around 100 a bfloat16 has steps of 0.5, so that a sum of
    bfloat16 would be far away from the mean.
    """
    x = tf.cast(X + 100, tf.bfloat16)
    exact = tf.cast(x, tf.float64).numpy()
    mean, variance = moments(x, [0, 1, 2])
    assert (mean.dtype, variance.dtype) == (tf.float32, tf.float32)
    np.testing.assert_allclose(mean, exact.mean((0, 1, 2), keepdims=True), rtol=1e-5)
    np.testing.assert_allclose(variance, exact.var((0, 1, 2), keepdims=True), rtol=1e-4)


def _by_definition(x, axes):
    mean = tf.reduce_mean(x, axes, keepdims=True)
    return mean, tf.reduce_mean((x - mean) ** 2, axes, keepdims=True)


def _derivatives(function, axes) -> list[tf.Tensor]:
    """The gradient of some function of the moments, and the gradient of a function of that one."""
    x = tf.constant(X)
    with tf.GradientTape() as outer:
        outer.watch(x)
        with tf.GradientTape() as inner:
            inner.watch(x)
            mean, variance = function(x, axes)
            value = tf.reduce_sum(
                tf.sin(WEIGHTS[0] * mean) + WEIGHTS[1] * tf.sqrt(variance) * tf.square(x)
            )
        first = inner.gradient(value, x)
        of_first = tf.reduce_sum(tf.sin(first))
    return [first, outer.gradient(of_first, x)]


@every_axes
@pytest.mark.parametrize("traced", [False, True])
def test_derivatives_of_two_orders_are_those_of_the_definition(axes, traced):
    derivatives = tf.function(_derivatives) if traced else _derivatives
    for found, expected in paired(derivatives(moments, axes), _derivatives(_by_definition, axes)):
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


def test_of_what_is_as_large_as_x_the_gradient_keeps_x_alone():
    @tf.function(input_signature=[tf.TensorSpec(X.shape)])
    def gradient(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            mean, variance = moments(x, [0, 1, 2])
            value = tf.tanh(tf.reduce_sum(mean * variance))
        return tape.gradient(value, x)

    graph = gradient.get_concrete_function().graph
    forward = next(operation for operation in graph.get_operations() if operation.type == "Tanh")
    large = [tensor for tensor in kept(forward, graph.outputs) if tensor.shape == X.shape]
    assert {tensor.op.type for tensor in large} == {"Placeholder"}
