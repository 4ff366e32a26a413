"""The discriminator: is this picture a real photo of this sketch, and of which class is it?"""

from __future__ import annotations

import tensorflow as tf

from sketch2img_tf.networks.encoder import Encoder, kernel_initializer, pyramid


class Discriminator(tf.keras.Model):
    """The encoder with spectral norm, on picture and sketch as channels, and two dense heads.

    The first head tells real from fake. The second head classifies; with "projection", it adds to
    the first head's logit the product of the features' mean over all positions and a vector of the
    picture's class: Miyato and Koyama, "cGANs with Projection Discriminator", 2018, equation 4,
    logit = w . phi + v_class . phi. Differs from the paper, which sums over positions before both
    products and normalises its vectors spectrally. Here the heads are not normalised, and the head
    for real and fake has a weight for every position.

    Args:
      num_classes: K.
      base_width: channels of the first MRU.
      synchronized: whether batch norm's statistics are those of all replicas together.
      normalization: "batch" or "none", of the MRUs.
      head: "classifier" or "projection".

    Call:
      photos: normalised, float32 [B, S, S, 3].
      sketches: normalised, float32 [B, S, S, 1].
      labels: int [B]; only "projection" needs them.

    Returns:
      logits: float32 [B], positive for real.
      class_logits: float32 [B, K]; None with "projection".
    """

    def __init__(
        self,
        num_classes: int,
        base_width: int,
        synchronized: bool = False,
        normalization: str = "batch",
        head: str = "classifier",
        name: str = "discriminator",
    ):
        super().__init__(name=name)
        self.num_classes = num_classes
        self.projects = head == "projection"
        mru = dict(activation="leaky_relu", normalization=normalization, synchronized=synchronized)
        self.encoder = Encoder(base_width, spectral=True, mru=mru, name="encoder")
        # The last layers are float32 under every precision policy, so that the logits are.
        self.flatten = tf.keras.layers.Flatten()
        self.real_head = _head(1, "real_head")
        self.class_head = _head(num_classes, "class_head", use_bias=not self.projects)

    def call(self, inputs, training: bool | None = None) -> tuple[tf.Tensor, tf.Tensor | None]:
        photos, sketches, *labels = inputs
        pictures = tf.cast(tf.concat([photos, sketches], -1), self.compute_dtype)
        features = self.encoder((pictures, pyramid(pictures)), training=training)[-1]
        flat = tf.cast(self.flatten(features), tf.float32)
        logits = self.real_head(flat)[:, 0]
        if not self.projects:
            return logits, self.class_head(flat)
        products = self.class_head(tf.reduce_mean(tf.cast(features, tf.float32), [1, 2]))  # [B, K]
        return logits + tf.reduce_sum(products * tf.one_hot(labels[0], self.num_classes), -1), None


def _head(logits: int, name: str, use_bias: bool = True) -> tf.keras.layers.Layer:
    settings = dict(use_bias=use_bias, kernel_initializer=kernel_initializer(), dtype="float32")
    return tf.keras.layers.Dense(logits, name=name, **settings)
