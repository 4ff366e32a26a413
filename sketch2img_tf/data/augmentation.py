"""Random changes to training pictures, on intensities (see preprocessing.py), from explicit seeds."""

from __future__ import annotations

import tensorflow as tf

MAX_BRIGHTNESS = 0.3
MAX_CONTRAST = 0.2


def jitter_photo(photo: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Random brightness, +-0.3, then contrast, x 0.8 to 1.2.

    Args:
      photo: intensities, float32 [H, W, 3] in [0, 1].
      seed: int [2]; the same seed gives the same change.

    Returns:
      Intensities of the same shape, clipped to [0, 1] so that they remain a photograph's.
    """
    seeds = tf.random.experimental.stateless_split(seed, 2)
    photo = tf.image.stateless_random_brightness(photo, MAX_BRIGHTNESS, seeds[0])
    photo = tf.image.stateless_random_contrast(photo, 1.0 - MAX_CONTRAST, 1.0 + MAX_CONTRAST, seeds[1])
    return tf.clip_by_value(photo, 0.0, 1.0)
