"""Features of a frozen ImageNet network, in which the perceptual loss compares pictures."""

from __future__ import annotations

import tensorflow as tf

from sketch2img_tf.config import LossConfig
from sketch2img_tf.data import preprocessing
from sketch2img_tf.networks import pretrained

_FLAGS = pretrained.Flags("perceptual_weights", "perceptual_size", "perceptual_layers", "--perceptual_weight=0")


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
        choice = pretrained.CHOICES[losses.perceptual_network]
        self.statistics = statistics
        self.size = losses.perceptual_size or choice.size
        network = pretrained.load(losses.perceptual_network, losses.perceptual_weights, self.size, _FLAGS)
        layers = losses.perceptual_layers or choice.layers
        outputs = [pretrained.layer(network, name, _FLAGS).output for name in layers]
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
    if losses.perceptual_weight:
        pretrained.check_weights(losses.perceptual_network, losses.perceptual_weights, _FLAGS)
