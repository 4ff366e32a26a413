"""Features of a frozen ImageNet network, in which the perceptual loss compares pictures."""

from __future__ import annotations

import dataclasses
import pathlib

import tensorflow as tf

from sketch2img_tf.config import LossConfig
from sketch2img_tf.data import preprocessing
from sketch2img_tf.errors import UserError


@dataclasses.dataclass(frozen=True)
class _Choice:
    """What is known of a network of `tf.keras.applications`; all three take pictures in [-1, 1]."""

    build: object
    size: int
    layers: tuple[str, ...]
    weights_file: str
    """Where Keras keeps its ImageNet weights, under ~/.keras/models."""


_CHOICES = {
    "InceptionV3": _Choice(
        tf.keras.applications.InceptionV3,
        299,
        ("activation:2", "activation:4", "mixed0", "mixed2"),
        "inception_v3_weights_tf_dim_ordering_tf_kernels_notop.h5",
    ),
    "InceptionResNetV2": _Choice(
        tf.keras.applications.InceptionResNetV2,
        299,
        ("activation:2", "activation:4", "mixed_5b"),
        "inception_resnet_v2_weights_tf_dim_ordering_tf_kernels_notop.h5",
    ),
    "MobileNet": _Choice(
        tf.keras.applications.MobileNet,
        224,
        ("conv_pw_1_relu", "conv_pw_3_relu", "conv_pw_5_relu", "conv_pw_11_relu"),
        "mobilenet_1_0_224_tf_no_top.h5",
    ),
}


class PerceptualFeatures(tf.Module):
    """Normalised photos, float32 [B, S, S, 3], to the chosen layers' outputs, a list of float32 [B, H, W, C].

    Pictures are brought to the network's range and resized to its input size first. The network is frozen and runs as
    in inference.

    Args:
      losses: the `perceptual_...` options.
      statistics: of the training pictures.

    Raises:
      UserError: the weights cannot be had or do not fit, or there is no such layer.
    """

    def __init__(self, losses: LossConfig, statistics: preprocessing.Statistics):
        super().__init__(name="perceptual")
        choice = _CHOICES[losses.perceptual_network]
        self.statistics = statistics
        self.size = losses.perceptual_size or choice.size
        network = _network(losses, choice, self.size)
        layers = losses.perceptual_layers or choice.layers
        outputs = [_layer(network, name).output for name in layers]
        self.network = tf.keras.Model(network.input, outputs, trainable=False, name="perceptual")

    def __call__(self, photos: tf.Tensor) -> list[tf.Tensor]:
        pictures = preprocessing.application_range(photos, self.statistics)
        pictures = tf.image.resize(pictures, [self.size, self.size])
        return [tf.cast(features, tf.float32) for features in tf.nest.flatten(self.network(pictures, training=False))]


def check_weights(losses: LossConfig) -> None:
    """Finds out, before anything is built, whether the weights are there or can be downloaded.

    Raises:
      UserError: neither; the message names the file and the ways out.
    """
    if losses.perceptual_weight and losses.perceptual_weights == "imagenet":
        _imagenet_weights(losses.perceptual_network)
    elif losses.perceptual_weight and losses.perceptual_weights != "random":
        if not pathlib.Path(losses.perceptual_weights).is_file():
            raise UserError(
                f"--perceptual_weights={losses.perceptual_weights}: no such file; give imagenet, random, or the .h5"
                f" file of {losses.perceptual_network} without its top"
            )


def _imagenet_weights(network: str) -> pathlib.Path:
    """The file with the ImageNet weights, downloaded if it must be."""
    file = pathlib.Path.home() / ".keras" / "models" / _CHOICES[network].weights_file
    if file.is_file():
        return file
    try:
        _CHOICES[network].build(include_top=False, weights="imagenet")
        return file
    except Exception as error:  # whatever the network connection, the proxy or the server may bring
        raise UserError(
            f"--perceptual_weights=imagenet: the weights of {network} are not at {file} and cannot be downloaded; put"
            " the file there, or give --perceptual_weights=FILE.h5, --perceptual_weights=random or"
            " --perceptual_weight=0"
        ) from error


def _network(losses: LossConfig, choice: _Choice, size: int) -> tf.keras.Model:
    given = losses.perceptual_weights
    file = _imagenet_weights(losses.perceptual_network) if given == "imagenet" else given
    try:
        network = choice.build(include_top=False, weights=None, input_shape=(size, size, 3))
        if given != "random":
            network.load_weights(file)
    except (ValueError, OSError) as error:
        raise UserError(
            f"--perceptual_weights={given} with --perceptual_size={size}: does not make a"
            f" {losses.perceptual_network} without its top ({error})"
        ) from error
    network.trainable = False
    return network


def _layer(network: tf.keras.Model, name: str) -> tf.keras.layers.Layer:
    """By name, or activation:N by position: Keras numbers names as activation_94 by what was built before."""
    kind, _, position = name.partition(":")
    kinds = (tf.keras.layers.Activation, tf.keras.layers.ReLU)
    activations = [layer for layer in network.layers if isinstance(layer, kinds)]
    if kind == "activation" and position.isdigit() and int(position) < len(activations):
        return activations[int(position)]
    try:
        return network.get_layer(name)
    except ValueError:
        raise UserError(
            f"--perceptual_layers={name}: no such layer; give its name, as mixed2, or activation:0 to"
            f" activation:{len(activations) - 1}"
        ) from None
