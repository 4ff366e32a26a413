"""Conditional batch normalisation: one scale and one shift a class.

Dumoulin et al., "A Learned Representation for Artistic Style", 2017, equation 5, on batch statistics as in de Vries et
al., "Modulating early visual processing by language", 2017.
"""

from __future__ import annotations

import tensorflow as tf

# Fast enough for short runs. The noise that it leaves in the moving statistics is smoothed by the averaged generator,
# which averages them as it does the weights, and which alone is used for inference.
MOMENTUM = 0.9
EPSILON = 1e-5


@tf.keras.utils.register_keras_serializable("sketch2img_tf")
class ConditionalBatchNormalization(tf.keras.layers.Layer):
    """gamma[label] * (x - mean) / sqrt(variance + epsilon) + beta[label], with gamma ~ N(1, 0.02) and beta = 0.

    The mean and the variance are those of the batch while training (over B, H, W), and moving averages otherwise.

    Args:
      num_classes: K.
      synchronized: whether the batch is that of all replicas together.

    Call:
      inputs: a pair of x, float [B, H, W, C], and labels, int [B] in [0, num_classes).
      training: whether to use, and to average, the statistics of the batch.

    Returns:
      float [B, H, W, C] in the compute type; the statistics are computed in float32.
    """

    def __init__(self, num_classes: int, synchronized: bool = False, **kwargs):
        super().__init__(**kwargs)
        self.num_classes = num_classes
        self.synchronized = synchronized
        self.normalization = tf.keras.layers.BatchNormalization(
            momentum=MOMENTUM,
            epsilon=EPSILON,
            center=False,
            scale=False,
            synchronized=synchronized,
            name="normalization",
            dtype=self.dtype_policy,
        )

    def build(self, input_shape):
        shape = [self.num_classes, input_shape[0][-1]]
        self.gamma = self.add_weight(
            name="gamma", shape=shape, initializer=tf.keras.initializers.RandomNormal(1.0, 0.02)
        )
        self.beta = self.add_weight(name="beta", shape=shape, initializer="zeros")
        super().build(input_shape)

    def call(self, inputs: tuple[tf.Tensor, tf.Tensor], training: bool | None = None) -> tf.Tensor:
        x, labels = inputs
        gamma = tf.gather(self.gamma, labels)[:, tf.newaxis, tf.newaxis]  # [B, 1, 1, C]
        beta = tf.gather(self.beta, labels)[:, tf.newaxis, tf.newaxis]
        return gamma * self.normalization(x, training=training) + beta

    def get_config(self) -> dict:
        return {**super().get_config(), "num_classes": self.num_classes, "synchronized": self.synchronized}
