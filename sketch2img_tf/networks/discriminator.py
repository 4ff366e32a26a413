"""The discriminator: does this picture, of this sketch, look real, and what is it?"""

from __future__ import annotations

import tensorflow as tf

from sketch2img_tf.networks.encoder import Encoder, kernel_initializer, pyramid


class Discriminator(tf.keras.Model):
    """The encoder with spectral norm, on the picture beside its sketch, and two dense heads.

    The second tells classes apart; or, with "projection", it adds the product of the features' mean over all places
    and a vector of the picture's own class to the first: Miyato and Koyama, "cGANs with Projection Discriminator",
    2018, equation 4, logit = w . phi + v_class . phi.
    Differs from the paper in that: it sums over places, before both products, and its vectors are spectrally
    normalised. Here no head is, and that for real and fake has a weight for every place.

    Args:
      num_classes: K.
      base_width: channels of the first MRU.
      synchronized: whether batch norm's statistics are those of all replicas together.
      normalization: "batch" or "none", of the MRUs.
      head: "classifier" or "projection".

    Call:
      photos: normalised, float32 [B, S, S, 3].
      sketches: normalised, float32 [B, S, S, 1].
      labels: int [B], of which "projection" alone makes use; others can be called without.

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
