"""Spectral normalisation: a convolution whose kernel is divided by its largest singular value.

Miyato et al., "Spectral Normalization for Generative Adversarial Networks", 2018, equations 6-8 and
algorithm 1.
"""

from __future__ import annotations

import tensorflow as tf

from sketch2img_tf.layers.operations import bias_add, conv2d

EPSILON = 1e-12  # in the square roots: a kernel of zeros has a finite norm and a finite gradient


@tf.keras.utils.register_keras_serializable("sketch2img_tf")
class SpectralConv2D(tf.keras.layers.Layer):
    """A "same" convolution with W / sigma(W); W is the kernel, [height * width * inputs, filters].

    The trained kernel is not normalised: `call` divides it by sigma, so that the gradient is that
    of W / sigma(W), including the gradient of sigma. The right vector u is constant; with v = W u /
    |W u|, sigma = v' W u = |W u|. Its gradient with respect to W is v u', as in the paper.

    `call` does not change u. `power_iteration` makes one step of power iteration; the train step
    calls it once per update of the network, for all passes of that update.

    Differs from the paper: u and v are exchanged, because Keras kernels have their outputs last.

    Call:
      inputs: float [B, H, W, inputs].

    Returns:
      float [B, H / strides, W / strides, filters], in the compute type; the norm is computed in
      float32.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int,
        strides: int = 1,
        use_bias: bool = True,
        kernel_initializer="glorot_uniform",
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.filters = filters
        self.kernel_size = kernel_size
        self.strides = strides
        self.use_bias = use_bias
        self.kernel_initializer = tf.keras.initializers.get(kernel_initializer)

    def build(self, input_shape):
        # Reading the kernel does not cast it: its norm is computed in float32 under every policy.
        self.kernel = self.add_weight(
            name="kernel",
            shape=[self.kernel_size, self.kernel_size, input_shape[-1], self.filters],
            initializer=self.kernel_initializer,
            experimental_autocast=False,
        )
        self.u = self.add_weight(
            name="u",
            shape=[self.filters],
            initializer=_unit_normal,
            trainable=False,
            experimental_autocast=False,
            # Every replica computes the same u from the same kernel: u needs no synchronisation.
            synchronization=tf.VariableSynchronization.ON_READ,
            aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA,
        )
        self.bias = (
            self.add_weight(name="bias", shape=[self.filters], initializer="zeros")
            if self.use_bias
            else None
        )
        super().build(input_shape)

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        kernel, bias = self.kernel_and_bias()
        if self.kernel_size == 3 and self.strides == 1:
            return conv2d(inputs, kernel, bias)
        outputs = tf.nn.conv2d(inputs, kernel, self.strides, "SAME")
        return bias_add(outputs, bias) if self.use_bias else outputs

    def kernel_and_bias(self) -> tuple[tf.Tensor, tf.Tensor | None]:
        """The normalised kernel and the bias that `call` uses, in the compute type."""
        return self.normalized_kernel(), tf.convert_to_tensor(self.bias) if self.use_bias else None

    def spectral_norm(self) -> tf.Tensor:
        """The estimate of the kernel's largest singular value, float32 []."""
        return _norm(tf.linalg.matvec(self._matrix(), tf.stop_gradient(self.u.value())))

    def normalized_kernel(self) -> tf.Tensor:
        """The kernel divided by its spectral norm, in the layer's compute type."""
        return tf.cast(self.kernel / self.spectral_norm(), self.compute_dtype)

    def power_iteration(self) -> None:
        """Sets u to W' W u / |W' W u|, one step towards the first right singular vector."""
        matrix = self._matrix()
        left = _unit(tf.linalg.matvec(matrix, self.u.value()))
        self.u.assign(_unit(tf.linalg.matvec(matrix, left, transpose_a=True)))

    def _matrix(self) -> tf.Tensor:
        return tf.reshape(self.kernel, [-1, self.filters])

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "strides": self.strides,
            "use_bias": self.use_bias,
            "kernel_initializer": tf.keras.initializers.serialize(self.kernel_initializer),
        }


def power_iteration(network: tf.keras.Model, steps: int = 1) -> None:
    """Makes steps of power iteration in every spectrally normalised layer, at any depth."""
    layers = [module for module in network.submodules if isinstance(module, SpectralConv2D)]
    for _ in range(steps):
        for layer in layers:
            layer.power_iteration()


def _norm(vector: tf.Tensor) -> tf.Tensor:
    return tf.sqrt(tf.reduce_sum(tf.square(vector)) + EPSILON)


def _unit(vector: tf.Tensor) -> tf.Tensor:
    return vector / _norm(vector)


def _unit_normal(shape, dtype=tf.float32, **kwargs) -> tf.Tensor:
    return _unit(tf.keras.initializers.RandomNormal()(shape, dtype, **kwargs))
