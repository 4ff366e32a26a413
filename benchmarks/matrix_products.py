"""The yardstick of speed: how fast this computer multiplies matrices."""

from __future__ import annotations

import time

import tensorflow as tf

_SIDE = 2048
_COUNT = 10


def rate(dtype: tf.DType = tf.float32) -> float:
    """Multiply-adds per second of the fastest of ten products of square matrices of this type."""
    matrix = tf.cast(tf.random.normal([_SIDE, _SIDE]), dtype)
    product, seconds = tf.function(tf.matmul), []
    for _ in range(1 + _COUNT):
        start = time.perf_counter()
        product(matrix, matrix).numpy()
        seconds.append(time.perf_counter() - start)
    return _SIDE**3 / min(seconds[1:])
