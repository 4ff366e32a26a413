"""The 3x3 convolution of the MRUs and of `ResizeConv2D`."""

from __future__ import annotations

import tensorflow as tf

from sketch2img_tf.layers import operations


@tf.keras.utils.register_keras_serializable("sketch2img_tf")
class Conv3x3(tf.keras.layers.Layer):
    """A 3x3 convolution with "same" padding, plus a bias that starts at 0.

    Args:
      filters: channels of the output.
      use_bias: whether there is a bias.
      kernel_initializer: the initializer of the kernel.

    Call:
      inputs: float [B, H, W, C].

    Returns:
      float [B, H, W, filters], in the compute type.
    """

    def __init__(
        self, filters: int, use_bias: bool = True, kernel_initializer="glorot_uniform", **kwargs
    ):
        super().__init__(**kwargs)
        self.filters = filters
        self.use_bias = use_bias
        self.kernel_initializer = tf.keras.initializers.get(kernel_initializer)

    def build(self, input_shape):
        shape = [3, 3, input_shape[-1], self.filters]
        self.kernel = self.add_weight(
            name="kernel", shape=shape, initializer=self.kernel_initializer
        )
        self.bias = (
            self.add_weight(name="bias", shape=[self.filters], initializer="zeros")
            if self.use_bias
            else None
        )
        super().build(input_shape)

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        return operations.conv2d(inputs, *self.kernel_and_bias())

    def kernel_and_bias(self) -> tuple[tf.Tensor, tf.Tensor | None]:
        """The kernel and the bias that `call` uses, in the compute type."""
        return tf.convert_to_tensor(self.kernel), tf.convert_to_tensor(
            self.bias
        ) if self.use_bias else None

    def get_config(self) -> dict:
        initializer = tf.keras.initializers.serialize(self.kernel_initializer)
        return {
            **super().get_config(),
            "filters": self.filters,
            "use_bias": self.use_bias,
            "kernel_initializer": initializer,
        }
