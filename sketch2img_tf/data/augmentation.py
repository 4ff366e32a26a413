"""Random changes of training pictures, from explicit seeds; they work on intensities."""

from __future__ import annotations

from typing import TYPE_CHECKING

import tensorflow as tf

from sketch2img_tf.data import elastic_warp, other_hand, preprocessing
from sketch2img_tf.devices import stateless_random

if TYPE_CHECKING:
    from sketch2img_tf.config import DataConfig


def seed_of(seed: int, number: tf.Tensor) -> tf.Tensor:
    """The seed, int64 [2], for the changes of a run's example `number`, int64 []."""
    return stateless_random.fold_in(tf.constant([seed, 0], tf.int64), number)


def augment(
    photo: tf.Tensor, sketch: tf.Tensor, config: DataConfig, seed: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Applies the configured changes: first those of the photo, then those of the pair.

    The seed is as in `jitter_photo`. Call it before the resize, so that lines stay sharp.
    """
    if config.brightness_jitter or config.contrast_jitter:
        photo = jitter_photo(photo, config.brightness_jitter, config.contrast_jitter, seed)
    pairs = stateless_random.fold_in(seed, 1)
    seeds = stateless_random.split(pairs, 3)
    if config.horizontal_flip_probability:
        photo, sketch = flip_pair(photo, sketch, config.horizontal_flip_probability, seeds[0])
    if config.crop_fraction:
        photo, sketch = crop_pair(photo, sketch, config.crop_fraction, seeds[1])
    if config.sketch_warp_fraction:
        sketch = elastic_warp.warp_sketch(sketch, config.sketch_warp_fraction, seeds[2])
    return photo, other_hand.drawn_again(sketch, config, stateless_random.fold_in(pairs, 1))


def jitter_photo(
    photo: tf.Tensor, brightness: float, contrast: float, seed: tf.Tensor
) -> tf.Tensor:
    """`relight` by random factors, U(1 - brightness, 1 + brightness); the same for the contrast.

    Args:
      photo: as in `relight`.
      brightness, contrast: in [0, 1].
      seed: int [2]; the same seed gives the same change.
    """
    seeds = stateless_random.split(seed, 2)
    brighter = stateless_random.uniform([], seeds[0], 1.0 - brightness, 1.0 + brightness)
    return relight(
        photo, brighter, stateless_random.uniform([], seeds[1], 1.0 - contrast, 1.0 + contrast)
    )


def relight(
    photo: tf.Tensor, brightness: tf.Tensor | float, contrast: tf.Tensor | float
) -> tf.Tensor:
    """Multiplies a photo's brightness, and its contrast, by these factors.

    The contrast is the distance from the photo's mean grey. Both factors are those of torchvision's
    ColorJitter, which the report's code uses. Differs from ColorJitter: it applies the factors in a
    random order and clips after each. Here they are one linear map, which does not depend on the
    order, and is clipped once: a value that one factor moves out of [0, 1], the other may move
    back.

    Args:
      photo: intensities, float32 [H, W, 3] in [0, 1].
      brightness, contrast: factors, float32 [], 1 for no change.

    Returns:
      Intensities of the same shape, clipped to [0, 1] so that they remain a photograph's.
    """
    mean = tf.reduce_mean(preprocessing.grey(photo))
    return tf.clip_by_value(brightness * (mean + contrast * (photo - mean)), 0.0, 1.0)


def flip_pair(
    photo: tf.Tensor, sketch: tf.Tensor, probability: float, seed: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Mirrors both left to right with this probability, or neither; seed as in `jitter_photo`."""
    flip = stateless_random.uniform([], seed) < probability
    return tuple(tf.where(flip, picture[:, ::-1], picture) for picture in (photo, sketch))


def crop_pair(
    photo: tf.Tensor, sketch: tf.Tensor, fraction: float, seed: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Crops both to the same square: 1 - U(0, fraction) of the side, at a random position.

    Args:
      photo: float32 [H, W, 3].
      sketch: float32 [H', W', 1], of the same view. Both lose the same shares of the side.
      fraction: at most this share of the side is cut off.
      seed: int [2].

    Returns:
      The photo and the sketch, smaller by whole pixels.
    """
    seeds = stateless_random.split(seed, 2)
    kept = 1.0 - fraction * stateless_random.uniform([], seeds[0])
    corner = (1.0 - kept) * stateless_random.uniform([2], seeds[1])
    return tuple(_crop(picture, corner, kept) for picture in (photo, sketch))


def _crop(picture: tf.Tensor, corner: tf.Tensor, kept: tf.Tensor) -> tf.Tensor:
    size = tf.cast(tf.shape(picture)[:2], tf.float32)
    first = tf.cast(tf.round(corner * size), tf.int32)
    extent = tf.minimum(tf.cast(tf.round(kept * size), tf.int32), tf.shape(picture)[:2] - first)
    return tf.slice(picture, [*tf.unstack(first), 0], [*tf.unstack(extent), picture.shape[-1]])
