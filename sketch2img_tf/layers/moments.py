"""Mean and variance, in float32, whose gradients keep nothing but what they are of."""

from __future__ import annotations

import tensorflow as tf


def moments(x: tf.Tensor, axes: list[int]) -> tuple[tf.Tensor, tf.Tensor]:
    """The mean, and the mean square of the distances from it (n is what it divides by), with gradients of every order.

    Differs from `tf.nn.moments`, which keeps those distances for its gradient, and whose second-order gradient leaves
    out what passes through the mean.

    Args:
      x: float of any type and shape.
      axes: to average over.

    Returns:
      A pair of float32, of the shape of x with ones in place of the axes.
    """
    mean = _mean(x, axes)

    @tf.custom_gradient
    def variance(x):
        def gradient(upstream):
            # Through the mean there is none: the distances sum to zero, whatever x is.
            share = 2.0 * upstream / count(x, axes)
            return tf.cast((tf.cast(x, tf.float32) - _mean(x, axes)) * share, x.dtype)

        return tf.reduce_mean(tf.math.squared_difference(tf.cast(x, tf.float32), mean), axes, keepdims=True), gradient

    return mean, variance(x)


def count(x: tf.Tensor, axes: list[int]) -> tf.Tensor:
    """How many values `moments` averages over, float32 []."""
    return tf.cast(tf.reduce_prod(tf.gather(tf.shape(x), axes)), tf.float32)


def _mean(x: tf.Tensor, axes: list[int]) -> tf.Tensor:
    return tf.reduce_mean(tf.cast(x, tf.float32), axes, keepdims=True)
