"""Features of photos from a frozen ImageNet network, for the perceptual loss and the critic."""

from __future__ import annotations

import dataclasses

import numpy as np
import tensorflow as tf

from sketch2img_tf.data import preprocessing
from sketch2img_tf.devices import hardware
from sketch2img_tf.devices import precision as precisions
from sketch2img_tf.networks import pretrained

_YARDSTICK_PICTURES = 8
_YARDSTICK_SEED = 0


@dataclasses.dataclass(frozen=True)
class Look:
    """Which pretrained network computes features, and at which layers.

    Attributes:
      network: one of `pretrained.CHOICES`.
      weights: "imagenet", "random", or the path of a weights file.
      size: photos are resized to this side, in pixels.
      layers: the layers' names, as `pretrained.layer` accepts them.
      flags: the flags that chose the network, for messages.
    """

    network: str
    weights: str
    size: int
    layers: tuple[str, ...]
    flags: pretrained.Flags

    def is_like(self, other: Look) -> bool:
        """Whether one pass through the network serves both."""
        return (self.network, self.weights, self.size) == (other.network, other.weights, other.size)


class FrozenFeatures(tf.Module):
    """Maps normalised photos, float32 [B, S, S, 3], to a list of float32 [B, H, W, C] by layer.

    Photos are first scaled to the network's range and resized to its input size. The network is
    frozen and runs in inference mode. It computes in bfloat16 if the precision is bfloat16 and this
    is faster on the device, otherwise in float32.

    Args:
      look: which network and layers.
      statistics: of the training pictures.
      precision: as `--precision`.

    Raises:
      UserError: the weights are missing or do not fit, or there is no such layer.
    """

    def __init__(
        self, look: Look, statistics: preprocessing.Statistics, precision: str = "float32"
    ):
        super().__init__(name="frozen_features")
        self.statistics = statistics
        self.size = look.size
        with precisions.policy(faster_precision(precision)):
            network = pretrained.load(look.network, look.weights, look.size, look.flags)
        outputs = [pretrained.layer(network, name, look.flags).output for name in look.layers]
        self.network = tf.keras.Model(network.input, outputs, trainable=False, name="frozen")

    def __call__(self, photos: tf.Tensor) -> list[tf.Tensor]:
        pictures = preprocessing.application_range(photos, self.statistics)
        return self._of(tf.image.resize(pictures, [self.size, self.size]))

    def deviations(self) -> list[float]:
        """The standard deviation of each layer's output on fixed pictures, to compare layers by.

        It is over positions, channels and pictures; the pictures have the spectrum of photographs.
        On real photos it is 0.7 to 1.5 times as large, in the layers of MobileNet and
        EfficientNet-Lite0.
        """
        return [float(tf.math.reduce_std(values)) for values in self._of(self._yardstick())]

    def settle(self) -> None:
        """Sets random batch norms to the statistics of their inputs, as training would.

        The statistics are those on the same fixed pictures. Without this, the features of all
        pictures would be nearly the same after a dozen layers.
        """
        norms = [
            layer
            for layer in self.network.layers
            if isinstance(layer, tf.keras.layers.BatchNormalization)
        ]
        before = [layer.momentum for layer in norms]
        self.network.trainable = True
        for layer in norms:
            layer.momentum = 0.0
        self.network(self._yardstick(), training=True)
        self.network.trainable = False
        for layer, momentum in zip(norms, before):
            layer.momentum = momentum

    def _yardstick(self) -> tf.Tensor:
        return tf.constant(2.0 * photo_like_noise(_YARDSTICK_PICTURES, self.size) - 1.0)

    def _of(self, pictures: tf.Tensor) -> list[tf.Tensor]:
        features = tf.nest.flatten(self.network(pictures, training=False))
        return [tf.cast(values, tf.float32) for values in features]


def photo_like_noise(count: int, size: int) -> np.ndarray:
    """Fixed noise with photos' spectrum: intensities, float32 [count, size, size, 3], mostly grey.

    Amplitudes fall as 1 / frequency.

    Field, "Relations between the statistics of natural images and the response properties of
    cortical cells", 1987.
    """
    white = np.random.default_rng(_YARDSTICK_SEED).normal(size=[count, 3, size, size])
    frequencies = np.hypot(np.fft.fftfreq(size)[:, np.newaxis], np.fft.fftfreq(size))
    frequencies[0, 0] = np.inf  # no mean
    pink = np.fft.ifft2(np.fft.fft2(white) / frequencies).real
    pink /= pink.std((2, 3), keepdims=True)
    grey = pink[:, :1]
    pictures = 0.45 + 0.25 * (0.7 * grey + 0.3 * pink)
    return np.clip(pictures, 0.0, 1.0).transpose(0, 2, 3, 1).astype(np.float32)


def faster_precision(name: str) -> str:
    """The policy of frozen layers under this `--precision`: mixed_bfloat16 or float32.

    It is never float16, in which features above 65,504 would become infinite.
    """
    bfloat16 = (
        precisions.resolve(name) == "mixed_bfloat16" and hardware.multiplies_bfloat16_faster()
    )
    return "mixed_bfloat16" if bfloat16 else "float32"
