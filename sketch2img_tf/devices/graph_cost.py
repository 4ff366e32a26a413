"""Counts the multiply-adds of a graph's convolutions and matrix products, its main cost."""

from __future__ import annotations

import numpy as np
import tensorflow as tf


def count(graph: tf.Graph) -> int:
    """The multiply-adds of one call of a concrete function's graph; its shapes must be known.

    Operations that no output needs are not counted, because TensorFlow does not run them. Branches
    are not counted either, because only one of them runs.
    """
    return sum(_of(operation) for operation in needed(graph))


def needed(graph: tf.Graph) -> set[tf.Operation]:
    """The operations that TensorFlow keeps: outputs need them, or they have side effects."""
    found, left = set(), [*(tensor.op for tensor in graph.outputs), *graph.control_outputs]
    while left:
        operation = left.pop()
        if operation not in found:
            found.add(operation)
            left += [*(tensor.op for tensor in operation.inputs), *operation.control_inputs]
    return found


def _of(operation: tf.Operation) -> int:
    if operation.type in ("PartitionedCall", "StatefulPartitionedCall"):
        # There is no public way from a call to its function's graph.
        return count(operation.graph._get_function(operation.get_attr("f").name).graph)
    if operation.type == "Conv2D":  # every output value is a sum over the kernel's window
        return _size(operation.outputs[0]) * _window(operation.inputs[1])
    # Transposed: every input value is multiplied with the kernel's window
    if operation.type == "Conv2DBackpropInput":
        return _size(operation.inputs[2]) * _window(operation.inputs[1])
    if operation.type == "Conv2DBackpropFilter":
        return _size(operation.inputs[2]) * _window(operation.outputs[0])
    if operation.type == "DepthwiseConv2dNative":
        return _size(operation.outputs[0]) * int(np.prod(operation.inputs[1].shape[:2]))
    if operation.type == "DepthwiseConv2dNativeBackpropInput":
        return _size(operation.inputs[2]) * int(np.prod(operation.inputs[1].shape[:2]))
    if operation.type in ("MatMul", "BatchMatMulV2"):
        summed = -2 if operation.get_attr(_TRANSPOSED[operation.type]) else -1
        return _size(operation.outputs[0]) * operation.inputs[0].shape[summed]
    return 0


_TRANSPOSED = {"MatMul": "transpose_a", "BatchMatMulV2": "adj_x"}


def _size(tensor: tf.Tensor) -> int:
    return int(np.prod(tensor.shape))


def _window(kernel: tf.Tensor) -> int:
    return int(np.prod(kernel.shape[:3]))
