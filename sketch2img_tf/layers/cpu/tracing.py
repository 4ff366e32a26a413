"""Functions of TensorFlow's that stay functions in the graph that calls them."""

from __future__ import annotations

import tensorflow as tf


def call_traced(
    function: tf.types.experimental.GenericFunction, *tensors: tf.Tensor
) -> tf.Tensor | list[tf.Tensor]:
    """As traced for these shapes, which are many: called with them,
    TensorFlow would warn of so much tracing.
    """
    return function.get_concrete_function(
        *(tf.TensorSpec(each.shape, each.dtype) for each in tensors)
    )(*tensors)
