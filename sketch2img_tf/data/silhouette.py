"""The area that a drawing encloses: not reachable from the border without crossing a line.

Axes: B batch, H height, W width.
"""

from __future__ import annotations

import tensorflow as tf

GAPS = 32
"""Gaps in outlines up to 1/GAPS of the side, 2 pixels of 64, count as closed: people leave gaps."""


def outside(lines: tf.Tensor) -> tf.Tensor:
    """The area that a flood fill from the border reaches, by standard ops.

    The flood moves up, down, left and right, so that lines that touch only at corners stop it. It
    stops a few pixels before a line, so that it cannot pass a gap; at the end it is widened by as
    many pixels. The area beyond the border is outside.

    Args:
      lines: bool [B, H, W, 1]; H and W are known.

    Returns:
      bool [B, H, W, 1], False on lines.
    """
    reach = lines.shape[2] // GAPS // 2
    free = 1.0 - _widened(tf.cast(lines, tf.float32), reach)
    free = tf.pad(free, [[0, 0], [1, 1], [1, 1], [0, 0]], constant_values=1.0)
    border = tf.pad(
        tf.zeros_like(free[:, 1:-1, 1:-1]), [[0, 0], [1, 1], [1, 1], [0, 0]], constant_values=1.0
    )
    flood = _flooded(border, free)[:, 1:-1, 1:-1]
    return (_widened(flood, reach) > 0.5) & ~lines


def _flooded(start: tf.Tensor, free: tf.Tensor) -> tf.Tensor:
    """Floods one pixel per iteration, until nothing changes; 0 or 1, float32 [B, H, W, 1]."""

    def spread(flood: tf.Tensor, _) -> tuple[tf.Tensor, tf.Tensor]:
        down_and_up = tf.nn.max_pool2d(flood, [3, 1], 1, "SAME")
        across = tf.nn.max_pool2d(flood, [1, 3], 1, "SAME")
        wider = free * tf.maximum(down_and_up, across)
        return wider, tf.reduce_any(wider > flood)

    flood, _ = tf.while_loop(lambda _, grows: grows, spread, (start, tf.constant(True)))
    return flood


def _widened(pixels: tf.Tensor, reach: int) -> tf.Tensor:
    """Dilates by `reach` pixels in all eight directions."""
    return tf.nn.max_pool2d(pixels, 2 * reach + 1, 1, "SAME")
