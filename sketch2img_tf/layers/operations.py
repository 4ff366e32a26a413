"""What the layers compute with, as TensorFlow has it, and the one switch to faster forms of the same on CPUs.

`cpu/` holds those forms, and nothing that is not here or in a layer in plain form too: without that folder everything
works, slower.
"""

from __future__ import annotations

import importlib.util

import tensorflow as tf

from sketch2img_tf.devices import hardware

HAS_CPU_FORMS = importlib.util.find_spec("sketch2img_tf.layers.cpu") is not None
if HAS_CPU_FORMS:
    from sketch2img_tf.layers import cpu


def for_cpu() -> bool:
    """Whether the forms of `cpu` are taken: they are there, and what is traced is not for accelerators or an export."""
    return HAS_CPU_FORMS and hardware.is_cpu()


def conv2d(x: tf.Tensor, kernel: tf.Tensor, bias: tf.Tensor | None = None) -> tf.Tensor:
    """A 3x3 convolution with "same" padding, plus the bias.

    Args:
      x: float [B, H, W, inputs].
      kernel: of the same type, [3, 3, inputs, filters].
      bias: of the same type, [filters].

    Returns:
      Of the same type, [B, H, W, filters].
    """
    if for_cpu():
        return cpu.conv2d(x, kernel, bias)
    outputs = tf.nn.conv2d(x, kernel, 1, "SAME")
    return outputs if bias is None else tf.nn.bias_add(outputs, bias)


def moments(x: tf.Tensor, axes: list[int]) -> tuple[tf.Tensor, tf.Tensor]:
    """The mean, and the mean square of the distances from it (n is what it divides by), with gradients of every order.

    Differs from `tf.nn.moments`, whose second-order gradient leaves out what passes through the mean.

    Args:
      x: float [B, H, W, C].
      axes: to average over, [0, 1, 2] or [1, 2].

    Returns:
      A pair of float32 [B or 1, 1, 1, C].
    """
    if for_cpu():
        return cpu.moments(x, axes)
    x = tf.cast(x, tf.float32)
    mean = tf.reduce_mean(x, axes, keepdims=True)
    return mean, tf.reduce_mean(tf.math.squared_difference(x, mean), axes, keepdims=True)
