"""The discriminator: does this picture, of this sketch, look real, and what is it?"""

from __future__ import annotations

import tensorflow as tf

from sketch2img_tf.networks.encoder import Encoder, kernel_initializer, pyramid


class Discriminator(tf.keras.Model):
    """The encoder with spectral norm, on the picture beside its sketch, and two dense heads.

    Args:
      num_classes: K.
      base_width: channels of the first MRU.
      synchronized: whether batch norm's statistics are those of all replicas together.

    Call:
      photos: normalised, float32 [B, S, S, 3].
      sketches: normalised, float32 [B, S, S, 1].

    Returns:
      logits: float32 [B], positive for real.
      class_logits: float32 [B, K].
    """

    def __init__(
        self, num_classes: int, base_width: int, synchronized: bool = False, name: str = "discriminator"
    ):
        super().__init__(name=name)
        mru = dict(activation="leaky_relu", synchronized=synchronized)
        self.encoder = Encoder(base_width, spectral=True, mru=mru, name="encoder")
        # The last layers are float32 under every precision policy, so that the logits are.
        self.flatten = tf.keras.layers.Flatten()
        self.real_head = _head(1, "real_head")
        self.class_head = _head(num_classes, "class_head")

    def call(self, inputs, training: bool | None = None) -> tuple[tf.Tensor, tf.Tensor]:
        photos, sketches = inputs
        pictures = tf.cast(tf.concat([photos, sketches], -1), self.compute_dtype)
        features = self.encoder((pictures, pyramid(pictures)), training=training)[-1]
        flat = tf.cast(self.flatten(features), tf.float32)
        return self.real_head(flat)[:, 0], self.class_head(flat)


def _head(logits: int, name: str) -> tf.keras.layers.Layer:
    return tf.keras.layers.Dense(logits, kernel_initializer=kernel_initializer(), dtype="float32", name=name)
