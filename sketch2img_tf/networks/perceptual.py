"""Features of a frozen ImageNet network, in which the perceptual loss compares pictures."""

from __future__ import annotations

import tensorflow as tf

from sketch2img_tf import hardware
from sketch2img_tf import precision as precisions
from sketch2img_tf.config import LossConfig
from sketch2img_tf.data import preprocessing
from sketch2img_tf.networks import pretrained

_FLAGS = pretrained.Flags("perceptual_weights", "perceptual_size", "perceptual_layers", "--perceptual_weight=0")


class PerceptualFeatures(tf.Module):
    """Normalised photos, float32 [B, S, S, 3], to the chosen layers' outputs, a list of float32 [B, H, W, C].

    Pictures are brought to the network's range and resized to its input size first. The network is frozen and runs as
    in inference. It computes in bfloat16 if the precision is, where that is faster, else in float32.

    Differs from the report, which names Inception-v4: `tf.keras.applications` has none.
    InceptionV3, the default, is the network before it; InceptionResNetV2 is of the same paper.

    Args:
      losses: the `perceptual_...` options.
      statistics: of the training pictures.
      precision: as `--precision`.

    Raises:
      UserError: the weights cannot be had or do not fit, or there is no such layer.
    """

    def __init__(self, losses: LossConfig, statistics: preprocessing.Statistics, precision: str = "float32"):
        super().__init__(name="perceptual")
        choice = pretrained.CHOICES[losses.perceptual_network]
        self.statistics = statistics
        self.size = losses.perceptual_size or choice.size
        with precisions.policy(_precision(precision)):
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


def _precision(name: str) -> str:
    """Not float16, in which features of 65,505 and more would be infinite."""
    bfloat16 = precisions.resolve(name) == "mixed_bfloat16" and hardware.multiplies_bfloat16_faster()
    return "mixed_bfloat16" if bfloat16 else "float32"
