"""The distance of every pixel to the nearest line, in pixels: exact, in two equal implementations.

SketchyGAN (Chen and Hays, 2018, arXiv 1801.02753) feeds its networks distance fields in place of
lines: most of a line drawing is empty, but a field has information at every pixel. The two passes,
along columns and then along rows, are those of P. Felzenszwalb and D. Huttenlocher, "Distance
Transforms of Sampled Functions", 2012.

Axes: B batch, H height, W width.
"""

from __future__ import annotations

import tensorflow as tf

from sketch2img_tf.surroundings import lanes

NOWHERE = 1e3
"""The distance in a picture without lines; larger than every distance in a picture with lines."""


def distances(lines: tf.Tensor) -> tf.Tensor:
    """The distances by standard ops, for exported graphs and where TensorFlow Addons is missing.

    Args:
      lines: bool [B, H, W, 1]; H and W are known and at most 1000.

    Returns:
      float32 [B, H, W, 1], in pixels: 0 on a line, `NOWHERE` in a picture without one.
    """
    _, height, width, _ = lines.shape
    line_or_far = tf.where(lines[..., 0], 0.0, NOWHERE**2)  # [B, H, W]
    # Squares of whole numbers: exact in float32, in any order of the sums.
    along_columns = tf.reduce_min(line_or_far[:, tf.newaxis] + _squares(height)[..., tf.newaxis], 2)
    squared = tf.reduce_min(along_columns[:, :, tf.newaxis] + _squares(width), 3)
    return tf.minimum(tf.sqrt(squared), NOWHERE)[..., tf.newaxis]


def distances_on_host(lines: tf.Tensor) -> tf.Tensor:
    """The same by TensorFlow Addons if it is installed, which has a faster C++ op.

    This op does not exist in exported graphs and on TPUs.

    Args:
      lines: bool [H, W, 1].

    Returns:
      float32 [H, W, 1], as `distances`.
    """
    addons = lanes.addons()
    if not addons:
        return distances(lines[tf.newaxis])[0]
    # The op measures the distance to the nearest zero. Without a zero it returns 1.8e19.
    return tf.minimum(addons.image.euclidean_dist_transform(tf.cast(~lines, tf.uint8)), NOWHERE)


def _squares(size: int) -> tf.Tensor:
    """(i - j)^2, float32 [size, size]."""
    positions = tf.range(size, dtype=tf.float32)
    return (positions[:, tf.newaxis] - positions) ** 2
