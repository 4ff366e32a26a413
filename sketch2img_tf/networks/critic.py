"""A critic: small trained heads on the features of a frozen ImageNet network at four scales.

Sauer et al., "Projected GANs Converge Faster", 2021: `Projection` mixes the features across
channels and scales by fixed random convolutions, so that no head can rely on a few features only.
Kumari et al., "Ensembling Off-the-shelf Models for GAN Training", 2022, show why such features help
with little data. Only the heads, `Critic`, are trained.

Axes: B batch, S the picture's side, h, w places of a scale, C channels, K classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf

from sketch2img_tf.data import preprocessing
from sketch2img_tf.layers.mru import LEAKY_SLOPE
from sketch2img_tf.layers.spectral_norm import SpectralConv2D
from sketch2img_tf.networks import pretrained
from sketch2img_tf.networks.frozen_features import Look

if TYPE_CHECKING:
    from sketch2img_tf.config import LossConfig

CHANNELS = 64  # of every scale after mixing, and of the heads
_STRIDES = (2, 2, 1, 1)  # of a head's first convolution, from the finest scale on
_FLAGS = pretrained.Flags("critic_weights", "critic_size", "critic_network", "--critic=none")


def look(losses: LossConfig) -> Look:
    """The network and its layers, at strides 4, 8, 16 and 32, of the `critic_...` options."""
    choice = pretrained.CHOICES[losses.critic_network]
    size = losses.critic_size or choice.size
    return Look(losses.critic_network, losses.critic_weights, size, choice.critic_layers, _FLAGS)


def check_weights(losses: LossConfig) -> None:
    """As `perceptual.check_weights`, for the critic's network."""
    if losses.critic != "none":
        pretrained.check_weights(losses.critic_network, losses.critic_weights, _FLAGS)


def weights_sha256(losses: LossConfig) -> str:
    """The frozen network's `pretrained.weights_sha256`; "" without a critic."""
    if losses.critic == "none":
        return ""
    return pretrained.weights_sha256(losses.critic_network, losses.critic_weights, _FLAGS)


class Projection(tf.Module):
    """Mixes features of four scales by fixed random convolutions, which are not trained or stored.

    From the coarsest scale l = 4 to the finest, with features f_l in units of their deviation:

        x_4 = ccm_4(f_4)    x_l = (ccm_l(f_l) + up(y_l+1)) / sqrt(2)    y_l = csm_l(x_l)

    ccm are 1x1 convolutions to 64 channels (across channels), csm are 3x3 convolutions (across
    scales), all with kernels N(0, 1 / inputs); up is bilinear. So all y have about the same
    magnitude, with every network. One channel of the sketch is added to each: the length of line in
    a position, divided by the position's side.

    Differs from the paper: there are no biases; scales are normalised to one magnitude; all have
    the same number of channels; y_1 is not enlarged.

    Args:
      shapes: of the features, [h, w, C] for each scale, the finest first.
      units: the standard deviations of the features.
      statistics: of the training pictures.
      seed: determines all kernels.
      precision: the precision of the convolutions, "float32" or "mixed_bfloat16".
    """

    def __init__(
        self,
        shapes: Sequence[Sequence[int]],
        units: Sequence[float],
        statistics: preprocessing.Statistics,
        seed: int,
        precision: str = "float32",
    ):
        super().__init__(name="projection")
        self.statistics = statistics
        self.dtype = tf.keras.mixed_precision.Policy(precision).compute_dtype
        random = np.random.default_rng([seed, len(_STRIDES)])
        self.sides = [shape[:2] for shape in shapes]
        self.across_channels, self.across_scales = [], []
        for (*_, channels), unit in zip(shapes, units):
            kernel = random.normal(0, channels**-0.5, [1, 1, channels, CHANNELS]) / unit
            self.across_channels.append(kernel.astype(np.float32))
            kernel = random.normal(0, (9 * CHANNELS) ** -0.5, [3, 3, CHANNELS, CHANNELS])
            self.across_scales.append(kernel.astype(np.float32))

    def __call__(self, features: list[tf.Tensor], sketches: tf.Tensor) -> list[tf.Tensor]:
        """Features, float32 [B, h, w, C], and sketches, [B, S, S, 1], to float32 [B, h, w, 65].

        The sketches are float32 and normalised.
        """
        coarser, seen = None, []
        for values, channels, scales in zip(
            features[::-1], self.across_channels[::-1], self.across_scales[::-1]
        ):
            mixed = self._convolve(tf.cast(values, self.dtype), channels)
            if coarser is not None:
                larger = tf.cast(tf.image.resize(coarser, mixed.shape[1:3]), self.dtype)
                mixed = (mixed + larger) * 2**-0.5
            coarser = self._convolve(mixed, scales)
            seen.insert(0, tf.cast(coarser, tf.float32))
        ink = 1.0 - preprocessing.paper_intensities(sketches, self.statistics)
        return [
            tf.concat([values, line_lengths(ink, *side)], -1)
            for values, side in zip(seen, self.sides)
        ]

    def _convolve(self, x: tf.Tensor, kernel: np.ndarray) -> tf.Tensor:
        return tf.nn.conv2d(x, tf.constant(kernel, self.dtype), 1, "SAME")


