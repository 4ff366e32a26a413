"""Networks with weights from ImageNet or a file, for the perceptual loss, the critic and evaluation.

They are those of `tf.keras.applications`, and EfficientNet-Lite0.

Whoever asks names the flags that chose the network, so that what goes wrong is told in the user's words.
"""

from __future__ import annotations

import dataclasses
import hashlib
import pathlib

import tensorflow as tf

from sketch2img_tf.errors import UserError
from sketch2img_tf.networks import efficientnet_lite


@dataclasses.dataclass(frozen=True)
class Choice:
    """What is known of a network; all of them take pictures in [-1, 1].

    Attributes:
      build: Keras' function of that name, or one that is called alike.
      size: pixels of the side of the pictures that it was trained on.
      layers: those whose outputs are compared, shallow and middle ones.
      deepest: the layer whose mean over places describes a picture as a whole.
      weights_file: where Keras keeps its ImageNet weights, under ~/.keras/models.
      load: brings a network to the weights of a file.
      critic_layers: those at strides 4, 8, 16 and 32 in which the critic looks; none where it cannot.
      is_linear: whether the layers' outputs are not bounded, and so large that they are to be scaled.
    """

    build: object
    size: int
    layers: tuple[str, ...]
    deepest: str
    weights_file: str
    load: object = tf.keras.Model.load_weights
    critic_layers: tuple[str, ...] = ()
    is_linear: bool = False

    @property
    def suffix(self) -> str:
        """How the name of a weights file ends."""
        return pathlib.Path(self.weights_file).suffix


CHOICES = {
    "InceptionV3": Choice(
        tf.keras.applications.InceptionV3,
        299,
        ("activation:2", "activation:4", "mixed0", "mixed2"),
        "mixed10",
        "inception_v3_weights_tf_dim_ordering_tf_kernels_notop.h5",
    ),
    "InceptionResNetV2": Choice(
        tf.keras.applications.InceptionResNetV2,
        299,
        ("activation:2", "activation:4", "mixed_5b"),
        "conv_7b_ac",
        "inception_resnet_v2_weights_tf_dim_ordering_tf_kernels_notop.h5",
    ),
    "MobileNet": Choice(
        tf.keras.applications.MobileNet,
        224,
        ("conv_pw_1_relu", "conv_pw_3_relu", "conv_pw_5_relu", "conv_pw_11_relu"),
        "conv_pw_12_relu",
        "mobilenet_1_0_224_tf_no_top.h5",
        critic_layers=("conv_pw_3_relu", "conv_pw_5_relu", "conv_pw_11_relu", "conv_pw_12_relu"),
    ),
    "EfficientNetLite0": Choice(
        efficientnet_lite.efficientnet_lite0,
        224,
        ("blocks.0", "blocks.2", "blocks.4", "blocks.10"),
        "head",
        "efficientnet_lite0_imagenet.npz",
        efficientnet_lite.load_weights,
        critic_layers=("blocks.2", "blocks.4", "blocks.10", "blocks.15"),
        is_linear=True,
    ),
}


@dataclasses.dataclass(frozen=True)
class Flags:
    """How a network was asked for, as messages name it: the flags' names, and other ways out.

    Attributes:
      weights, size, layers: names of flags; "" for what cannot be given.
      way_out: ends the message that the weights cannot be had.
    """

    weights: str
    size: str
    layers: str
    way_out: str


def check_weights(network: str, weights: str, flags: Flags) -> None:
    """Finds out, before anything is built, whether the weights are there or can be downloaded.

    Args:
      network: one of `CHOICES`.
      weights: "imagenet", "random", or the path of a weights file.
      flags: who asks.

    Raises:
      UserError: neither; the message names the file and the ways out.
    """
    if weights == "imagenet":
        imagenet_weights(network, flags)
    elif weights != "random" and not pathlib.Path(weights).is_file():
        raise UserError(
            f"--{flags.weights}={weights}: no such file; give imagenet, random, or the {CHOICES[network].suffix} file"
            f" of {network} without its top"
        )


def imagenet_weights(network: str, flags: Flags) -> pathlib.Path:
    """The file with the ImageNet weights, downloaded if it must be."""
    file = pathlib.Path.home() / ".keras" / "models" / CHOICES[network].weights_file
    if file.is_file():
        return file
    try:
        CHOICES[network].build(include_top=False, weights="imagenet")
        return file
    except Exception as error:  # whatever the network connection, the proxy or the server may bring
        raise UserError(
            f"--{flags.weights}=imagenet: the weights of {network} are not at {file} and cannot be downloaded; put"
            f" the file there, or give --{flags.weights}=FILE{CHOICES[network].suffix}, --{flags.weights}=random or"
            f" {flags.way_out}"
        ) from error


def weights_file(network: str, weights: str, flags: Flags) -> pathlib.Path | None:
    """Where the weights are; None for random ones. Raises as `imagenet_weights`."""
    if weights == "random":
        return None
    return imagenet_weights(network, flags) if weights == "imagenet" else pathlib.Path(weights)


def weights_sha256(network: str, weights: str, flags: Flags) -> str:
    """Of the weights' file, as hexadecimal digits; "random" of random ones. Raises as `imagenet_weights`."""
    file = weights_file(network, weights, flags)
    return hashlib.sha256(file.read_bytes()).hexdigest() if file else "random"


def load(network: str, weights: str, size: int, flags: Flags) -> tf.keras.Model:
    """The network without its top, frozen, for pictures of `size` pixels.

    Raises:
      UserError: the weights cannot be had or do not fit.
    """
    file = weights_file(network, weights, flags)
    try:
        model = CHOICES[network].build(include_top=False, weights=None, input_shape=(size, size, 3))
        if file:
            CHOICES[network].load(model, file)
    except (ValueError, OSError) as error:
        given = f"--{flags.weights}={weights}" + (f" with --{flags.size}={size}" if flags.size else "")
        raise UserError(f"{given}: does not make a {network} without its top ({error})") from error
    model.trainable = False
    return model


def layer(model: tf.keras.Model, name: str, flags: Flags) -> tf.keras.layers.Layer:
    """By name, or activation:N by position: Keras numbers names as activation_94 by what was built before."""
    kind, _, position = name.partition(":")
    kinds = (tf.keras.layers.Activation, tf.keras.layers.ReLU)
    activations = [layer for layer in model.layers if isinstance(layer, kinds)]
    if kind == "activation" and position.isdigit() and int(position) < len(activations):
        return activations[int(position)]
    try:
        return model.get_layer(name)
    except ValueError:
        raise UserError(
            f"--{flags.layers}={name}: no such layer; give its name, as mixed2, or activation:0 to"
            f" activation:{len(activations) - 1}"
        ) from None
