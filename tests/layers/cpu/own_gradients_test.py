"""Own gradients, and TensorFlow's in their place where they are left out."""

from __future__ import annotations

import pytest
import tensorflow as tf

from sketch2img_tf.layers.cpu import own_gradients


@own_gradients.with_own_gradient
def _square(x):
    """With a gradient that is seen to be its own."""
    return x**2, lambda upstream: 100.0 * upstream


def _slope() -> tf.Tensor:
    x = tf.constant(3.0)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = _square(x)
    return tape.gradient(y, x)


@pytest.mark.parametrize("called", [lambda function: function, tf.function], ids=["eager", "graph"])
def test_they_are_left_out_inside_alone(called):
    assert float(called(_slope)()) == 100
    with own_gradients.left_out():
        assert float(called(_slope)()) == 6
    assert float(called(_slope)()) == 100


def test_they_are_back_after_a_failure():
    with pytest.raises(KeyError), own_gradients.left_out():
        raise KeyError
    assert float(_slope()) == 100
