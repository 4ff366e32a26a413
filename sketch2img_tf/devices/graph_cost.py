"""Counts the multiply-adds of a graph's convolutions and matrix products, which are nearly all that it computes."""

from __future__ import annotations

import numpy as np
import tensorflow as tf


def count(graph: tf.Graph) -> int:
    """Of one call of a concrete function's graph, whose shapes have to be known.

    What nothing needs is not counted, as TensorFlow does not run it. Nor are branches, of which not all run.
    """
    return sum(_of(operation) for operation in needed(graph))


def needed(graph: tf.Graph) -> set[tf.Operation]:
    """The operations that the outputs need, or that change something: what TensorFlow leaves of the graph."""
    found, left = set(), [*(tensor.op for tensor in graph.outputs), *graph.control_outputs]
    while left:
        operation = left.pop()
        if operation not in found:
            found.add(operation)
            left += [*(tensor.op for tensor in operation.inputs), *operation.control_inputs]
    return found


def _of(operation: tf.Operation) -> int:
    if operation.type in ("PartitionedCall", "StatefulPartitionedCall"):
        # No public way leads from a call to its function's graph.
        return count(operation.graph._get_function(operation.get_attr("f").name).graph)
    if operation.type == "Conv2D":  # every output is a sum over a kernel's window
        return _size(operation.outputs[0]) * _window(operation.inputs[1])
    if operation.type == "Conv2DBackpropInput":  # transposed: every input goes to a kernel's window
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
