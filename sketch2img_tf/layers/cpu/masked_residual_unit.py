"""The Masked Residual Unit in few passes through memory, with the values of `MRU.call`.

Both gates come from one convolution. The gradient keeps only x, the image and the results of the
convolutions, with the gates before their sigmoid: the rest is quickly computed again. A norm is a
scale and a shift here, which are applied in the same pass as the operations that follow.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING

import tensorflow as tf

from sketch2img_tf.layers.cpu.convolution import conv2d
from sketch2img_tf.layers.cpu.fusion import fused
from sketch2img_tf.layers.cpu.recomputation import recomputed

if TYPE_CHECKING:
    from sketch2img_tf.layers.mru import MRU


def masked_residual_unit(
    unit: MRU, x: tf.Tensor, image: tf.Tensor, labels: list[tf.Tensor], training: bool | None
) -> tf.Tensor:
    """`unit.call((x, image, *labels), training)`."""
    gates = _gates(
        x, image, *unit.input_gate.kernel_and_bias(), *unit.output_gate.kernel_and_bias()
    )
    m, n = tf.split(gates, [x.shape[-1], unit.filters], -1)
    candidate = _masked(m, x, image, unit.candidate.kernel_and_bias()[0])
    shortcut = unit.shortcut(x)
    of_candidate, of_shortcut = unit.scales_and_shifts(candidate, shortcut, labels, training)
    mixed = _mixed_by(unit.activate)
    return mixed(candidate, shortcut, n, *of_candidate, *of_shortcut)


@recomputed
def _gates(x, image, input_kernel, input_bias, output_kernel, output_bias) -> tf.Tensor:
    """The gates m and n before the sigmoid, one after the other along the channels."""
    kernel = tf.concat([input_kernel, output_kernel], -1)
    bias = tf.concat([input_bias, output_bias], 0)
    return conv2d(tf.concat([x, image], -1), kernel, bias)


@recomputed
def _masked(gate, x, image, kernel) -> tf.Tensor:
    return conv2d(tf.concat([_gated(x, gate), image], -1), kernel)


@fused
def _gated(x, gate) -> tf.Tensor:
    return tf.sigmoid(gate) * x


@functools.cache
def _mixed_by(activate: Callable[[tf.Tensor], tf.Tensor]) -> Callable[..., tf.Tensor]:
    """One function per activation, since XLA compiles each function once."""
    return fused(functools.partial(_mixed, activate))


def _mixed(
    activate, candidate, shortcut, gate, scale, shift, shortcut_scale, shortcut_shift
) -> tf.Tensor:
    z = activate(_normalized(candidate, scale, shift))
    shortcut = _normalized(shortcut, shortcut_scale, shortcut_shift)
    return shortcut + tf.sigmoid(gate) * (z - shortcut)


def _normalized(x, scale, shift) -> tf.Tensor:
    return tf.cast(tf.cast(x, tf.float32) * scale + shift, x.dtype)
