"""The convolution for CPUs against TensorFlow's own: values, and
gradients of the first and the second order.
"""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from sketch2img_tf.devices import hardware
from sketch2img_tf.layers.cpu import convolution, winograd
from sketch2img_tf.layers.cpu.convolution import conv2d
from tests.paired import paired

pytestmark = pytest.mark.ci

SIDES = [8, 9]  # few positions, and more
MANY = (144, 128)  # channels that go by tiles, in a batch of BATCH
FEW = (128, 127)  # that do not
BATCH = 8
# The filter's gradient as TensorFlow's own, and as products laid either way
WIDTHS = [(3, 5), (16, 20), (20, 16)]


def _plain(x, kernel, bias):
    return tf.nn.bias_add(tf.nn.conv2d(x, kernel, 1, "SAME"), bias)


def _arguments(side: int, dtype=tf.float32, widths=(3, 5)) -> list[tf.Tensor]:
    inputs, filters = widths
    shapes = ([2, side, side, inputs], [3, 3, inputs, filters], [filters])
    scales = (1.0, (3 / inputs) ** 0.5, 1.0)
    normal = [
        scale * tf.random.stateless_normal(shape, [1, i])
        for i, (shape, scale) in enumerate(zip(shapes, scales))
    ]
    return [tf.cast(values, dtype) for values in normal]


def _derivatives(function, arguments: list[tf.Tensor]) -> list[tf.Tensor]:
    """The value, its gradients, and those of a function of the
    gradient with respect to x: as DRAGAN's.
    """
    with tf.GradientTape(persistent=True) as outer:
        outer.watch(arguments)
        with tf.GradientTape() as inner:
            inner.watch(arguments)
            value = function(*arguments)
            total = tf.reduce_sum(tf.sin(value))
        first = inner.gradient(total, arguments)
        slope = tf.reduce_sum(first[0] ** 2)
        slopes = tf.reduce_sum(first[1] ** 2)
    return [value, *first, *outer.gradient(slope, arguments), *outer.gradient(slopes, arguments)]


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("widths", WIDTHS)
def test_values_and_gradients_of_two_orders_are_tensorflows(side, widths):
    arguments = _arguments(side, widths=widths)
    for found, expected in paired(_derivatives(conv2d, arguments), _derivatives(_plain, arguments)):
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(
    "compiled",
    [lambda function: function, tf.function, tf.function(jit_compile=True)],
    ids=["eager", "graph", "XLA"],
)
def test_by_tiles_they_are_tensorflows_to_a_thousandth(compiled, monkeypatch):
    taken = []
    for name in ("conv2d", "filter_gradient"):
        own = getattr(winograd, name)
        monkeypatch.setattr(
            winograd, name, lambda *each, own=own, name=name: taken.append(name) or own(*each)
        )
    x, *others = _arguments(8, widths=MANY)
    arguments = [tf.concat([x, 0.5 * x, -x, x**2], 0), *others]
    assert arguments[0].shape[0] == BATCH
    derivatives = compiled(_derivatives)
    for found, expected in paired(derivatives(conv2d, arguments), _derivatives(_plain, arguments)):
        np.testing.assert_allclose(found, expected, atol=1e-3 * np.std(expected), rtol=0)
    assert taken.count("conv2d") >= 4 and taken.count("filter_gradient") >= 3


@pytest.mark.parametrize(
    "shape, widths",
    [
        ((BATCH, 9, 9), MANY),
        ((BATCH, 8, 10), MANY),
        ((7, 8, 8), MANY),
        ((None, 8, 8), MANY),
        ((BATCH, 8, 8), FEW),
    ],
    ids=["odd", "half a tile", "few tiles", "any batch", "few channels"],
)
def test_what_suits_no_tiles_goes_another_way(shape, widths, monkeypatch):
    monkeypatch.setattr(winograd, "conv2d", None)
    monkeypatch.setattr(winograd, "filter_gradient", None)
    _, kernel, bias = _arguments(8, widths=widths)

    @tf.function(input_signature=[tf.TensorSpec([*shape, widths[0]])])
    def gradients(x):
        with tf.GradientTape() as tape:
            tape.watch([x, kernel])
            value = conv2d(x, kernel, bias)
        return tape.gradient(value, [x, kernel])

    gradients.get_concrete_function()


@pytest.mark.parametrize("wide", [True, False])
@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("widths", WIDTHS)
def test_in_bfloat16_they_are_as_near_as_bfloat16_is(wide, side, widths, monkeypatch):
    if wide:  # else as it is best on this computer
        monkeypatch.setattr(hardware, "multiplies_bfloat16_faster", lambda: False)
    arguments = _arguments(side, tf.bfloat16, widths)
    wide = [tf.cast(argument, tf.float32) for argument in arguments]
    with tf.GradientTape() as tape, tf.GradientTape() as plain:
        tape.watch(arguments)
        plain.watch(wide)
        value, expected = conv2d(*arguments), _plain(*wide)
    for found, exact in paired(tape.gradient(value, arguments), plain.gradient(expected, wide)):
        assert found.dtype == tf.bfloat16
        np.testing.assert_allclose(tf.cast(found, tf.float32), exact, rtol=0.02, atol=0.1)


@pytest.mark.parametrize("faster", [True, False])
def test_products_are_taken_in_bfloat16_of_many_channels_and_few_positions(faster, monkeypatch):
    taken = []
    products = convolution._three_products
    monkeypatch.setattr(hardware, "multiplies_bfloat16_faster", lambda: faster)
    monkeypatch.setattr(
        convolution, "_three_products", lambda *each: taken.append(each) or products(*each)
    )
    for widths in WIDTHS:
        for side in SIDES:
            for dtype in (tf.bfloat16, tf.float32):
                arguments = _arguments(side, dtype, widths)
                with tf.GradientTape() as tape:
                    tape.watch(arguments)
                    value = conv2d(*arguments)
                tape.gradient(value, arguments)
    found = [(x.shape[1], x.shape[-1], x.dtype) for x, _ in taken]
    assert found == (2 * [(8, 16, tf.bfloat16)] if faster else [])
