"""What is computed again has the values and the gradients that it has when it is kept."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from sketch2img_tf.layers.cpu.recomputation import recomputed
from tests.layers.ancestors import ancestors
from tests.paired import paired

pytestmark = pytest.mark.ci

X, Y = np.linspace(0.1, 2.0, 6, dtype=np.float32), np.linspace(-1.0, 1.0, 6, dtype=np.float32)


def _function(x, y):
    return tf.sin(x * y) * tf.exp(x)


def _derivatives(function, x, y) -> list[tf.Tensor]:
    """The value, its gradients, and those of the squares of either:
    second derivatives, mixed ones too.
    """
    with tf.GradientTape(persistent=True) as outer:
        outer.watch([x, y])
        with tf.GradientTape() as inner:
            inner.watch([x, y])
            value = function(x, y)
        first = inner.gradient(value, [x, y])
        squares = [gradient**2 for gradient in first]
    return [
        value,
        *first,
        *(second for square in squares for second in outer.gradient(square, [x, y])),
    ]


@pytest.mark.parametrize("traced", [False, True])
def test_values_and_gradients_of_two_orders(traced):
    derivatives = tf.function(_derivatives) if traced else _derivatives
    found = derivatives(recomputed(_function), tf.constant(X), tf.constant(Y))
    for each, expected in paired(found, _derivatives(_function, tf.constant(X), tf.constant(Y))):
        np.testing.assert_allclose(each, expected, rtol=1e-5, atol=1e-6)


def test_in_a_graph_the_gradient_reads_nothing_of_the_way_forward_but_the_arguments():
    """It is computed from arguments that wait for the gradient of the result, so
    that it cannot be taken from there.
    """

    @tf.function(input_signature=[tf.TensorSpec([6]), tf.TensorSpec([6])])
    def gradients(x, y):
        with tf.GradientTape() as tape:
            tape.watch([x, y])
            value = recomputed(_function)(x, y)
            total = tf.reduce_sum(tf.tanh(value))
        return tape.gradient(total, [x, y])

    graph = gradients.get_concrete_function().graph
    result = (
        next(operation for operation in graph.get_operations() if operation.type == "Tanh")
        .inputs[0]
        .op
    )
    forward = {result, *ancestors(result)}
    inputs = {tensor.op for tensor in graph.inputs}
    sines = [operation for operation in graph.get_operations() if operation.type == "Sin"]
    assert len(sines) == 2 and len(forward & set(sines)) == 1
    backward = {
        operation for output in graph.outputs for operation in ancestors(output.op, but=result)
    }
    assert sines[1] in backward and not backward & (forward - inputs - {result})
    waiting = [operation for operation in ancestors(sines[1]) if operation.control_inputs]
    assert len(waiting) == 2 and all(
        ancestors(operation.control_inputs[0]) & {result} for operation in waiting
    )
