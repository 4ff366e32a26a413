"""The convolution for CPUs against TensorFlow's own: values, and gradients of the first and the second order."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from sketch2img_tf.layers import convolution
from sketch2img_tf.layers.convolution import Conv2D, conv2d

SIDES = [8, 9]  # the filter's gradient as nine products, and TensorFlow's own


def _plain(x, kernel, bias):
    return tf.nn.bias_add(tf.nn.conv2d(x, kernel, 1, "SAME"), bias)


def _arguments(side: int, dtype=tf.float32) -> list[tf.Tensor]:
    shapes = ([2, side, side, 3], [3, 3, 3, 5], [5])
    return [tf.cast(tf.random.stateless_normal(shape, [1, i]), dtype) for i, shape in enumerate(shapes)]


def _derivatives(function, arguments: list[tf.Tensor]) -> list[tf.Tensor]:
    """The value, its gradients, and those of a function of the gradient with respect to x: as DRAGAN's."""
    with tf.GradientTape(persistent=True) as outer:
        outer.watch(arguments)
        with tf.GradientTape() as inner:
            inner.watch(arguments)
            value = function(*arguments)
            total = tf.reduce_sum(tf.sin(value))
        first = inner.gradient(total, arguments)
        slope = tf.reduce_sum(first[0] ** 2)
        slopes = tf.reduce_sum(first[1] ** 2)
    return [value, *first, *outer.gradient(slope, arguments), *outer.gradient(slopes, arguments)]


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("products", [True, False])
def test_values_and_gradients_of_two_orders_are_tensorflows(side, products, monkeypatch):
    if products:  # in float32, whose rounding is fine enough to compare
        monkeypatch.setattr(
            convolution, "_filter_gradient", lambda x, upstream: convolution._nine_products(x, upstream)
        )
    arguments = _arguments(side)
    for found, expected in zip(_derivatives(conv2d, arguments), _derivatives(_plain, arguments)):
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("side", SIDES)
def test_in_bfloat16_they_are_as_near_as_bfloat16_is(side):
    arguments = _arguments(side, tf.bfloat16)
    wide = [tf.cast(argument, tf.float32) for argument in arguments]
    with tf.GradientTape() as tape, tf.GradientTape() as plain:
        tape.watch(arguments)
        plain.watch(wide)
        value, expected = conv2d(*arguments), _plain(*wide)
    for found, exact in zip(tape.gradient(value, arguments), plain.gradient(expected, wide)):
        assert found.dtype == tf.bfloat16
        np.testing.assert_allclose(tf.cast(found, tf.float32), exact, rtol=0.02, atol=0.1)


def test_products_are_taken_for_few_positions_in_bfloat16_alone(monkeypatch):
    taken = []
    products = convolution._nine_products
    monkeypatch.setattr(convolution, "_nine_products", lambda *each: taken.append(each[0].dtype) or products(*each))
    for side in SIDES:
        for dtype in (tf.bfloat16, tf.float32):
            arguments = _arguments(side, dtype)
            with tf.GradientTape() as tape:
                tape.watch(arguments)
                value = conv2d(*arguments)
            tape.gradient(value, arguments)
    assert taken == [tf.bfloat16]


def test_the_layer_is_keras_own():
    layer, keras = Conv2D(5, 3, padding="same"), tf.keras.layers.Conv2D(5, 3, padding="same")
    x = _arguments(8)[0]
    layer(x), keras(x)
    keras.set_weights(layer.get_weights())
    np.testing.assert_allclose(layer(x), keras(x), rtol=1e-5, atol=1e-5)
