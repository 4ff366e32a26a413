"""3x3 convolutions in float32 with four times fewer multiplications, for CPUs.

Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", 2016: F(4x4, 3x3). Every tile
of 4x4 outputs comes from 6x6 inputs. Tiles and kernels are transformed to 36 coefficients each.
Only equal coefficients are multiplied: for each, one matrix product serves all channels and tiles.

Differs from the paper: one matrix transforms all tiles of a side at once, with the zeros around
them. And the interpolation points are others, found as by Barabasz et al., "Error Analysis and
Improving the Accuracy of Winograd Convolution for Deep Neural Networks", 2020.

Axes: B batch, T tiles of a batch, H and W multiples of 4.
"""

from __future__ import annotations

import functools
from typing import Callable

import numpy as np
import tensorflow as tf

from sketch2img_tf.layers.cpu.recomputation import after
from sketch2img_tf.layers.cpu.tracing import call_traced

TILE = 4
_WINDOW = 6
_SIDE = 3
# Infinity is a point, too. The paper has 1 and 2 in place of 5/8 and 3/2, and rounds twice as much;
# these are exact in binary as well.
_POINTS = np.array([0, 5 / 8, -5 / 8, 3 / 2, -3 / 2])


def _matrices() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The paper's B^T, G and A^T (Toom and Cook): polynomials by their values at the points."""
    others = [np.delete(_POINTS, i) for i in range(len(_POINTS))]
    inputs = np.stack(
        [*(np.append(np.poly(each)[::-1], 0) for each in others), np.poly(_POINTS)[::-1]]
    )
    at_others = np.array([np.prod(point - each) for point, each in zip(_POINTS, others)])
    kernel = np.vander(_POINTS, _SIDE, increasing=True) / at_others[:, np.newaxis]
    outputs = np.vander(_POINTS, TILE, increasing=True)
    at_infinity = [np.eye(side)[-1:] for side in (_SIDE, TILE)]
    matrices = (
        inputs,
        np.concatenate([kernel, at_infinity[0]]),
        np.concatenate([outputs, at_infinity[1]]).T,
    )
    return tuple(np.float32(matrix) for matrix in matrices)


_INPUTS, _KERNEL, _OUTPUTS = _matrices()
_OF_KERNELS = np.kron(_KERNEL, _KERNEL)  # [36, 9]
_PART_BYTES = 2**25

# It remains a function in the graph, too: a step calls it hundreds of times, and it has about a
# hundred operations.
_function = functools.partial(
    tf.function, autograph=False, experimental_attributes={"_noinline": True}
)


