"""What the unit's form for CPUs keeps for its gradient."""

from __future__ import annotations

import pytest
import tensorflow as tf

from tests.layers.ancestors import kept
from tests.layers.mru_test import EVERY_KIND, FILTERS, IMAGE, LABELS, X, random_mru

pytestmark = pytest.mark.usefixtures("seeded")


@EVERY_KIND
def test_only_what_the_convolutions_give_and_the_gates_are_kept_for_the_gradient(settings):
    """Of what has as many values as y. What is made again is made from these."""
    layer = random_mru(**settings)

    @tf.function(input_signature=[tf.TensorSpec(X.shape), tf.TensorSpec(IMAGE.shape)])
    def gradients(x, image):
        with tf.GradientTape() as tape:
            y = tf.tanh(layer((x, image, LABELS), training=True))
        return tape.gradient(y, layer.trainable_weights)

    graph = gradients.get_concrete_function().graph
    result = next(operation for operation in graph.get_operations() if operation.type == "Tanh")
    outputs = [
        tf.TensorShape([*X.shape[:3], channels]) for channels in (FILTERS, FILTERS + X.shape[-1])
    ]
    large = {_source(tensor) for tensor in kept(result, graph.outputs) if tensor.shape in outputs}
    assert {operation.type for operation in large} == {"Conv2D", "SplitV", "Tanh"}
    # The candidate's and the shortcut's
    assert sum(operation.type == "Conv2D" for operation in large) == 2


def _source(tensor: tf.Tensor) -> tf.Operation:
    """What made it, but for what only passes it on."""
    while tensor.op.type in ("Identity", "IdentityN"):
        tensor = tensor.op.inputs[tensor.value_index]
    return tensor.op
