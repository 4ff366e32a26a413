"""Features of pictures from a frozen network.

Axes: B batch, H, W height and width, C channels.
"""

from __future__ import annotations

import dataclasses
import hashlib

import numpy as np
import tensorflow as tf

from sketch2img_tf.data import preprocessing
from sketch2img_tf.networks import pretrained
from sketch2img_tf.surroundings import progress

BATCH = 16
_FLAGS = pretrained.Flags("features_weights", "", "", "leave out --features_network")
_EPSILON = 1e-10
# MD5 of the file that Keras downloads, from its source (keras/applications/inception_v3.py).
_INCEPTION_IMAGENET_MD5 = "bcbd6486424b2319ff4ef7d526e38f63"


@dataclasses.dataclass(frozen=True)
class FeatureFlags:
    """The network that computes features for the metrics.

    Attributes:
      network: one of `pretrained.CHOICES`; "" for none.
      weights: "imagenet", "random", or the path of a weights file.
    """

    network: str
    weights: str


def check_weights(flags: FeatureFlags) -> None:
    """Raises a `UserError` if the weights are missing and cannot be downloaded; builds nothing."""
    if flags.network:
        pretrained.check_weights(flags.network, flags.weights, _FLAGS)


class FeatureNetwork:
    """A network of `pretrained.CHOICES` for the metrics.

    Attributes:
      description: what a result line says of it: name, layers, size, resize, and the weights'
        sha256.
      distance_names: the names of the Frechet and the kernel distance: `fid` and `kid` for
        InceptionV3 with Keras' ImageNet weights, otherwise with the network and its layer, such as
        `frechet_MobileNet_conv_pw_12_relu`.

    Raises:
      UserError: on creation, if the weights are missing or do not fit.
    """

    def __init__(self, flags: FeatureFlags):
        choice = pretrained.CHOICES[flags.network]
        self.name, self.size = flags.network, choice.size
        network = pretrained.load(flags.network, flags.weights, choice.size, _FLAGS)
        shallow = [pretrained.layer(network, name, _FLAGS).output for name in choice.layers]
        deepest = tf.reduce_mean(pretrained.layer(network, choice.deepest, _FLAGS).output, [1, 2])
        self._pooled = tf.function(tf.keras.Model(network.input, deepest))
        self._shallow = tf.function(tf.keras.Model(network.input, shallow))
        self.distance_names = distance_names(flags)
        self.description = {
            "network": flags.network,
            "layer": choice.deepest,
            "perceptual_layers": list(choice.layers),
            "size": choice.size,
            "resize": "bilinear",
            "weights_sha256": pretrained.weights_sha256(flags.network, flags.weights, _FLAGS),
        }

    def pooled(self, pictures: np.ndarray, description: str) -> np.ndarray:
        """The means of the deepest layer, float32 [B, C], for pixels, uint8 [B, H, W, 3]."""
        starts = progress.bar(
            range(0, len(pictures), BATCH), description, unit="batch", leave=False
        )
        return np.concatenate(
            [self._pooled(self._prepared(pictures[at : at + BATCH])).numpy() for at in starts]
        )

    def perceptual_distances(self, pictures: np.ndarray, others: np.ndarray) -> np.ndarray:
        """Distances of pairs of pictures, float64 [B]; both are pixels, uint8 [B, H, W, 3].

        The squared distance of the two features, each normalised to length 1, averaged over
        positions and layers: R. Zhang et al., "The Unreasonable Effectiveness of Deep Features as a
        Perceptual Metric", 2018, eq. 1, without its learned weights.
        """
        starts = progress.bar(
            range(0, len(pictures), BATCH), "comparing", unit="batch", leave=False
        )
        pairs = [(pictures[at : at + BATCH], others[at : at + BATCH]) for at in starts]
        return np.concatenate([self._distances(*pair).numpy() for pair in pairs]).astype(np.float64)

    @tf.function(reduce_retracing=True)
    def _distances(self, pictures: tf.Tensor, others: tf.Tensor) -> tf.Tensor:
        layers = zip(self._shallow(self._prepared(pictures)), self._shallow(self._prepared(others)))
        return tf.add_n([_distance(*pair) for pair in layers]) / len(
            self.description["perceptual_layers"]
        )

    def _prepared(self, pixels: tf.Tensor) -> tf.Tensor:
        pictures = preprocessing.application_range_of_pixels(pixels)
        return tf.image.resize(pictures, [self.size, self.size])


def _distance(features: tf.Tensor, others: tf.Tensor) -> tf.Tensor:
    """The distances, [B], of features, [B, H, W, C]."""
    unit, other_unit = (
        values / (tf.norm(values + _EPSILON, axis=-1, keepdims=True))
        for values in (features, others)
    )
    return tf.reduce_mean(tf.reduce_sum(tf.square(unit - other_unit), -1), [1, 2])


def distance_names(flags: FeatureFlags) -> tuple[str, str] | None:
    """`FeatureNetwork.distance_names`, without building the network; None if there is none."""
    if not flags.network:
        return None
    is_inception = flags.network == "InceptionV3"
    file = pretrained.weights_file(flags.network, flags.weights, _FLAGS) if is_inception else None
    if file and hashlib.md5(file.read_bytes()).hexdigest() == _INCEPTION_IMAGENET_MD5:
        return "fid", "kid"
    name = f"{flags.network}_{pretrained.CHOICES[flags.network].deepest}"
    return f"frechet_{name}", f"kernel_{name}"
