"""Conditional batch normalisation: one scale and one shift per class.

Batch statistics with conditional scales and shifts: de Vries et al., "Modulating Early Visual
Processing by Language", 2017. One scale and shift per class: Dumoulin et al., "A Learned
Representation for Artistic Style", 2017, equation 5, on instance statistics. In GANs with batch
statistics: Miyato and Koyama, "cGANs with Projection Discriminator", 2018.
"""

from __future__ import annotations

import tensorflow as tf

from sketch2img_tf.layers.normalization import BatchNormalization, normalized


@tf.keras.utils.register_keras_serializable("sketch2img_tf")
class ConditionalBatchNormalization(tf.keras.layers.Layer):
    """gamma[label] * (x - mean) / sqrt(variance + epsilon) + beta[label].

    The initial values are gamma ~ N(1, 0.02) and beta = 0.

    In training, the mean and the variance are those of the batch (over B, H, W); otherwise they are
    moving averages.

    If `residual`, the scale is shared_gamma + gamma[label] and the shift is shared_beta +
    beta[label], with initial values shared_gamma = 1, gamma ~ N(0, 0.02), and 0 for both betas.
    Every example trains the shared values; the values of a class are its difference from them.
    De Vries et al. add changes to shared values, too, but predict the changes with a network.
    Differs from Brock et al., "Large Scale GAN Training for High Fidelity Natural Image Synthesis",
    2019, section 3.1, where all layers share one class embedding.

    Args:
      num_classes: K.
      synchronized: whether the statistics are those of all replicas together.
      residual: whether all classes share a scale and a shift.

    Call:
      inputs: a pair of x, float [B, H, W, C], and labels, int [B] in [0, num_classes).
      training: whether to use the statistics of the batch, and to update the moving averages.

    Returns:
      float [B, H, W, C] in the compute type; the statistics are computed in float32.
    """

    def __init__(
        self, num_classes: int, synchronized: bool = False, residual: bool = False, **kwargs
    ):
        super().__init__(**kwargs)
        self.num_classes = num_classes
        self.synchronized = synchronized
        self.residual = residual
        self.normalization = BatchNormalization(
            affine=False, synchronized=synchronized, name="normalization", dtype=self.dtype_policy
        )

    def build(self, input_shape):
        x_shape = input_shape[0]
        shape = [self.num_classes, x_shape[-1]]
        self.gamma = self.add_weight(
            name="gamma",
            shape=shape,
            initializer=tf.keras.initializers.RandomNormal(0.0 if self.residual else 1.0, 0.02),
            experimental_autocast=False,
        )
        self.beta = self.add_weight(
            name="beta", shape=shape, initializer="zeros", experimental_autocast=False
        )
        if self.residual:
            self.shared_gamma, self.shared_beta = (
                self.add_weight(
                    name=name, shape=shape[1:], initializer=start, experimental_autocast=False
                )
                for name, start in (("shared_gamma", "ones"), ("shared_beta", "zeros"))
            )
        with tf.name_scope(self.normalization.name):
            self.normalization.build(x_shape)
        super().build(input_shape)

    def call(self, inputs: tuple[tf.Tensor, tf.Tensor], training: bool | None = None) -> tf.Tensor:
        return normalized(inputs[0], *self.scale_and_shift(inputs, training))

    def scale_and_shift(
        self,
        inputs: tuple[tf.Tensor, tf.Tensor],
        training: bool | None,
        moments: tuple[tf.Tensor, tf.Tensor] | None = None,
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Float32 [B, 1, 1, C] each, for `normalized`; see `BatchNormalization.scale_and_shift`."""
        x, labels = inputs
        scale, shift = self.normalization.scale_and_shift(x, training, moments)
        gamma = tf.gather(self.gamma, labels)[:, tf.newaxis, tf.newaxis]  # [B, 1, 1, C]
        beta = tf.gather(self.beta, labels)[:, tf.newaxis, tf.newaxis]
        if self.residual:
            gamma, beta = self.shared_gamma + gamma, self.shared_beta + beta
        return gamma * scale, gamma * shift + beta

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "num_classes": self.num_classes,
            "synchronized": self.synchronized,
            "residual": self.residual,
        }
