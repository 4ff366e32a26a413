"""The convolutions: that of the MRUs and of `ResizeConv2D`, and two of Keras."""

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


@tf.keras.utils.register_keras_serializable("sketch2img_tf")
class Conv2D(tf.keras.layers.Conv2D):
    """Keras' own with a bias, which `operations.bias_add` adds: see `cpu/convolution.py`."""

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        outputs = self.convolution_op(inputs, self.kernel)
        return operations.bias_add(outputs, tf.convert_to_tensor(self.bias))


@tf.keras.utils.register_keras_serializable("sketch2img_tf")
class Conv2DTranspose(tf.keras.layers.Conv2DTranspose):
    """Keras' own with a bias, which `operations.bias_add` adds: see `cpu/convolution.py`.

    The kernel's sides are the strides.
    """

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        batch, *sides = tf.unstack(tf.shape(inputs)[:3])
        sides = [
            (known or side) * stride
            for known, side, stride in zip(inputs.shape[1:3], sides, self.strides)
        ]
        shape = [batch, *sides, self.filters]
        outputs = tf.nn.conv2d_transpose(inputs, self.kernel, shape, self.strides, "VALID")
        return operations.bias_add(outputs, tf.convert_to_tensor(self.bias))
