"""3x3 convolutions whose gradients suit the CPU's kernels. The values are those of `tf.nn`.

Two of TensorFlow's gradients are slow on CPUs with oneDNN, see docs/performance.md. The bfloat16 filter gradient of a
few positions and many channels: there it is nine products of matrices, one for each place of the kernel. And a
bias's gradient, which TensorFlow merges into the filter gradient: here it is a product by ones, which it cannot merge.
"""

from __future__ import annotations

import tensorflow as tf

from sketch2img_tf import precision

_SIDE = 3
_STRIDES = [1, 1, 1, 1]
_FEW_POSITIONS = 8 * 8


def conv2d(x: tf.Tensor, kernel: tf.Tensor, bias: tf.Tensor | None = None) -> tf.Tensor:
    """`tf.nn.conv2d(x, kernel, 1, "SAME")` for a 3x3 kernel, plus the bias, with gradients of every order.

    Args:
      x: float [B, H, W, inputs].
      kernel: of the same type, [3, 3, inputs, filters].
      bias: of the same type, [filters].

    Returns:
      float [B, H, W, filters].
    """
    return _forward(x, kernel) if bias is None else _biased(x, kernel, bias)


@tf.custom_gradient
def _forward(x, kernel):
    def gradient(upstream):
        return _backward(upstream, kernel), _filter_gradient(x, upstream)

    return tf.nn.conv2d(x, kernel, _STRIDES, "SAME"), gradient


@tf.custom_gradient
def _biased(x, kernel, bias):
    def gradient(upstream):
        return _backward(upstream, kernel), _filter_gradient(x, upstream), _bias_gradient(upstream)

    return tf.nn.bias_add(tf.nn.conv2d(x, kernel, _STRIDES, "SAME"), bias), gradient


@tf.custom_gradient
def _backward(upstream, kernel):
    """The gradient of `_forward` with respect to x. It is linear in `upstream`, and `_forward` is its transpose."""

    def gradient(second):
        return _forward(second, kernel), _filter_gradient(second, upstream)

    shape = tf.concat([tf.shape(upstream)[:-1], kernel.shape[2:3]], 0)
    return tf.nn.conv2d_transpose(upstream, kernel, shape, _STRIDES, "SAME"), gradient


def _filter_gradient(x, upstream):
    if x.dtype == tf.bfloat16 and _on_cpu():
        if x.shape[1] * x.shape[2] <= _FEW_POSITIONS:
            return _nine_products(x, upstream)
        if not precision.cpu_has_bfloat16():  # TensorFlow's own kernel would lose the sum's lower digits
            wide = _filter_gradient(tf.cast(x, tf.float32), tf.cast(upstream, tf.float32))
            return tf.cast(wide, x.dtype)
    shape = [_SIDE, _SIDE, x.shape[-1], upstream.shape[-1]]
    return tf.raw_ops.Conv2DBackpropFilter(
        input=x, filter_sizes=shape, out_backprop=upstream, strides=_STRIDES, padding="SAME"
    )


def _nine_products(x, upstream):
    """For each place of the kernel the sum, over the batch and all positions, of x seen from there times `upstream`."""
    height, width, inputs = x.shape[1:]
    padded = tf.pad(x, [[0, 0], [1, 1], [1, 1], [0, 0]])
    seen = [padded[:, i : i + height, j : j + width] for i in range(_SIDE) for j in range(_SIDE)]
    flat = tf.reshape(upstream, [-1, upstream.shape[-1]])
    products = [tf.matmul(tf.reshape(place, [-1, inputs]), flat, transpose_a=True) for place in seen]
    return tf.reshape(tf.stack(products), [_SIDE, _SIDE, inputs, upstream.shape[-1]])


def _bias_gradient(upstream):
    flat = tf.reshape(upstream, [-1, upstream.shape[-1]])
    return tf.matmul(tf.ones([1, tf.shape(flat)[0]], flat.dtype), flat)[0]


def _on_cpu() -> bool:
    return not tf.config.list_logical_devices("GPU") and not tf.config.list_logical_devices("TPU")


@tf.keras.utils.register_keras_serializable("sketch2img_tf")
class Conv2D(tf.keras.layers.Conv2D):
    """Keras' layer for 3x3 kernels and "same" padding, by `conv2d`."""

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        bias = tf.convert_to_tensor(self.bias) if self.use_bias else None
        return conv2d(inputs, tf.convert_to_tensor(self.kernel), bias)
