"""3x3 convolutions in forms that are fast on CPUs. Values are those of `tf.nn`, to within rounding.

Float32 convolutions with many channels use tiles (`winograd`), and so do their gradients of every
order. Bfloat16 tensors are computed in float32 in the same way where the processor multiplies
float32 at least as fast; only bfloat16 is kept.

Two of TensorFlow's gradients are slow on CPUs with oneDNN (docs/performance.md). The filter
gradient in bfloat16 with few positions: here it is three matrix products, one per row of the
kernel. And the bias gradient, which TensorFlow merges into the filter gradient: here it is a matrix
product with ones, which TensorFlow cannot merge. What TensorFlow does not merge is wrong in
bfloat16: it sums in bfloat16, in which 256 + 1 is 256. The matrix product sums in float32.
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
# Tiles need this many. With fewer, the transforms, of inputs + filters channels, would take longer
# than the multiplications that they save, of inputs * filters.
_MANY_CHANNELS = 64  # inputs * filters / (inputs + filters)
_MANY_TILES = 32


def conv2d(x: tf.Tensor, kernel: tf.Tensor, bias: tf.Tensor | None = None) -> tf.Tensor:
    """`tf.nn.conv2d(x, kernel, 1, "SAME")`, 3x3, plus the bias, with gradients of every order.

    Args:
      x: float [B, H, W, inputs].
      kernel: of the same type, [3, 3, inputs, filters].
      bias: of the same type, [filters].

    Returns:
      float [B, H, W, filters].
    """
    outputs = _forward(x, kernel)
    return outputs if bias is None else bias_add(outputs, bias)


@with_own_gradient
def bias_add(x, bias):
    """`tf.nn.bias_add`, for x [B, H, W, C] and a bias [C], with gradients of every order."""

    def gradient(upstream):
        return upstream, _bias_gradient(upstream)

    return tf.nn.bias_add(x, bias), gradient


@with_own_gradient
def _forward(x, kernel):
    def gradient(upstream):
        return _backward(upstream, kernel), _filter_gradient(x, upstream)

    return _convolve(x, kernel), gradient


@with_own_gradient
def _backward(upstream, kernel):
    """The gradient of `_forward` with respect to x. It is linear in `upstream`."""

    def gradient(second):
        return _forward(second, kernel), _filter_gradient(second, upstream)

    return _input_gradient(upstream, kernel), gradient


def _input_gradient(upstream, kernel):
    if _is_better_wide(upstream):
        return _widely(_input_gradient, upstream, after([upstream], kernel))
    if _suits_tiles(upstream, kernel.shape[2]):
        return winograd.conv2d(upstream, _turned(after([upstream], kernel)))
    shape = [*_sizes(upstream)[:-1], kernel.shape[2]]
    return tf.nn.conv2d_transpose(upstream, kernel, shape, _STRIDES, "SAME")


def _convolve(x, kernel):
    if _is_better_wide(x):
        return _widely(_convolve, x, after([x], kernel))
    if _suits_tiles(x, kernel.shape[-1]):
        return winograd.conv2d(x, after([x], kernel))
    return tf.nn.conv2d(x, kernel, _STRIDES, "SAME")


def _turned(kernel):
    """The kernel of the transposed convolution: rotated by 180 degrees, channels exchanged."""
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
    # Three shifted copies of one tensor lie side by side: we take the tensor with fewer channels.
    # Then the roles of x and upstream are exchanged, and with them the kernel is turned.
    return _turned(_three_products(upstream, x))


def _is_better_wide(x) -> bool:
    return x.dtype == tf.bfloat16 and not hardware.multiplies_bfloat16_faster()


def _widely(function, *tensors):
    """Computes a function of bfloat16 tensors in float32; the result is bfloat16."""
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
    """The filter gradient as one matrix product per row of the kernel.

    The product sums, over the batch and all positions, x shifted to a place of the kernel times
    `upstream`. The three columns of a row lie side by side in one matrix.
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
    return tf.matmul(tf.ones([1, _sizes(flat)[0]], flat.dtype), flat)[0]


def _sizes(x) -> list[int | tf.Tensor]:
    """The shape; numbers where they are known, which saves operations in hundreds of places."""
    return [tf.shape(x)[axis] if size is None else size for axis, size in enumerate(x.shape)]
