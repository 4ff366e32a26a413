"""What every layer of `sketch2img_tf.layers` keeps to: one property, run over all of them."""

from __future__ import annotations

import importlib
import inspect
import json
import pkgutil

import numpy as np
import pytest
import tensorflow as tf

from sketch2img_tf import layers
from sketch2img_tf.devices import hardware
from sketch2img_tf.layers.conditional_batch_norm import ConditionalBatchNormalization
from sketch2img_tf.layers.convolution import Conv2D, Conv2DTranspose, Conv3x3
from sketch2img_tf.layers.mru import MRU
from sketch2img_tf.layers.normalization import (
    BatchNormalization,
    InstanceNormalization,
    NoNormalization,
)
from sketch2img_tf.layers.resize_conv import ResizeConv2D
from sketch2img_tf.layers.spectral_norm import SpectralConv2D
from tests.paired import paired

pytestmark = pytest.mark.usefixtures("seeded")

MIXED = "mixed_bfloat16"
X = np.random.default_rng(0).normal(size=[2, 8, 8, 3]).astype(np.float32)
IMAGE = np.random.default_rng(1).normal(size=[2, 8, 8, 1]).astype(np.float32)
LABELS = np.array([1, 0], np.int64)

# A layer, its settings, what it is called with, and whether it is told that it trains.
CASES = {
    "conv": (Conv3x3, dict(filters=4, kernel_initializer="he_normal"), X, False),
    "halving": (Conv2D, dict(filters=4, kernel_size=2, strides=2), X, False),
    "doubling": (Conv2DTranspose, dict(filters=4, kernel_size=2, strides=2), X, False),
    "spectral_conv": (
        SpectralConv2D,
        dict(filters=4, kernel_size=3, kernel_initializer="he_normal"),
        X,
        False,
    ),
    "spectral_conv_strided": (
        SpectralConv2D,
        dict(filters=4, kernel_size=2, strides=2, use_bias=False),
        X,
        False,
    ),
    "resize_conv": (ResizeConv2D, dict(filters=4, kernel_initializer="he_normal"), X, False),
    "batch_norm": (BatchNormalization, {}, X, True),
    "instance_norm": (InstanceNormalization, {}, X, False),
    "no_norm": (NoNormalization, {}, X, False),
    "conditional_batch_norm": (
        ConditionalBatchNormalization,
        dict(num_classes=2),
        (X, LABELS),
        True,
    ),
    "conditional_residual": (
        ConditionalBatchNormalization,
        dict(num_classes=2, residual=True),
        (X, LABELS),
        True,
    ),
    "mru_conditional": (
        MRU,
        dict(filters=4, normalization="conditional_batch", num_classes=2),
        (X, IMAGE, LABELS),
        True,
    ),
    "mru_batch_spectral": (
        MRU,
        dict(filters=4, activation="leaky_relu", spectral=True),
        (X, IMAGE),
        True,
    ),
    "mru_unnormalised": (
        MRU,
        dict(filters=4, normalization="none", spectral=True),
        (X, IMAGE),
        True,
    ),
    "mru_instance": (MRU, dict(filters=4, normalization="instance"), (X, IMAGE), True),
}
_MORE_UNITS = ("mru_batch_spectral", "mru_unnormalised", "mru_instance")
every_layer = pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())


def _call(layer, inputs, training: bool, trains: bool) -> tf.Tensor:
    return layer(inputs, training=training) if trains else layer(inputs)


def _made(case, **settings) -> tf.keras.layers.Layer:
    """A layer with its variables, none of which has a value that could be a default."""
    kind, given, inputs, trains = case
    layer = kind(**given, **settings)
    _call(layer, inputs, False, trains)
    generator = np.random.default_rng(2)
    for weight in layer.weights:
        weight.assign(generator.uniform(0.5, 1.5, size=weight.shape))
    return layer


def _model(case) -> tf.keras.Model:
    """A model that is nothing but the layer, for pictures of any size and number."""
    sizes = {3: [None, None, 3], 1: [None, None, 1]}
    inputs = [
        tf.keras.Input(sizes[array.shape[-1]] if array.ndim == 4 else [], dtype=array.dtype)
        for array in tf.nest.flatten(case[2])
    ]
    layer = _made(case)
    return tf.keras.Model(inputs, layer(tuple(inputs) if len(inputs) > 1 else inputs[0]))


def _same(outputs, expected) -> None:
    np.testing.assert_allclose(outputs, expected, rtol=1e-5, atol=1e-5)


def test_list_of_layers_is_complete():
    found = set()
    for module in pkgutil.walk_packages(layers.__path__, "sketch2img_tf.layers."):
        members = vars(importlib.import_module(module.name)).values()
        kinds = (member for member in members if inspect.isclass(member))
        found |= {
            k for k in kinds if issubclass(k, tf.keras.layers.Layer) and k.__module__ == module.name
        }
    assert found == {case[0] for case in CASES.values()}


@every_layer
def test_configuration_holds_every_argument_and_makes_the_layer_again(case):
    kind, _, inputs, trains = case
    layer = _made(case)
    config = json.loads(json.dumps(layer.get_config()))
    own = vars(kind).get("__init__", lambda: None)
    arguments = set(inspect.signature(own).parameters) - {"self", "kwargs"}
    assert arguments <= set(config)
    copy = kind.from_config(config)
    assert copy.get_config() == layer.get_config()
    _call(copy, inputs, False, trains)
    copy.set_weights(layer.get_weights())
    _same(_call(copy, inputs, False, trains), _call(layer, inputs, False, trains))