def conv2d(x: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
    """`tf.nn.conv2d(x, kernel, 1, "SAME")` to within float32's rounding, without a useful gradient.

    Args:
      x: float32 [B, H, W, inputs], with a static shape.
      kernel: float32 [3, 3, inputs, filters].

    Returns:
      float32 [B, H, W, filters].
    """
    return call_traced(_conv2d, x, kernel)


@_function
def _conv2d(x: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
    inputs, filters = kernel.shape[2:]
    kernels = tf.matmul(_OF_KERNELS, tf.reshape(kernel, [_SIDE * _SIDE, inputs * filters]))
    kernels = tf.reshape(kernels, [len(_OF_KERNELS), inputs, filters])
    outputs = []
    for part in _parts(x, max(inputs, filters)):
        coefficients = _coefficients(after(outputs[-1:], part), _of_inputs)
        outputs.append(_from_coefficients(tf.matmul(coefficients, kernels), part.shape))
    return tf.concat(outputs, 0)


def filter_gradient(x: tf.Tensor, upstream: tf.Tensor) -> tf.Tensor:
    """The gradient of `conv2d` with respect to the kernel, for x and the gradient of the outputs.

    Args:
      x: float32 [B, H, W, inputs], with a static shape.
      upstream: float32 [B, H, W, filters].

    Returns:
      float32 [3, 3, inputs, filters].
    """
    return call_traced(_filter_gradient, x, upstream)


@_function
def _filter_gradient(x: tf.Tensor, upstream: tf.Tensor) -> tf.Tensor:
    inputs, filters = x.shape[-1], upstream.shape[-1]
    widest = max(inputs, filters)
    sums = []  # [36, inputs, filters] each
    for part, upstream_part in zip(_parts(x, widest), _parts(upstream, widest)):
        of_part = _coefficients(after(sums[-1:], part), _of_inputs)
        of_upstream = _coefficients(after(sums[-1:], upstream_part), _of_upstream)
        sums.append(sum([tf.matmul(of_part, of_upstream, transpose_a=True), *sums[-1:]]))
    kernel = tf.matmul(_OF_KERNELS, tf.reshape(sums[-1], [len(_OF_KERNELS), -1]), transpose_a=True)
    return tf.reshape(kernel, [_SIDE, _SIDE, inputs, filters])


def _parts(x: tf.Tensor, channels: int) -> list[tf.Tensor]:
    """Parts of the batch, to use in turn: each has some tens of megabytes of coefficients."""
    batch, height, width, _ = x.shape
    picture_bytes = x.dtype.size * channels * _windows(height) * _windows(width)
    most = max(1, _PART_BYTES // picture_bytes)
    return tf.split(x, [most] * (batch // most) + [batch % most] * (batch % most > 0))


def _coefficients(x: tf.Tensor, matrix: Callable[[int], np.ndarray]) -> tf.Tensor:
    """[B, H, W, C] to [36, T, C]."""
    batch, height, width, channels = x.shape
    windows = _transform(x, matrix(height), matrix(width))
    split = tf.reshape(windows, [batch, _WINDOW, height // TILE, _WINDOW, width // TILE, channels])
    return tf.reshape(tf.transpose(split, [1, 3, 0, 2, 4, 5]), [_WINDOW * _WINDOW, -1, channels])


def _from_coefficients(products: tf.Tensor, shape: tf.TensorShape) -> tf.Tensor:
    """[36, T, C] to [B, H, W, C], with the first three axes of `shape`."""
    batch, height, width, _ = shape
    channels = products.shape[-1]
    split = tf.reshape(products, [_WINDOW, _WINDOW, batch, height // TILE, width // TILE, channels])
    windows = tf.reshape(
        tf.transpose(split, [2, 0, 3, 1, 4, 5]),
        [batch, _windows(height), _windows(width), channels],
    )
    return _transform(windows, _to_outputs(height), _to_outputs(width))


def _transform(x: tf.Tensor, of_rows: np.ndarray, of_columns: np.ndarray) -> tf.Tensor:
    """[B, H, W, C] to [B, rows, columns, C]."""
    batch, height, width, channels = x.shape
    rows, columns = len(of_rows), len(of_columns)
    x = tf.matmul(of_rows, tf.reshape(x, [batch, height, width * channels]))
    x = tf.matmul(of_columns, tf.reshape(x, [batch * rows, width, channels]))
    return tf.reshape(x, [batch, rows, columns, channels])


def _windows(side: int) -> int:
    """The number of coefficients along a side."""
    return _WINDOW * (side // TILE)


def _of_inputs(side: int) -> np.ndarray:
    """[coefficients, side]: from a side, with a zero before and behind it, to its coefficients."""
    tiles = side // TILE
    matrix = np.zeros([_WINDOW, tiles, side + 2], np.float32)
    for tile in range(tiles):
        matrix[:, tile, TILE * tile : TILE * tile + _WINDOW] = _INPUTS
    return matrix[:, :, 1:-1].reshape([_windows(side), side])


def _to_outputs(side: int) -> np.ndarray:
    """[side, coefficients]: from the coefficients of a side's tiles to the side."""
    tiles = side // TILE
    matrix = np.zeros([tiles, TILE, _WINDOW, tiles], np.float32)
    for tile in range(tiles):
        matrix[tile, :, :, tile] = _OUTPUTS
    return matrix.reshape([side, _windows(side)])


def _of_upstream(side: int) -> np.ndarray:
    """[coefficients, side]: from the gradient of a side to that of its coefficients."""
    return np.ascontiguousarray(_to_outputs(side).T)
