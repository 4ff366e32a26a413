"""The gradient penalties on the discriminator."""

from __future__ import annotations

from typing import Callable

import tensorflow as tf

from sketch2img_tf.devices import stateless_random

SLOPE = 1.0  # k
SPREAD = 0.5
EPSILON = 1e-12  # in the root: a finite gradient where the discriminator is constant


def perturb(photos: tf.Tensor, deviation: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Points between real photos and their noisy copies, where DRAGAN measures the slope.

    The noisy copies are p = photos + 0.5 * deviation * U(0, 1), one U per pixel and channel. The
    points are photos + a * (p - photos), with one a ~ U(0, 1) per example.

    Args:
      photos: normalised real photos, float32 [B, S, S, 3].
      deviation: standard deviation of all values of the batch of photos, float32 [].
      seed: int [2].

    Returns:
      float32 [B, S, S, 3].
    """
    seeds = stateless_random.split(seed, 2)
    noise = SPREAD * deviation * stateless_random.uniform(photos.shape.as_list(), seeds[0], axis=0)
    share = stateless_random.uniform([photos.shape[0], 1, 1, 1], seeds[1], axis=0)
    return photos + share * noise


def dragan(
    discriminator: Callable[[tf.Tensor], tf.Tensor],
    mixed: tf.Tensor,
    scale: tf.Tensor | float = 1.0,
) -> tf.Tensor:
    """(|d discriminator(mixed) / d mixed|_2 - 1)^2; the norm is over an example's pixel values.

    Kodali et al., "On Convergence and Stability of GANs", 2017, the DRAGAN penalty, with k = 1.

    Differs from the paper, whose noise is centred on the photo: for ours see `perturb`. The
    gradient is that of the sum of the batch's logits: through the discriminator's batch norm, an
    example also changes the logits of the others a little. The implementation that the report cites
    has the same noise and the same sum.

    Args:
      discriminator: photos to logits [B]; its other inputs are not perturbed.
      mixed: float32 [B, S, S, 3], as from `perturb`.
      scale: loss scale: the logits are multiplied by it and their gradient is divided by it, so
        that the gradient does not underflow in float16.

    Returns:
      float32 [B].
    """
    return tf.square(tf.sqrt(_squared_slopes(discriminator, mixed, scale) + EPSILON) - SLOPE)


def r1(
    discriminator: Callable[[tf.Tensor], tf.Tensor],
    photos: tf.Tensor,
    scale: tf.Tensor | float = 1.0,
) -> tf.Tensor:
    """|d discriminator(photos) / d photos|_2^2 / 2, over all pixels and channels of an example.

    Mescheder et al., "Which Training Methods for GANs do actually Converge?", 2018, equation 9,
    without its weight gamma. It is measured at the real photos. The arguments, the gradient of the
    sum and the result are as in `dragan`.
    """
    return 0.5 * _squared_slopes(discriminator, photos, scale)


def _squared_slopes(discriminator, points: tf.Tensor, scale: tf.Tensor | float) -> tf.Tensor:
    with tf.GradientTape() as tape:
        tape.watch(points)
        logits = scale * discriminator(points)
    gradients = tf.cast(tape.gradient(logits, points), tf.float32) / scale
    return tf.reduce_sum(tf.square(gradients), [1, 2, 3])
