"""The 3x3 convolution is Keras' own."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from sketch2img_tf.layers.convolution import Conv3x3


def test_it_is_keras_own():
    layer, keras = Conv3x3(5), tf.keras.layers.Conv2D(5, 3, padding="same")
    x = tf.random.stateless_normal([2, 8, 9, 3], [0, 1])
    layer(x), keras(x)
    layer.bias.assign([0.1, 0.2, -0.3, 0.4, 0.5])
    keras.set_weights(layer.get_weights())
    np.testing.assert_allclose(layer(x), keras(x), rtol=1e-5, atol=1e-5)
