"""Networks with weights from ImageNet or a file: for perceptual loss, critic and evaluation.

The networks are some of `tf.keras.applications`, and EfficientNet-Lite0. Callers pass the names of
the flags that chose the network, so that error messages can name them.
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
    """The facts about a network; all networks take pictures in [-1, 1].

    Attributes:
      build: Keras' function of that name, or a function with the same arguments.
      size: the side of its training pictures, in pixels.
      layers: the layers whose outputs are compared, shallow and middle ones.
      deepest: the layer whose mean over positions describes a picture as a whole.
      weights_file: the file of its ImageNet weights, under ~/.keras/models.
      load: loads the weights of a file into a network.
      critic_layers: the critic's layers, at strides 4, 8, 16 and 32; none if it cannot use the
        network.
      is_linear: whether the layers' outputs are unbounded and large, so that they need scaling.
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
        """The suffix of a weights file."""
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
    """The names of the flags that chose a network, for messages.

    Attributes:
      weights, size, layers: names of flags; "" if there is no such flag.
      way_out: the end of the message about missing weights: what else the user can do.
    """

    weights: str
    size: str
    layers: str
    way_out: str


def check_weights(network: str, weights: str, flags: Flags) -> None:
    """Checks, before anything is built, that the weights are there or can be downloaded.

    Args:
      network: one of `CHOICES`.
      weights: "imagenet", "random", or the path of a weights file.
      flags: the flags that chose the network.

    Raises:
      UserError: they are not; the message names the file and says what to do.
    """
    if weights == "imagenet":
        imagenet_weights(network, flags)
    elif weights != "random" and not pathlib.Path(weights).is_file():
        raise UserError(
            f"--{flags.weights}={weights}: no such file; give imagenet, random, or the"
            f" {CHOICES[network].suffix} file of {network} without its top"
        )


def imagenet_weights(network: str, flags: Flags) -> pathlib.Path:
    """The file with the ImageNet weights; downloads it if it is missing."""
    file = pathlib.Path.home() / ".keras" / "models" / CHOICES[network].weights_file
    if file.is_file():
        return file
    try:
        CHOICES[network].build(include_top=False, weights="imagenet")
        return file
    except Exception as error:  # any error of the connection, the proxy or the server
        raise UserError(
            f"--{flags.weights}=imagenet: the weights of {network} are not at {file} and cannot be"
            " downloaded; put the file there, or give"
            f" --{flags.weights}=FILE{CHOICES[network].suffix}, --{flags.weights}=random or"
            f" {flags.way_out}"
        ) from error


def weights_file(network: str, weights: str, flags: Flags) -> pathlib.Path | None:
    """The file of the weights; None for random weights. Raises as `imagenet_weights`."""
    if weights == "random":
        return None
    return imagenet_weights(network, flags) if weights == "imagenet" else pathlib.Path(weights)


def weights_sha256(network: str, weights: str, flags: Flags) -> str:
    """SHA-256 of the weights' file in hex, or "random"; raises as `imagenet_weights`."""
    file = weights_file(network, weights, flags)
    return hashlib.sha256(file.read_bytes()).hexdigest() if file else "random"


def load(network: str, weights: str, size: int, flags: Flags) -> tf.keras.Model:
    """The network without its top, frozen, for pictures of `size` pixels.

    Raises:
      UserError: the weights are missing or do not fit.
    """
    file = weights_file(network, weights, flags)
    try:
        model = CHOICES[network].build(include_top=False, weights=None, input_shape=(size, size, 3))
        if file:
            CHOICES[network].load(model, file)
    except (ValueError, OSError) as error:
        given = f"--{flags.weights}={weights}" + (
            f" with --{flags.size}={size}" if flags.size else ""
        )
        raise UserError(f"{given}: does not fit {network} without its top ({error})") from error
    model.trainable = False
    return model


def layer(model: tf.keras.Model, name: str, flags: Flags) -> tf.keras.layers.Layer:
    """The layer with this name, or activation:N, the N-th activation.

    Keras' own numbers, as in activation_94, depend on which models were built before.
    """
    kind, _, position = name.partition(":")
    kinds = (tf.keras.layers.Activation, tf.keras.layers.ReLU)
    activations = [layer for layer in model.layers if isinstance(layer, kinds)]
    if kind == "activation" and position.isdigit() and int(position) < len(activations):
        return activations[int(position)]
    try:
        return model.get_layer(name)
    except ValueError:
        raise UserError(
            f"--{flags.layers}={name}: no such layer; give its name, such as mixed2, or"
            f" activation:0 to activation:{len(activations) - 1}"
        ) from None
