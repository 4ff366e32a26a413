"""The generator: an encoder-decoder of Masked Residual Units, from sketch, class and noise.

Axes: B batch, S the picture's side, C channels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import tensorflow as tf

from sketch2img_tf.layers.convolution import Conv2D, Conv2DTranspose
from sketch2img_tf.layers.mru import CONDITIONAL, MRU
from sketch2img_tf.layers.resize_conv import ResizeConv2D
from sketch2img_tf.networks.encoder import LEVELS, Encoder, kernel_initializer, pyramid

if TYPE_CHECKING:
    from sketch2img_tf.config import Config

SKETCH_CHANNELS = 8
_BLOCKS = {"full": 1, "half": 2, "quarter": 4}


class Generator(tf.keras.Model):
    """Maps (sketches, labels, noise) to photos; `encode` and `decode` are its two halves.

    The encoder does not see the noise, so that several noise draws for the same sketches share one
    pass of `encode`.

    Args:
      num_classes: K.
      image_size: S, a multiple of 8.
      base_width: channels of the first MRU; the bottleneck has 8 times as many, and as many again
        of noise.
      normalization: "conditional_batch", "conditional_residual", "batch" or "instance".
      initial_features: "label", a learned plane per class that starts as N(0, 1), or "sketch", 8
        channels convolved from the sketch.
      upsampling: "transposed", 2x2 stride-2 convolutions, or "resize", see `ResizeConv2D`.
      sketch_detail: "full", "half" or "quarter": the sketch's resolution. Below "full", every pixel
        of a block of 2x2 or 4x4 is the block's mean, so that lines show where things are but cannot
        be traced.
      noise: "spatial", different at each place of the bottleneck (the report); or "vector", one
        vector that is the same at all places, so that noise cannot say where in the picture
        something is. Zhu et al., "Toward Multimodal Image-to-Image Translation", 2017, section 4.
      noise_deviation: the standard deviation of the noise in `draw`. Below 1 pictures vary less and
        are more often good: Brock et al., "Large Scale GAN Training for High Fidelity Natural Image
        Synthesis", 2019, section 3.1. Differs from the source: it scales all values, and does not
        draw the large ones again.
      synchronized: whether batch norm's statistics are those of all replicas together.

    Call:
      sketches: normalised, float32 [B, S, S, 1].
      labels: int [B] in [0, K).
      noise: N(0, 1), float32 [B, *noise_shape].

    Returns:
      Normalised photos, float32 [B, S, S, 3] in [-1, 1].
    """

    def __init__(
        self,
        num_classes: int,
        image_size: int,
        base_width: int,
        normalization: str,
        initial_features: str,
        upsampling: str = "transposed",
        sketch_detail: str = "full",
        noise: str = "spatial",
        noise_deviation: float = 1.0,
        synchronized: bool = False,
        name: str = "generator",
    ):
        super().__init__(name=name)
        mru = dict(
            activation="relu",
            normalization=normalization,
            num_classes=num_classes,
            synchronized=synchronized,
        )
        widths = [base_width * 2**level for level in reversed(range(LEVELS))]  # 512, 256, 128, 64
        self.conditional = normalization in CONDITIONAL
        self.image_size = image_size
        self.block = _BLOCKS[sketch_detail]
        self.noise_deviation = noise_deviation
        side = 1 if noise == "vector" else image_size // 2 ** (LEVELS - 1)
        self.noise_shape = (side, side, widths[0])
        self.initial = self._initial_layer(initial_features, num_classes)
        self.encoder = Encoder(base_width, mru=mru, name="encoder")
        self.mrus = [MRU(width, name=f"mru_{width}", **mru) for width in widths]
        self.ups = [_doubling(width // 2, upsampling) for width in widths[:-1]]
        # The last layers are float32 under every precision policy, so that the picture is.
        self.to_rgb = tf.keras.layers.Conv2D(
            3,
            3,
            padding="same",
            kernel_initializer=kernel_initializer(),
            dtype="float32",
            name="to_rgb",
        )

    def call(self, inputs, training: bool | None = None) -> tf.Tensor:
        sketches, labels, noise = inputs
        features = self.encode(sketches, labels, training=training)
        return self.decode(features, sketches, labels, noise, training=training)

    def draw(self, sketches: tf.Tensor, labels: tf.Tensor, seeds: tf.Tensor) -> tf.Tensor:
        """Photos in inference mode; each one's noise depends only on its own seed, int64 [B]."""
        noise = tf.map_fn(self._noise_of_seed, seeds, fn_output_signature=tf.float32)
        return self.draw_from_noise(sketches, labels, noise)

    def draw_from_noise(
        self, sketches: tf.Tensor, labels: tf.Tensor, noise: tf.Tensor
    ) -> tf.Tensor:
        """Photos in inference mode, from noise of N(0, 1), which this scales."""
        return self((sketches, labels, self.noise_deviation * noise), training=False)

    def encode(
        self, sketches: tf.Tensor, labels: tf.Tensor, training: bool | None = None
    ) -> list[tf.Tensor]:
        """The outputs of the encoder's MRUs, [B, S, S, width] to [B, S/8, S/8, 8 width]."""
        sketches = self._coarse(sketches)
        inputs = (
            self._initial_features(sketches, labels),
            pyramid(self._cast(sketches)),
            *self._condition(labels),
        )
        return self.encoder(inputs, training=training)

    def decode(self, features, sketches, labels, noise, training: bool | None = None) -> tf.Tensor:
        """Photos from noise and the outputs of `encode`; shapes and ranges: see the class."""
        images = reversed(pyramid(self._cast(self._coarse(sketches))))
        x = tf.concat([features[-1], self._everywhere(noise)], -1)  # [B, S/8, S/8, 16 width]
        for level, (mru, image) in enumerate(zip(self.mrus, images)):
            x = mru((x, image, *self._condition(labels)), training=training)
            if level < LEVELS - 1:
                x = tf.concat([features[LEVELS - 2 - level], self.ups[level](x)], -1)
        return tf.tanh(self.to_rgb(tf.cast(x, tf.float32)))

    def _everywhere(self, noise: tf.Tensor) -> tf.Tensor:
        """[B, S/8, S/8, 8 width], in the compute type."""
        side = self.image_size // 2 ** (LEVELS - 1)
        noise = self._cast(noise)
        if self.noise_shape[0] == side:
            return noise
        return tf.broadcast_to(noise, [tf.shape(noise)[0], side, side, noise.shape[-1]])

    def _coarse(self, sketches: tf.Tensor) -> tf.Tensor:
        if self.block == 1:
            return sketches
        means = tf.nn.avg_pool2d(sketches, self.block, self.block, "VALID")
        return tf.repeat(tf.repeat(means, self.block, axis=1), self.block, axis=2)

    def _noise_of_seed(self, seed: tf.Tensor) -> tf.Tensor:
        # The default algorithm depends on the device: with Philox all devices make the same noise.
        return tf.random.stateless_normal(self.noise_shape, tf.stack([seed, 0]), alg="philox")

    def _initial_layer(self, kind: str, num_classes: int) -> tf.keras.layers.Layer:
        if kind == "sketch":
            return Conv2D(
                SKETCH_CHANNELS,
                3,
                padding="same",
                kernel_initializer=kernel_initializer(),
                name="initial_sketch",
            )
        # Keras' default has a deviation of 0.03. After the first convolution the variance would be
        # smaller than the epsilon of its norm.
        standard = tf.keras.initializers.RandomNormal(0.0, 1.0)
        return tf.keras.layers.Embedding(
            num_classes, self.image_size**2, embeddings_initializer=standard, name="initial_label"
        )

    def _initial_features(self, sketches: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        if isinstance(self.initial, tf.keras.layers.Embedding):
            return tf.reshape(self.initial(labels), [-1, self.image_size, self.image_size, 1])
        return self.initial(sketches)

    def _condition(self, labels: tf.Tensor) -> tuple[tf.Tensor, ...]:
        return (labels,) if self.conditional else ()

    def _cast(self, tensor: tf.Tensor) -> tf.Tensor:
        return tf.cast(tensor, self.compute_dtype)


def make_generator(config: Config, num_classes: int, synchronized: bool = False) -> Generator:
    """The configured generator, with its variables created."""
    network, size = config.network, config.data.image_size
    generator = Generator(
        num_classes,
        size,
        network.base_width,
        network.generator_norm,
        network.initial_features,
        network.upsampling,
        network.sketch_detail,
        network.noise,
        config.evaluation.noise_deviation,
        synchronized,
    )
    generator(
        (
            tf.zeros([1, size, size, 1]),
            tf.zeros([1], tf.int64),
            tf.zeros([1, *generator.noise_shape]),
        )
    )
    return generator


def _doubling(channels: int, upsampling: str) -> tf.keras.layers.Layer:
    if upsampling == "resize":
        return ResizeConv2D(channels, kernel_initializer(), name=f"up_{channels}")
    return Conv2DTranspose(
        channels, 2, 2, kernel_initializer=kernel_initializer(), name=f"up_{channels}"
    )