def line_lengths(ink: tf.Tensor, height: int, width: int) -> tf.Tensor:
    """The length of line in each of height x width equal cells, float32 [B, h, w, 1].

    It is 1 for one straight line through the cell: the mean of the ink, float32 [B, S, S, 1], times
    the side of a cell in pixels. A pixel in two cells counts in each with its share.
    """
    side = ink.shape[1]
    rows, columns = _shares(side, height), _shares(side, width)
    pooled = tf.einsum("ih,bhwc,jw->bijc", rows, ink, columns)
    return pooled * (side / (height * width) ** 0.5)


def _shares(pixels: int, places: int) -> np.ndarray:
    """The share of a cell that each pixel fills, float32 [places, pixels]."""
    edges = np.arange(places + 1) * (pixels / places)
    starts, ends = edges[:-1, np.newaxis], edges[1:, np.newaxis]
    overlaps = np.minimum(ends, np.arange(1, pixels + 1)) - np.maximum(starts, np.arange(pixels))
    return (np.maximum(overlaps, 0.0) * places / pixels).astype(np.float32)


class Critic(tf.keras.Model):
    """One head per scale: are these features those of a real photo of this sketch and class?

    Every convolution is spectrally normalised. There is no batch norm, so that examples do not
    affect each other.

        h = f(conv(f(conv(x))))    logit = a(h) + (b(label) + c(lines)) . h

    conv are 3x3 convolutions; in the two finer scales the first has stride 2. f is leaky ReLU
    (slope 0.1), a is a 1x1 convolution, b is an embedding: Miyato and Koyama, "cGANs with
    Projection Discriminator", 2018, equation 3, at every position. c is a 3x3 convolution of x's
    last channel, and does the same for the sketch: do the features match the lines around them?

    Args:
      num_classes: K.

    Call:
      inputs: the four outputs of `Projection`, float [B, h, w, 65], the finest first; labels, int
        [B].

    Returns:
      logits: four of float32 [B, h', w'], positive for real.
    """

    def __init__(self, num_classes: int, name: str = "critic"):
        super().__init__(name=name)
        self.heads = [
            _Head(num_classes, stride, name=f"head_{i}") for i, stride in enumerate(_STRIDES, 1)
        ]

    def call(self, inputs: tuple[list[tf.Tensor], tf.Tensor]) -> list[tf.Tensor]:
        seen, labels = inputs
        return [head((values, labels)) for head, values in zip(self.heads, seen)]


class _Head(tf.keras.layers.Layer):
    """The head of one scale, see `Critic`."""

    def __init__(self, num_classes: int, stride: int, **kwargs):
        super().__init__(**kwargs)
        self.num_classes = num_classes
        self.first = SpectralConv2D(CHANNELS, 3, stride, name="first")
        self.second = SpectralConv2D(CHANNELS, 3, name="second")
        # The last layers are float32 under every precision policy, so that the logits are.
        self.real = SpectralConv2D(1, 1, name="real", dtype="float32")
        self.of_class = SpectralConv2D(
            CHANNELS, 1, use_bias=False, name="of_class", dtype="float32"
        )
        self.of_lines = SpectralConv2D(
            CHANNELS, 3, stride, use_bias=False, name="of_lines", dtype="float32"
        )

    def call(self, inputs: tuple[tf.Tensor, tf.Tensor]) -> tf.Tensor:
        x, labels = inputs
        of_lines = self.of_lines(tf.cast(x[..., CHANNELS:], tf.float32))
        x = tf.nn.leaky_relu(self.first(x), LEAKY_SLOPE)
        x = tf.cast(tf.nn.leaky_relu(self.second(x), LEAKY_SLOPE), tf.float32)
        of_class = self.of_class(tf.one_hot(labels, self.num_classes)[:, tf.newaxis, tf.newaxis])
        return self.real(x)[..., 0] + tf.reduce_sum((of_class + of_lines) * x, -1)


def make_critic(num_classes: int) -> Critic:
    """A critic whose variables are created."""
    critic = Critic(num_classes)
    critic(([tf.zeros([1, 4, 4, CHANNELS + 1])] * len(_STRIDES), tf.zeros([1], tf.int64)))
    return critic
