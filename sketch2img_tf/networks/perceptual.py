"""The features in which the perceptual loss compares pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sketch2img_tf.networks import pretrained
from sketch2img_tf.networks.frozen_features import Look

if TYPE_CHECKING:
    from sketch2img_tf.config import LossConfig

_FLAGS = pretrained.Flags(
    "perceptual_weights", "perceptual_size", "perceptual_layers", "--perceptual_weight=0"
)


def look(losses: LossConfig) -> Look:
    """The network and the layers that the `perceptual_...` options choose.

    Differs from the report, which names Inception-v4: `tf.keras.applications` has none.
    InceptionV3, the default, is the network before it; InceptionResNetV2 is of the same paper.
    """
    choice = pretrained.CHOICES[losses.perceptual_network]
    return Look(
        losses.perceptual_network,
        losses.perceptual_weights,
        losses.perceptual_size or choice.size,
        losses.perceptual_layers or choice.layers,
        _FLAGS,
    )


def is_scaled(losses: LossConfig) -> bool:
    """Whether each layer's distance is divided by the layer's standard deviation."""
    if losses.perceptual_scaling == "auto":
        return pretrained.CHOICES[losses.perceptual_network].is_linear
    return losses.perceptual_scaling == "deviation"


def check_weights(losses: LossConfig) -> None:
    """Checks, before anything is built, that the weights are there or can be downloaded.

    Raises:
      UserError: they are not; the message names the file and says what to do.
    """
    if losses.perceptual_weight:
        pretrained.check_weights(losses.perceptual_network, losses.perceptual_weights, _FLAGS)
