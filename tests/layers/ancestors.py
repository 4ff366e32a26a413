"""What an operation of a graph is computed from."""

from __future__ import annotations

import tensorflow as tf


def ancestors(operation: tf.Operation, but: tf.Operation | None = None) -> set[tf.Operation]:
    """All that it needs, in turn, not looking beyond `but`."""
    found, left = set(), [operation]
    while left:
        for tensor in left.pop().inputs:
            if tensor.op not in found:
                found.add(tensor.op)
                left += [tensor.op] if tensor.op is not but else []
    return found


def kept(result: tf.Operation, gradients: list[tf.Tensor]) -> list[tf.Tensor]:
    """Tensors of the way forward, which ends at `result`, that the
    gradients read; some more than once.
    """
    forward = {result, *ancestors(result)}
    backward = {
        operation for gradient in gradients for operation in (gradient.op, *ancestors(gradient.op))
    } - forward
    return [tensor for operation in backward for tensor in operation.inputs if tensor.op in forward]
