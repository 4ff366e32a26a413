"""3x3 convolutions whose kernels suit CPUs. The values are those of `tf.nn`, to within rounding.

In float32 and of many channels they go by tiles, see `winograd`: values, and gradients of every
order. What is bfloat16 is so computed in float32 where the processor multiplies that no slower;
only bfloat16 is kept.

Two of TensorFlow's gradients are slow on CPUs with oneDNN, see docs/performance.md. The filter
gradient in bfloat16 of few positions: there it is three products of matrices, one for each row of
the kernel. And a bias's gradient, which TensorFlow merges into the filter gradient: here it is a
product by ones, which it cannot.
"""

from __future__ import annotations

import tensorflow as tf

from sketch2img_tf.devices import hardware
from sketch2img_tf.layers.cpu import winograd
from sketch2img_tf.layers.cpu.own_gradients import with_own_gradient
from sketch2img_tf.layers.cpu.recomputation import after

_SIDE = 3
_STRIDES = [1, 1, 1, 1]
_FEW_POSITIONS = 8 * 8
_FEW_CHANNELS = 16
# For tiles: with fewer the transforms, of inputs + filters, would take longer than
# what is saved of inputs * filters.
_MANY_CHANNELS = 64  # inputs * filters / (inputs + filters)
_MANY_TILES = 32


def conv2d(x: tf.Tensor, kernel: tf.Tensor, bias: tf.Tensor | None = None) -> tf.Tensor:
    """`tf.nn.conv2d(x, kernel, 1, "SAME")` for a 3x3 kernel, plus the bias, with gradients of every
    order.

    Args:
      x: float [B, H, W, inputs].
      kernel: of the same type, [3, 3, inputs, filters].
      bias: of the same type, [filters].

    Returns:
      float [B, H, W, filters].
    """
    return _forward(x, kernel) if bias is None else _biased(x, kernel, bias)


@with_own_gradient
def _forward(x, kernel):
    def gradient(upstream):
        return _backward(upstream, kernel), _filter_gradient(x, upstream)

    return _convolve(x, kernel), gradient


@with_own_gradient
def _biased(x, kernel, bias):
    def gradient(upstream):
        return _backward(upstream, kernel), _filter_gradient(x, upstream), _bias_gradient(upstream)

    return tf.nn.bias_add(_convolve(x, kernel), bias), gradient


@with_own_gradient
def _backward(upstream, kernel):
    """The gradient of `_forward` with respect to x. It is linear in
    `upstream`, and `_forward` is its transpose.
    """

    def gradient(second):
        return _forward(second, kernel), _filter_gradient(second, upstream)

    return _input_gradient(upstream, kernel), gradient


def _input_gradient(upstream, kernel):
    if _is_better_wide(upstream):
        return _widely(_input_gradient, upstream, after([upstream], kernel))
    if _suits_tiles(upstream, kernel.shape[2]):
        return winograd.conv2d(upstream, _turned(after([upstream], kernel)))
    shape = tf.concat([tf.shape(upstream)[:-1], kernel.shape[2:3]], 0)
    return tf.nn.conv2d_transpose(upstream, kernel, shape, _STRIDES, "SAME")


def _convolve(x, kernel):
    if _is_better_wide(x):
        return _widely(_convolve, x, after([x], kernel))
    if _suits_tiles(x, kernel.shape[-1]):
        return winograd.conv2d(x, after([x], kernel))
    return tf.nn.conv2d(x, kernel, _STRIDES, "SAME")


def _turned(kernel):
    """Seen from the outputs."""
    return tf.transpose(tf.reverse(kernel, [0, 1]), [0, 1, 3, 2])


def _filter_gradient(x, upstream):
    if _is_better_wide(x):
        return _widely(_filter_gradient, after([upstream], x), upstream)
    if _suits_tiles(x, upstream.shape[-1]):
        return winograd.filter_gradient(after([upstream], x), upstream)
    if not _suits_products(x, upstream):
        return _tensorflows(x, upstream)
    if x.shape[-1] <= upstream.shape[-1]:
        return _three_products(x, upstream)
    # What is laid side by side is the smaller of the two: the places of the kernel
    # are then seen from the other side.
    return _turned(_three_products(upstream, x))


def _is_better_wide(x) -> bool:
    return x.dtype == tf.bfloat16 and not hardware.multiplies_bfloat16_faster()


def _widely(function, *tensors):
    """In float32, of bfloat16."""
    wide = function(*(tf.cast(tensor, tf.float32) for tensor in tensors))
    return tf.cast(wide, tf.bfloat16)


def _tensorflows(x, upstream):
    shape = [_SIDE, _SIDE, x.shape[-1], upstream.shape[-1]]
    return tf.raw_ops.Conv2DBackpropFilter(
        input=x, filter_sizes=shape, out_backprop=upstream, strides=_STRIDES, padding="SAME"
    )


def _suits_tiles(x, filters: int) -> bool:
    if x.dtype != tf.float32 or not x.shape.is_fully_defined():
        return False
    batch, height, width, inputs = x.shape
    if (
        height % winograd.TILE
        or width % winograd.TILE
        or inputs * filters < _MANY_CHANNELS * (inputs + filters)
    ):
        return False
    return batch * height * width // winograd.TILE**2 >= _MANY_TILES


def _suits_products(x, upstream) -> bool:
    if x.dtype != tf.bfloat16:
        return False
    return (
        min(x.shape[-1], upstream.shape[-1]) >= _FEW_CHANNELS
        and x.shape[1] * x.shape[2] <= _FEW_POSITIONS
    )


def _three_products(x, upstream):
    """For each row of the kernel the sum, over the batch and all positions, of x seen from there
    times `upstream`.

    What is seen from the three columns lies side by side.
    """
    height, width, inputs = x.shape[1:]
    padded = tf.pad(x, [[0, 0], [1, 1], [1, 1], [0, 0]])
    columns = tf.concat([padded[:, :, j : j + width] for j in range(_SIDE)], -1)
    rows = [tf.reshape(columns[:, i : i + height], [-1, _SIDE * inputs]) for i in range(_SIDE)]
    flat = tf.reshape(upstream, [-1, upstream.shape[-1]])
    # [3, 3 inputs, filters]
    products = tf.stack([tf.matmul(row, flat, transpose_a=True) for row in rows])
    return tf.reshape(products, [_SIDE, _SIDE, inputs, upstream.shape[-1]])


def _bias_gradient(upstream):
    flat = tf.reshape(upstream, [-1, upstream.shape[-1]])
    return tf.matmul(tf.ones([1, tf.shape(flat)[0]], flat.dtype), flat)[0]
