"""Time for memory: what a gradient needs is computed again when its turn comes, not kept from the
way forward.

Chen et al., "Training Deep Nets with Sublinear Memory Cost", 2016.
"""

from __future__ import annotations

from typing import Callable

import tensorflow as tf

from sketch2img_tf.layers.cpu.own_gradients import with_own_gradient


def recomputed(function: Callable[..., tf.Tensor]) -> Callable[..., tf.Tensor]:
    """The function, for whose gradient only its arguments are kept.

    Of the function itself only that is computed again which the gradients of its operations read.

    Differs from `tf.recompute_grad`, which has no gradients of the second order.

    Args:
      function: of float tensors, to one; it reads no variable.
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
    """The second tensor, once the first ones are there: what is computed from it is not in memory
      before.

    Else TensorFlow would compute it at the start, or take and keep what it has computed of the
    second tensor already.
    """
    with tf.control_dependencies(first):
        return tf.identity(then)
