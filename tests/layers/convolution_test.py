"""The convolutions are Keras' own, and sum biases' gradients precisely."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from sketch2img_tf import config
from sketch2img_tf.devices import precision
from sketch2img_tf.layers import operations
from sketch2img_tf.layers.convolution import Conv2D, Conv2DTranspose, Conv3x3
from sketch2img_tf.layers.spectral_norm import SpectralConv2D
from sketch2img_tf.networks.generator import make_generator

# Without the forms for CPUs TensorFlow sums, in bfloat16
PRECISIONS = ("float32", "mixed_bfloat16") if operations.HAS_CPU_FORMS else ("float32",)


@pytest.mark.parametrize(
    ("layer", "keras"),
    [
        (Conv3x3(5), tf.keras.layers.Conv2D(5, 3, padding="same")),
        (Conv2D(5, 2, 2), tf.keras.layers.Conv2D(5, 2, 2)),
        (Conv2DTranspose(5, 2, 2), tf.keras.layers.Conv2DTranspose(5, 2, 2)),
    ],
    ids=["3x3", "halving", "doubling"],
)
def test_it_is_keras_own(layer, keras):
    x = tf.random.stateless_normal([2, 8, 10, 3], [0, 1])
    layer(x), keras(x)
    layer.bias.assign([0.1, 0.2, -0.3, 0.4, 0.5])
    keras.set_weights(layer.get_weights())
    np.testing.assert_allclose(layer(x), keras(x), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("policy", PRECISIONS)
@pytest.mark.parametrize(
    "make",
    [
        lambda: Conv3x3(2),
        lambda: Conv2D(2, 2, 2),
        lambda: Conv2DTranspose(2, 2, 2),
        lambda: SpectralConv2D(2, 2, strides=2),
    ],
    ids=["3x3", "halving", "doubling", "spectral"],
)
@pytest.mark.parametrize(
    "compiled", [lambda function: function, tf.function], ids=["eager", "graph"]
)
def test_gradients_of_biases_are_summed_in_float32(make, policy, compiled):
    """In bfloat16 a sum of ones ends at 256."""
    with precision.policy(policy):
        layer = make()
    x = tf.ones([2, 64, 64, 3])

    @compiled
    def gradient():
        with tf.GradientTape() as tape:
            outputs = layer(x)
            total = tf.reduce_sum(tf.cast(outputs, tf.float32))
        return tape.gradient(total, layer.bias)

    layer(x)
    positions = np.prod(layer(x).shape[:3])
    np.testing.assert_allclose(gradient(), [positions] * 2, rtol=0.01)


@pytest.mark.parametrize("upsampling", ["transposed", "resize"])
@pytest.mark.parametrize("features", ["label", "sketch"])
def test_no_bias_of_the_generator_is_summed_in_bfloat16(upsampling, features):
    values = dict(
        precision="mixed_bfloat16",
        base_width=2,
        upsampling=upsampling,
        initial_features=features,
    )
    generator = make_generator(config.from_dict(values), 3)
    kerass = {tf.keras.layers.Conv2D, tf.keras.layers.Conv2DTranspose}
    layers = [layer for layer in generator.submodules if type(layer) in kerass]
    assert {layer.name for layer in layers} == {"to_rgb"}
    assert {layer.compute_dtype for layer in layers} == {"float32"}
