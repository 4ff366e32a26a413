"""TensorFlow functions that remain functions in the graph that calls them."""

from __future__ import annotations

import tensorflow as tf


def call_traced(
    function: tf.types.experimental.GenericFunction, *tensors: tf.Tensor
) -> tf.Tensor | list[tf.Tensor]:
    """Calls the function, traced for these shapes: TensorFlow would warn of so many tracings."""
    return function.get_concrete_function(
        *(tf.TensorSpec(each.shape, each.dtype) for each in tensors)
    )(*tensors)
