"""Saves memory for time: computes again what a gradient needs, and does not keep it.

Chen et al., "Training Deep Nets with Sublinear Memory Cost", 2016.
"""

from __future__ import annotations

from typing import Callable

import tensorflow as tf

from sketch2img_tf.layers.cpu.own_gradients import with_own_gradient


def recomputed(function: Callable[..., tf.Tensor]) -> Callable[..., tf.Tensor]:
    """The function with a gradient that keeps nothing but its arguments.

    The gradient computes only those of the function's operations again whose results it reads.

    Differs from `tf.recompute_grad`, which has no gradients of the second order.

    Args:
      function: from float tensors to one; it reads no variable.
    """

    @with_own_gradient
    def once(*arguments):
        def gradient(upstream):
            again = [after([upstream], argument) for argument in arguments]
            with tf.GradientTape() as tape:
                tape.watch(again)
                result = function(*again)
            return tape.gradient(result, again, upstream)

        return function(*arguments), gradient

    return once


def after(first: list[tf.Tensor], then: tf.Tensor) -> tf.Tensor:
    """`then`, but not before `first` is there, and neither is anything that is computed from it.

    Otherwise TensorFlow would compute it at the start, or keep what it has computed from `then`
    before.
    """
    with tf.control_dependencies(first):
        return tf.identity(then)
