"""The operations of the layers in plain TensorFlow, and the switch to faster forms for CPUs.

`cpu/` holds the faster forms. Each of them has a plain form, here or in a layer: without that
folder everything works, but slower.
"""

from __future__ import annotations

import importlib.util

import tensorflow as tf

from sketch2img_tf.devices import hardware

HAS_CPU_FORMS = importlib.util.find_spec("sketch2img_tf.layers.cpu") is not None
if HAS_CPU_FORMS:
    from sketch2img_tf.layers import cpu


def for_cpu() -> bool:
    """Whether to use the forms of `cpu`: they exist, and the graph is for CPUs and no export."""
    return HAS_CPU_FORMS and hardware.is_cpu()


def conv2d(x: tf.Tensor, kernel: tf.Tensor, bias: tf.Tensor | None = None) -> tf.Tensor:
    """A 3x3 convolution with "same" padding, plus the bias.

    Args:
      x: float [B, H, W, inputs].
      kernel: of the same type, [3, 3, inputs, filters].
      bias: of the same type, [filters].

    Returns:
      The same type, [B, H, W, filters].
    """
    if for_cpu():
        return cpu.conv2d(x, kernel, bias)
    outputs = tf.nn.conv2d(x, kernel, 1, "SAME")
    return outputs if bias is None else tf.nn.bias_add(outputs, bias)


def bias_add(x: tf.Tensor, bias: tf.Tensor) -> tf.Tensor:
    """x plus the bias.

    Args:
      x: float [B, H, W, C].
      bias: of the same type, [C].

    Returns:
      The same type, [B, H, W, C].
    """
    return cpu.bias_add(x, bias) if for_cpu() else tf.nn.bias_add(x, bias)


def moments(x: tf.Tensor, axes: list[int]) -> tuple[tf.Tensor, tf.Tensor]:
    """The mean, and the variance that divides by n; correct gradients of every order.

    Differs from `tf.nn.moments`, whose second-order gradient omits the part through the mean.

    Args:
      x: float [B, H, W, C].
      axes: the axes to average over, [0, 1, 2] or [1, 2].

    Returns:
      A pair of float32 [B or 1, 1, 1, C].
    """
    if for_cpu():
        return cpu.moments(x, axes)
    x = tf.cast(x, tf.float32)
    mean = tf.reduce_mean(x, axes, keepdims=True)
    return mean, tf.reduce_mean(tf.math.squared_difference(x, mean), axes, keepdims=True)
