"""Bends the lines of a sketch, as another hand might have drawn them, and leaves the photo as it is."""

from __future__ import annotations

import tensorflow as tf

from sketch2img_tf.devices import stateless_random
from sketch2img_tf.surroundings import lanes

_GRID = 5  # points a side at which displacements are drawn: a few bends over the whole drawing, no trembling


def warp_sketch(sketch: tf.Tensor, fraction: float, seed: tf.Tensor) -> tf.Tensor:
    """Moves every point by a smooth random field, as elastic distortions of characters do.

    Displacements are N(0, fraction) of the side at 5x5 points, in both directions, with a cubic surface between them.
    Simard et al., "Best Practices for Convolutional Neural Networks", 2003, section 2, smooth the noise of every pixel
    instead. For the host's input pipeline.

    Args:
      sketch: intensities, float32 [H, W, 1], paper 0.
      fraction: standard deviation of the displacements, a share of the side.
      seed: int [2]; the same seed gives the same field.

    Returns:
      Intensities of the same shape.
    """
    size = tf.shape(sketch)[:2]
    points = stateless_random.normal([_GRID, _GRID, 2], seed) * fraction
    field = tf.image.resize(points, size, "bicubic") * tf.cast(size, tf.float32)  # [H, W, 2] in pixels
    return tf.ensure_shape(_moved(sketch, field), sketch.shape)


def _moved(image: tf.Tensor, displacements: tf.Tensor) -> tf.Tensor:
    """By TensorFlow Addons where it is."""
    addons = lanes.addons()
    if addons:
        return addons.image.dense_image_warp(image[tf.newaxis], displacements[tf.newaxis])[0]
    return gathered(image, displacements)


def gathered(image: tf.Tensor, displacements: tf.Tensor) -> tf.Tensor:
    """What was `displacements` up and left of every pixel, between the four pixels around that point.

    As `dense_image_warp` of TensorFlow Addons, by standard ops. Beyond the border is what is at the border.

    Args:
      image: float32 [H, W, C], H and W at least 2.
      displacements: float32 [H, W, 2], rows and columns, in pixels.

    Returns:
      float32 [H, W, C].
    """
    size = tf.shape(image)[:2]
    pixels = tf.stack(tf.meshgrid(tf.range(size[0]), tf.range(size[1]), indexing="ij"), 2)
    points = tf.cast(pixels, tf.float32) - displacements  # [H, W, 2]
    # Of the four around a point the upper left one, so that all are in the image.
    corner = tf.clip_by_value(tf.floor(points), 0.0, tf.cast(size - 2, tf.float32))
    down, right = tf.split(tf.clip_by_value(points - corner, 0.0, 1.0), 2, 2)  # shares of the way, [H, W, 1] each
    upper_left, upper_right, lower_left, lower_right = (
        tf.gather_nd(image, tf.cast(corner, tf.int32) + offset) for offset in ([0, 0], [0, 1], [1, 0], [1, 1])
    )
    upper = upper_left + right * (upper_right - upper_left)
    lower = lower_left + right * (lower_right - lower_left)
    return upper + down * (lower - upper)
