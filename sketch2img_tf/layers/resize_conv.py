"""Upsampling by 2 without checkerboard artifacts."""

from __future__ import annotations

import tensorflow as tf

from sketch2img_tf.layers.convolution import Conv3x3


@tf.keras.utils.register_keras_serializable("sketch2img_tf")
class ResizeConv2D(tf.keras.layers.Layer):
    """Nearest-neighbour upsampling by 2, then a 3x3 convolution with "same" padding.

    In a 2x2 stride-2 transposed convolution, each of the four output pixels has its own kernel
    position, which may cause a checkerboard; here all pixels have the same kernel. Odena et al.,
    "Deconvolution and Checkerboard Artifacts", 2016. It has 9/4 of the weights and 9 times the
    multiply-adds of that transposed convolution.

    Args:
      filters: channels of the output.
      kernel_initializer: the initializer of the convolution's kernel.

    Call:
      x: float [B, H, W, C].

    Returns:
      float [B, 2H, 2W, filters].
    """

    def __init__(self, filters: int, kernel_initializer="glorot_uniform", **kwargs):
        super().__init__(**kwargs)
        self.filters = filters
        self.kernel_initializer = tf.keras.initializers.get(kernel_initializer)

    def build(self, input_shape):
        self.conv = Conv3x3(
            self.filters,
            kernel_initializer=self.kernel_initializer,
            name="conv",
            dtype=self.dtype_policy,
        )
        super().build(input_shape)

    def call(self, x: tf.Tensor) -> tf.Tensor:
        # Not Keras' UpSampling2D: XLA has no kernel for its
        # gradient, so a TPU cannot train with it.
        return self.conv(tf.repeat(tf.repeat(x, 2, axis=1), 2, axis=2))

    def get_config(self) -> dict:
        initializer = tf.keras.initializers.serialize(self.kernel_initializer)
        return {**super().get_config(), "filters": self.filters, "kernel_initializer": initializer}
