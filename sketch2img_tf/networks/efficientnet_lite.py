"""EfficientNet-Lite0: a small ImageNet network with ReLU6 and without squeeze-and-excitation.

Tan and Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks", 2019, as
simplified by Google's EfficientNet-Lite. `tf.keras.applications` does not have it; its layers are
named after the arrays of the weights file.
"""

from __future__ import annotations

import os
import zipfile

import numpy as np
import tensorflow as tf

# Mean and standard deviation of the intensities of its training pictures.
_MEAN = np.array([0.485, 0.456, 0.406])
_DEVIATION = np.array([0.229, 0.224, 0.225])
_EPSILON = 0.001
_STEM, _HEAD, _CLASSES = 32, 1280, 1000

# Expansion, kernel, stride of the first, channels, how many.
_STAGES = (
    (1, 3, 1, 16, 1),
    (6, 3, 2, 24, 2),
    (6, 5, 2, 40, 2),
    (6, 3, 2, 80, 3),
    (6, 5, 1, 112, 3),
    (6, 5, 2, 192, 4),
    (6, 3, 1, 320, 1),
)

# A layer's variables in Keras' order, as the weights file names them.
_ARRAYS = {
    tf.keras.layers.Conv2D: ("weight",),
    tf.keras.layers.DepthwiseConv2D: ("weight",),
    tf.keras.layers.BatchNormalization: ("weight", "bias", "running_mean", "running_var"),
    tf.keras.layers.Dense: ("weight", "bias"),
}


def efficientnet_lite0(
    include_top: bool = True,
    weights: None = None,
    input_shape: tuple[int, int, int] = (224, 224, 3),
) -> tf.keras.Model:
    """The network, with random weights, called as the functions of `tf.keras.applications`.

    Layer `blocks.N`, N from 0 to 15, is the output of a block: linear, not bounded, with a
    deviation of about ten. Layer `head` is the last before the mean over places.

    Args:
      include_top: whether the outputs are the logits of 1,000 classes, float [B, 1000], or the
        activations before they are averaged, float [B, H/32, W/32, 1280].
      weights: None; `load_weights` brings others.
      input_shape: the shape of a picture, [H, W, 3].

    Returns:
      A model of pictures in [-1, 1], from black to white, float [B, H, W, 3].
    """
    if weights is not None:
        raise ValueError(f"weights={weights!r}: should be None; load_weights reads a file")
    inputs = tf.keras.Input(input_shape)
    x = tf.keras.layers.Rescaling(0.5 / _DEVIATION, (0.5 - _MEAN) / _DEVIATION)(inputs)
    x = _relu6(_normalized(_conv(x, _STEM, "conv_stem", kernel=3, stride=2), "bn0"), "stem")
    number = 0
    for expansion, kernel, stride, channels, count in _STAGES:
        for position in range(count):
            first = position == 0
            x = _block(x, f"blocks.{number}", expansion, kernel, stride if first else 1, channels)
            number += 1
    x = _relu6(_normalized(_conv(x, _HEAD, "conv_head"), "bn1"), "head")
    if include_top:
        x = tf.keras.layers.GlobalAveragePooling2D()(x)
        x = tf.keras.layers.Dense(_CLASSES, name="fc")(x)
    return tf.keras.Model(inputs, x, name="efficientnet_lite0")


def load_weights(model: tf.keras.Model, file: str | os.PathLike) -> None:
    """Loads an .npz file into a model of `efficientnet_lite0`; a model without top needs no `fc`.

    Raises:
      OSError: there is no such file.
      ValueError: it is no .npz file, an array of a layer is missing, or is of another shape.
    """
    try:
        with np.load(file) as arrays:
            for layer in model.layers:
                names = [f"{layer.name}.{name}" for name in _ARRAYS.get(type(layer), ())]
                layer.set_weights([arrays[name] for name in names])
    except KeyError as error:
        raise ValueError(f"there is no array {error.args[0]!r}") from None
    # For an .npy file np.load returns an array
    except (AttributeError, TypeError, zipfile.BadZipFile):
        raise ValueError("it is not a .npz file") from None


def _block(x, name: str, expansion: int, kernel: int, stride: int, channels: int):
    """An inverted residual: Sandler et al., "MobileNetV2", 2018."""
    y = x
    if expansion > 1:
        y = _conv(y, expansion * x.shape[-1], f"{name}.expand_conv")
        y = _relu6(_normalized(y, f"{name}.bn0"), f"{name}.relu0")
    y = tf.keras.layers.DepthwiseConv2D(
        kernel, stride, padding="same", use_bias=False, name=f"{name}.depthwise_conv"
    )(y)
    y = _relu6(_normalized(y, f"{name}.bn1"), f"{name}.relu1")
    y = _normalized(_conv(y, channels, f"{name}.project_conv"), f"{name}.bn2")
    if stride == 1 and channels == x.shape[-1]:
        return tf.keras.layers.Add(name=name)([x, y])
    return tf.keras.layers.Layer(name=name)(y)  # changes nothing, and has the block's name


def _conv(x, filters: int, name: str, kernel: int = 1, stride: int = 1):
    return tf.keras.layers.Conv2D(
        filters, kernel, stride, padding="same", use_bias=False, name=name
    )(x)


def _normalized(x, name: str):
    return tf.keras.layers.BatchNormalization(epsilon=_EPSILON, name=name)(x)


def _relu6(x, name: str):
    return tf.keras.layers.ReLU(6.0, name=name)(x)
