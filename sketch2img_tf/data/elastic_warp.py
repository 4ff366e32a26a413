"""Bends the lines of a sketch, as another hand might have drawn them, and leaves the photo as it is."""

from __future__ import annotations

import warnings

import tensorflow as tf

from sketch2img_tf.devices import stateless_random

_GRID = 5  # points a side at which displacements are drawn: a few bends over the whole drawing, no trembling


def warp_sketch(sketch: tf.Tensor, fraction: float, seed: tf.Tensor) -> tf.Tensor:
    """Moves every point by a smooth random field, as elastic distortions of characters do.

    Displacements are N(0, fraction) of the side at 5x5 points, in both directions, with a cubic surface between them.
    Simard et al., "Best Practices for Convolutional Neural Networks", 2003, section 2, smooth the noise of every pixel
    instead. For the host's input pipeline: TensorFlow Addons' op is not in exported graphs.

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
    warped = _dense_image_warp()(sketch[tf.newaxis], field[tf.newaxis])[0]
    return tf.ensure_shape(warped, sketch.shape)


def _dense_image_warp():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its farewell
        from tensorflow_addons.image import dense_image_warp  # here, since few runs need it
    return dense_image_warp
