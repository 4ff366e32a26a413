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


def flip_pair(
    photo: tf.Tensor, sketch: tf.Tensor, probability: float, seed: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Both mirrored left to right with this probability, or neither; seed as in `jitter_photo`."""
    flip = tf.random.stateless_uniform([], seed) < probability
    return tuple(tf.where(flip, picture[:, ::-1], picture) for picture in (photo, sketch))


def crop_pair(photo: tf.Tensor, sketch: tf.Tensor, fraction: float, seed: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """The same square of both: 1 - U(0, fraction) of the side, anywhere within.

    Args:
      photo: float32 [H, W, 3].
      sketch: float32 [H', W', 1], of the same view: sizes may differ, shares of the side are the same.
      fraction: at most this share of the side is cut off.
      seed: int [2].

    Returns:
      Photo and sketch, smaller by whole pixels.
    """
    seeds = tf.random.experimental.stateless_split(seed, 2)
    kept = 1.0 - fraction * tf.random.stateless_uniform([], seeds[0])
    corner = (1.0 - kept) * tf.random.stateless_uniform([2], seeds[1])
    return tuple(_crop(picture, corner, kept) for picture in (photo, sketch))


def _crop(picture: tf.Tensor, corner: tf.Tensor, kept: tf.Tensor) -> tf.Tensor:
    size = tf.cast(tf.shape(picture)[:2], tf.float32)
    first = tf.cast(tf.round(corner * size), tf.int32)
    extent = tf.minimum(tf.cast(tf.round(kept * size), tf.int32), tf.shape(picture)[:2] - first)
    return tf.slice(picture, [*tf.unstack(first), 0], [*tf.unstack(extent), picture.shape[-1]])
