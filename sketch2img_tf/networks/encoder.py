"""The encoder of both networks: four MRUs, each at half the side of the one before."""

from __future__ import annotations

import tensorflow as tf

from sketch2img_tf.layers.convolution import Conv2D
from sketch2img_tf.layers.mru import MRU
from sketch2img_tf.layers.spectral_norm import SpectralConv2D

LEVELS = 4


def kernel_initializer() -> tf.keras.initializers.Initializer:
    """For all kernels outside the MRUs: U(-b, b), b = 1 / sqrt(height * width * inputs).

    This is PyTorch's default, which the report's code uses: the outputs have the same scale at
    every width. For a transposed convolution `inputs` is the number of outputs, in PyTorch and
    here. Differs from PyTorch: biases start at 0, not at U(-b, b). It returns a new object each
    time, as in `mru.py`.
    """
    return tf.keras.initializers.VarianceScaling(1 / 3, "fan_in", "uniform")


class Encoder(tf.keras.layers.Layer):
    """Four MRUs with 1, 2, 4 and 8 times `base_width` channels.

    Between them, 2x2 convolutions with stride 2 halve the side and keep the number of channels.

    Args:
      base_width: channels of the first MRU.
      spectral: whether all kernels are spectrally normalised.
      mru: what all MRUs have in common, see `MRU`.

    Call:
      inputs: x, float [B, S, S, C]; the image at every level (see `pyramid`); labels, int [B], if
        the norm needs them.

    Returns:
      The outputs of the four MRUs, float [B, S, S, width] to [B, S/8, S/8, 8 width].
    """

    def __init__(self, base_width: int, spectral: bool = False, mru: dict | None = None, **kwargs):
        super().__init__(**kwargs)
        widths = [base_width * 2**level for level in range(LEVELS)]
        self.mrus = [
            MRU(width, spectral=spectral, name=f"mru_{width}", **(mru or {})) for width in widths
        ]
        self.downs = [_halving(width, spectral) for width in widths[:-1]]

    def call(self, inputs, training: bool | None = None) -> list[tf.Tensor]:
        x, images, *labels = inputs
        outputs = []
        for level, (mru, image) in enumerate(zip(self.mrus, images)):
            x = mru((x, image, *labels), training=training)
            outputs.append(x)
            if level < LEVELS - 1:
                x = self.downs[level](x)
        return outputs


def pyramid(image: tf.Tensor) -> list[tf.Tensor]:
    """The image, float [B, S, S, C], at sides S, S/2, S/4 and S/8, by averages of 2x2 pixels."""
    images = [image]
    for _ in range(LEVELS - 1):
        images.append(tf.nn.avg_pool2d(images[-1], 2, 2, "VALID"))
    return images


def _halving(channels: int, spectral: bool) -> tf.keras.layers.Layer:
    name = f"down_{channels}"
    if spectral:
        return SpectralConv2D(
            channels, 2, strides=2, kernel_initializer=kernel_initializer(), name=name
        )
    return Conv2D(channels, 2, 2, kernel_initializer=kernel_initializer(), name=name)