@every_layer
@pytest.mark.parametrize("training", [False, True])
def test_function_equals_eager(case, training):
    _, _, inputs, trains = case
    layer, traced = _made(case), _made(case)

    def free(array):  # any size and number
        return tf.TensorSpec(
            [None, None, None, array.shape[-1]] if array.ndim == 4 else [None], array.dtype
        )

    signature = [tf.nest.map_structure(free, inputs)]
    function = tf.function(
        lambda given: _call(traced, given, training, trains), input_signature=signature
    )
    _same(function(inputs), _call(layer, inputs, training, trains))
    for weight, traced_weight in paired(layer.weights, traced.weights):
        _same(traced_weight, weight)


@every_layer
def test_the_plain_form_and_that_for_cpus_are_the_same(case, monkeypatch):
    """To second derivatives, which DRAGAN takes; with what lies between convolutions compiled."""
    _, _, inputs, trains = case
    first, *others = tf.nest.flatten(inputs)
    first = tf.constant(first)

    def derivatives(layer):
        with tf.GradientTape() as outer:
            outer.watch(first)
            with tf.GradientTape() as tape:
                tape.watch(first)
                given = (first, *others) if others else first
                outputs = _call(layer, given, True, trains)
                loss = tf.reduce_sum(tf.sin(outputs))
            of_first, *of_variables = tape.gradient(loss, [first, *layer.trainable_variables])
            slope = tf.reduce_sum(of_first**2)
        second = outer.gradient(slope, layer.trainable_variables, unconnected_gradients="zero")
        return [tf.convert_to_tensor(each) for each in (outputs, of_first, *of_variables, *second)]

    with hardware.for_accelerators():
        plain = derivatives(_made(case))
    fusion = pytest.importorskip("sketch2img_tf.layers.cpu.fusion", reason="needs layers/cpu")
    monkeypatch.setattr(fusion, "_LARGE", 1)
    for found, expected in paired(derivatives(_made(case)), plain):
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-3 * np.abs(expected).max())


@every_layer
def test_xla_compiles_it_and_its_gradients(case):
    """Without a kernel for each, no TPU could train with the layer."""
    _, _, inputs, trains = case
    layer, compiled = _made(case), _made(case)

    def gradients(of):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(_call(of, inputs, True, trains) ** 3)
        return [tf.convert_to_tensor(each) for each in tape.gradient(loss, of.trainable_variables)]

    with hardware.for_accelerators():
        found = tf.function(lambda: gradients(compiled), jit_compile=True)()
    for gradient, expected in paired(found, gradients(layer)):
        np.testing.assert_allclose(
            gradient, expected, rtol=1e-3, atol=1e-3 * np.abs(expected).max()
        )


SAVED = [
    # A unit takes seconds to save: one of the four is daily enough
    pytest.param(case, id=name, marks=pytest.mark.ci if name in _MORE_UNITS else ())
    for name, case in CASES.items()
]


@pytest.mark.parametrize("case", SAVED)
def test_saved_model_gives_the_same(case, tmp_path):
    model = _model(case)
    inputs = tf.nest.flatten(case[2])
    model.save(tmp_path / "model", save_format="tf")
    loaded = tf.saved_model.load(str(tmp_path / "model"))
    tensors = [tf.constant(array) for array in inputs]
    _same(
        loaded(tensors if len(tensors) > 1 else tensors[0], training=False),
        model(inputs, training=False),
    )


@every_layer
def test_keras_file_gives_the_same(case, tmp_path):
    model = _model(case)
    inputs = tf.nest.flatten(case[2])
    model.save(tmp_path / "model.keras")
    _same(tf.keras.models.load_model(tmp_path / "model.keras")(inputs), model(inputs))


@every_layer
def test_mixed_precision_computes_in_bfloat16_with_variables_in_float32(case):
    _, _, inputs, trains = case
    layer = _made(case, dtype=tf.keras.mixed_precision.Policy(MIXED))
    outputs = _call(layer, inputs, True, trains)
    assert outputs.dtype == tf.bfloat16
    assert {weight.dtype for weight in layer.weights} == {tf.float32}
    expected = _call(_made(case), inputs, True, trains)
    error = np.abs(tf.cast(outputs, tf.float32) - expected).mean() / np.abs(expected).mean()
    assert error < 0.02


@every_layer
@pytest.mark.parametrize("dtype", ["float32", MIXED])
def test_every_trained_variable_has_a_finite_gradient(case, dtype):
    _, _, inputs, trains = case
    layer = _made(case, dtype=tf.keras.mixed_precision.Policy(dtype))
    with tf.GradientTape() as tape:
        outputs = tf.cast(_call(layer, inputs, True, trains), tf.float32)
        loss = tf.reduce_sum(outputs**3)
    for variable, gradient in paired(
        layer.trainable_variables, tape.gradient(loss, layer.trainable_variables)
    ):
        gradient = tf.convert_to_tensor(gradient).numpy()
        assert np.all(np.isfinite(gradient)) and np.any(gradient != 0), variable.name


@every_layer
def test_inference_changes_no_variable(case):
    _, _, inputs, trains = case
    layer = _made(case)
    before = layer.get_weights()
    _call(layer, inputs, False, trains)
    for weight, value in paired(layer.weights, before):
        np.testing.assert_array_equal(weight, value, err_msg=weight.name)
