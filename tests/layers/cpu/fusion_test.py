"""What is fused has the values and derivatives of the operations themselves, and
is fused where that is told to pay.
"""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from sketch2img_tf.layers.cpu import fusion
from sketch2img_tf.layers.cpu.fusion import fused, summed
from sketch2img_tf.layers.mru import MRU, NORMALIZATIONS
from tests.paired import paired

pytestmark = pytest.mark.ci

# Full, and spread over positions, and over the batch too
SHAPE, EACH, ALL = [3, 8, 5, 7], [3, 1, 1, 7], [1, 1, 1, 7]
CALLED = {
    "eager": lambda function: function,
    "graph": tf.function,
    "XLA": tf.function(jit_compile=True),
}


@pytest.fixture
def everything_is_large(monkeypatch):
    monkeypatch.setattr(fusion, "_LARGE", 1)


def _normal(shapes, dtype=tf.float32) -> list[tf.Tensor]:
    return [
        tf.cast(tf.random.stateless_normal(shape, [0, seed]), dtype)
        for seed, shape in enumerate(shapes)
    ]


def _function(x, y, each, of_all):
    return tf.cast(
        tf.sigmoid(tf.cast(x, tf.float32) * each) * tf.sin(tf.cast(y, tf.float32)) + of_all * each,
        x.dtype,
    )


def _derivatives(function, *arguments) -> list[tf.Tensor]:
    """The value, its gradients, and those of the squares of these:
    second derivatives, mixed ones too.
    """
    with tf.GradientTape(persistent=True) as outer:
        outer.watch(arguments)
        with tf.GradientTape() as inner:
            inner.watch(arguments)
            total = tf.reduce_sum(tf.sin(function(*arguments)))
        first = inner.gradient(total, arguments)
        squares = [tf.reduce_sum(gradient**2) for gradient in first]
    return [*first, *(second for square in squares for second in outer.gradient(square, arguments))]


@pytest.mark.parametrize("called", CALLED)
@pytest.mark.parametrize(
    "function", [_function, lambda x, y, each, of_all: tf.nn.relu(x * each + y * of_all)]
)
def test_values_and_derivatives_of_two_orders(called, function, everything_is_large):
    arguments = _normal([SHAPE, SHAPE, EACH, ALL])
    np.testing.assert_allclose(
        CALLED[called](fused(function))(*arguments), function(*arguments), rtol=1e-5, atol=1e-5
    )
    found = CALLED[called](lambda *arguments: _derivatives(fused(function), *arguments))(*arguments)
    for each, expected in paired(found, _derivatives(function, *arguments)):
        assert each.shape == expected.shape
        np.testing.assert_allclose(each, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("axes", [[1, 2], [0, 1, 2]])
def test_sums_and_their_derivatives_of_two_orders(axes, everything_is_large):
    arguments = _normal([SHAPE, SHAPE, EACH, ALL])
    found = _derivatives(lambda *arguments: summed(_function, axes, *arguments), *arguments)
    plain = _derivatives(
        lambda *arguments: tf.reduce_sum(_function(*arguments), axes, keepdims=True), *arguments
    )
    for each, expected in paired(found, plain):
        np.testing.assert_allclose(each, expected, rtol=1e-3, atol=1e-3)  # of a sine of sums


def test_bfloat16_is_computed_in_float32_and_rounded_once(everything_is_large):
    x, y = _normal([SHAPE, SHAPE], tf.bfloat16)
    exact = tf.sin(tf.cast(x, tf.float32)) * tf.exp(tf.cast(y, tf.float32))
    result = fused(lambda x, y: tf.sin(x) * tf.exp(y))(x, y)
    assert result.dtype == tf.bfloat16
    np.testing.assert_allclose(tf.cast(result, tf.float32), exact, rtol=2.0**-8)
    # 840 numbers near 1: in bfloat16 their sum would stop at 256.
    ones = tf.ones([3, 8, 35, 1], tf.bfloat16)
    np.testing.assert_array_equal(tf.squeeze(summed(tf.identity, [0, 1, 2], ones)), 840)


def _compiled_functions(function, *arguments) -> int:
    graph = tf.function(function).get_concrete_function(*arguments).graph
    return sum("_XlaMustCompile" in operation.node_def.attr for operation in graph.get_operations())


def test_only_what_is_large_of_several_pictures_is_compiled(monkeypatch):
    several, one = tf.zeros([2, 8, 8, 4]), tf.zeros([1, 8, 8, 8])
    function = fused(lambda x: tf.sin(x) * x)
    monkeypatch.setattr(fusion, "_LARGE", 2 * 8 * 8 * 4)
    assert _compiled_functions(function, several) == 1
    assert _compiled_functions(function, one) == 0
    assert _compiled_functions(function, tf.TensorSpec([None, 8, 8, 4])) == 0
    monkeypatch.setattr(fusion, "_LARGE", 2 * 8 * 8 * 4 + 1)
    assert _compiled_functions(function, several) == 0


@pytest.mark.parametrize("normalization", NORMALIZATIONS)
@pytest.mark.parametrize("activation", ["relu", "leaky_relu"])
def test_a_unit_is_the_same_fused(normalization, activation, monkeypatch):
    """To second derivatives, which DRAGAN takes."""
    layer = MRU(6, activation, normalization, num_classes=4)
    x, image = _normal([[4, 8, 8, 5], [4, 8, 8, 3]])

    def unit(x, image):
        return layer((x, image, tf.constant([0, 1, 1, 3])), training=True)

    plain = [unit(x, image), *_derivatives(unit, x, image)]
    monkeypatch.setattr(fusion, "_LARGE", 1)
    assert _compiled_functions(unit, x, image) > 0
    for found, expected in paired([unit(x, image), *_derivatives(unit, x, image)], plain):
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4)
