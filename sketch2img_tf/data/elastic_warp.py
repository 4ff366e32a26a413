"""Bends the lines of a sketch, as if another person had drawn it; the photo does not change."""

from __future__ import annotations

import tensorflow as tf

from sketch2img_tf.devices import stateless_random
from sketch2img_tf.surroundings import lanes

_GRID = 5  # random displacements per side: few, so that lines bend slowly and do not tremble


def warp_sketch(
    sketch: tf.Tensor, fraction: float, seed: tf.Tensor, grid: int = _GRID
) -> tf.Tensor:
    """Moves every point by a smooth random field, as in elastic distortions of characters.

    At the points of a grid the displacements are N(0, fraction) of the side, per axis; between the
    points they are interpolated bicubically. Differs from Simard et al., "Best Practices for
    Convolutional Neural Networks", 2003, section 2, who smooth noise per pixel. For the input
    pipeline on the host.

    Args:
      sketch: intensities, float32 [H, W, 1], paper 0.
      fraction: standard deviation of the displacements, a share of the side.
      seed: int [2]; the same seed gives the same field.
      grid: points per side.

    Returns:
      Intensities of the same shape.
    """
    size = tf.shape(sketch)[:2]
    points = stateless_random.normal([grid, grid, 2], seed) * fraction
    # [H, W, 2], in pixels
    field = tf.image.resize(points, size, "bicubic") * tf.cast(size, tf.float32)
    return tf.ensure_shape(_moved(sketch, field), sketch.shape)


def _moved(image: tf.Tensor, displacements: tf.Tensor) -> tf.Tensor:
    """`gathered`, by TensorFlow Addons if it is installed."""
    addons = lanes.addons()
    if addons:
        return addons.image.dense_image_warp(image[tf.newaxis], displacements[tf.newaxis])[0]
    return gathered(image, displacements)


def gathered(image: tf.Tensor, displacements: tf.Tensor) -> tf.Tensor:
    """The image, bilinearly sampled `displacements` up and left of every pixel.

    The same as `dense_image_warp` of TensorFlow Addons, by standard ops. Beyond the border, the
    value is that at the border.

    Args:
      image: float32 [H, W, C], H and W at least 2.
      displacements: float32 [H, W, 2], rows and columns, in pixels.

    Returns:
      float32 [H, W, C].
    """
    size = tf.shape(image)[:2]
    pixels = tf.stack(tf.meshgrid(tf.range(size[0]), tf.range(size[1]), indexing="ij"), 2)
    points = tf.cast(pixels, tf.float32) - displacements  # [H, W, 2]
    # The upper left of the four pixels around a point; clipped so that all four are in the image.
    corner = tf.clip_by_value(tf.floor(points), 0.0, tf.cast(size - 2, tf.float32))
    # How far the point is below and to the right of the corner, in [0, 1]: [H, W, 1] each
    down, right = tf.split(tf.clip_by_value(points - corner, 0.0, 1.0), 2, 2)
    upper_left, upper_right, lower_left, lower_right = (
        tf.gather_nd(image, tf.cast(corner, tf.int32) + offset)
        for offset in ([0, 0], [0, 1], [1, 0], [1, 1])
    )
    upper = upper_left + right * (upper_right - upper_left)
    lower = lower_left + right * (lower_right - lower_left)
    return upper + down * (lower - upper)
