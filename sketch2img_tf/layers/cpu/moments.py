"""Mean and variance in float32, with gradients that keep nothing but the input."""

from __future__ import annotations

import math

import tensorflow as tf

from sketch2img_tf.layers.cpu.fusion import fused, summed
from sketch2img_tf.layers.cpu.own_gradients import with_own_gradient


def moments(x: tf.Tensor, axes: list[int]) -> tuple[tf.Tensor, tf.Tensor]:
    """The mean, and the variance that divides by n, with gradients of every order.

    Differs from `tf.nn.moments`, which keeps the distances from the mean for its gradient, and
    whose second-order gradient omits the part through the mean.

    Args:
      x: float [B, H, W, C].
      axes: the axes to average over, [0, 1, 2] or [1, 2].

    Returns:
      A pair of float32 [B or 1, 1, 1, C].
    """

    @with_own_gradient
    def both(x):
        def gradient(of_mean, of_variance):
            # The variance has no gradient through the mean: the distances always sum to zero.
            return _gradient(
                x, _mean(x, axes), of_mean / count(x, axes), 2.0 * of_variance / count(x, axes)
            )

        mean = _mean(x, axes)
        return (mean, summed(_squared_distances, axes, x, mean) / count(x, axes)), gradient

    return both(x)


def count(x: tf.Tensor, axes: list[int]) -> tf.Tensor:
    """How many values `moments` averages over, float32 []."""
    lengths = [x.shape[axis] for axis in axes]
    if None not in lengths:  # saves ten operations in hundreds of places
        return tf.constant(math.prod(lengths), tf.float32)
    return tf.cast(tf.reduce_prod(tf.gather(tf.shape(x), axes)), tf.float32)


def _mean(x: tf.Tensor, axes: list[int]) -> tf.Tensor:
    return summed(tf.identity, axes, x) / count(x, axes)


def _squared_distances(x: tf.Tensor, mean: tf.Tensor) -> tf.Tensor:
    return tf.math.squared_difference(x, mean)


@fused
def _gradient(
    x: tf.Tensor, mean: tf.Tensor, of_mean: tf.Tensor, of_variance: tf.Tensor
) -> tf.Tensor:
    return tf.cast(of_mean + of_variance * (tf.cast(x, tf.float32) - mean), x.dtype)
