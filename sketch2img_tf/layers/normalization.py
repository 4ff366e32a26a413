"""Norms as a scale and a shift, which are computed from the statistics.

`normalized` applies them, so that it can be fused with the next operation, and neither x - mean nor
the normalised x is kept in memory for the gradient. Ioffe and Szegedy, "Batch Normalization", 2015;
Ulyanov et al., "Instance Normalization", 2016.
"""

from __future__ import annotations

import tensorflow as tf

from sketch2img_tf.devices import strategy
from sketch2img_tf.layers import operations

# Fast enough for short runs, but noisy. Inference uses the averaged generator only, which averages
# the moving statistics as it averages the weights, and so removes the noise.
MOMENTUM = 0.9
EPSILON = 1e-5
_BATCH_AND_POSITIONS = [0, 1, 2]
_POSITIONS = [1, 2]


def normalized(x: tf.Tensor, scale: tf.Tensor, shift: tf.Tensor) -> tf.Tensor:
    """x * scale + shift, computed in float32.

    Args:
      x: float [B, H, W, C].
      scale, shift: float32 [B or 1, 1, 1, C].

    Returns:
      The same shape and type as x.
    """
    return tf.cast(tf.cast(x, tf.float32) * scale + shift, x.dtype)


@tf.keras.utils.register_keras_serializable("sketch2img_tf")
class BatchNormalization(tf.keras.layers.Layer):
    """gamma * (x - mean) / sqrt(variance + epsilon) + beta.

    In training, the mean and the variance are those of the batch (over B, H, W); otherwise they are
    moving averages. The moving average of the variance uses the estimate that divides by n - 1.

    Differs from Keras' layer: only x is kept in memory for the gradient; and the moving variance
    divides by n - 1 with several replicas, too.

    Args:
      affine: whether gamma, initially 1, and beta, initially 0, are trained; otherwise there are
        none.
      synchronized: whether the statistics are those of all replicas together.

    Call:
      x: float [B, H, W, C].
      training: whether to use the statistics of the batch, and to update the moving averages.

    Returns:
      float [B, H, W, C] in the compute type; the statistics are computed in float32.
    """

    def __init__(self, affine: bool = True, synchronized: bool = False, **kwargs):
        super().__init__(**kwargs)
        self.affine = affine
        self.synchronized = synchronized

    def build(self, input_shape):
        if self.affine:
            self.gamma = self.add_weight(
                name="gamma",
                shape=input_shape[-1:],
                initializer="ones",
                experimental_autocast=False,
            )
            self.beta = self.add_weight(
                name="beta",
                shape=input_shape[-1:],
                initializer="zeros",
                experimental_autocast=False,
            )
        self.moving_mean = self._moving("moving_mean", input_shape[-1:], "zeros")
        self.moving_variance = self._moving("moving_variance", input_shape[-1:], "ones")
        super().build(input_shape)

    def call(self, x: tf.Tensor, training: bool | None = None) -> tf.Tensor:
        return normalized(x, *self.scale_and_shift(x, training))

    def scale_and_shift(
        self,
        x: tf.Tensor,
        training: bool | None,
        moments: tuple[tf.Tensor, tf.Tensor] | None = None,
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Float32 [1, 1, 1, C] each, for `normalized`; updates the moving averages in training.

        Args:
          x, training: as of a call.
          moments: those of the batch, if they are known already.
        """
        if training:
            mean, variance = moments or self._of_batch(x)
            self._follow(x, mean, variance)
        else:
            mean, variance = self.moving_mean, self.moving_variance
        scale = tf.math.rsqrt(variance + EPSILON)
        shift = -mean * scale
        if self.affine:
            scale, shift = self.gamma * scale, self.gamma * shift + self.beta
        return tf.reshape(scale, [1, 1, 1, -1]), tf.reshape(shift, [1, 1, 1, -1])

    def _of_batch(self, x: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        if self.synchronized:
            return moments_of_all_replicas(x)[0]
        return operations.moments(x, _BATCH_AND_POSITIONS)

    def _follow(self, x: tf.Tensor, mean: tf.Tensor, variance: tf.Tensor) -> None:
        """Moves the moving averages towards the moments of the batch."""
        positions = x.shape[:-1].num_elements()  # None where it is not known before the graph runs
        n = tf.cast(tf.size(x), tf.float32) / x.shape[-1] if positions is None else float(positions)
        if self.synchronized:
            n *= tf.distribute.get_replica_context().num_replicas_in_sync
        for moving, value in (
            (self.moving_mean, mean),
            (self.moving_variance, variance * n / tf.maximum(n - 1.0, 1.0)),
        ):
            moving.assign_sub((moving - tf.reshape(value, [-1])) * (1.0 - MOMENTUM))

    def _moving(self, name: str, shape: list[int], initializer: str) -> tf.Variable:
        return self.add_weight(
            name=name,
            shape=shape,
            initializer=initializer,
            trainable=False,
            experimental_autocast=False,
            synchronization=tf.VariableSynchronization.ON_READ,
            aggregation=tf.VariableAggregation.MEAN,
        )

    def get_config(self) -> dict:
        return {**super().get_config(), "affine": self.affine, "synchronized": self.synchronized}


def moments_of_all_replicas(*batches: tf.Tensor) -> list[tuple[tf.Tensor, tf.Tensor]]:
    """Mean and variance of each tensor over B, H, W of all replicas, from those of each replica.

    The mean is the mean of the means. The variance is the mean of the variances plus the variance
    of the means: the mean of squares minus the squared mean would lose a small variance to rounding
    in float32. One all-reduce exchanges the moments of all tensors and replicas: a few kB more are
    cheaper than a second all-reduce.

    Args:
      *batches: this replica's, float [B, H, W, C], with a C of each.

    Returns:
      A pair for each tensor, float32 [1, 1, 1, C].
    """
    own = [tf.concat(operations.moments(x, _BATCH_AND_POSITIONS), 0) for x in batches]
    # [replicas, 2, 1, 1, sum of all C]
    exchanged = strategy.of_each_replica(tf.concat(own, -1))
    means, variances = tf.unstack(exchanged, axis=1)
    mean = tf.reduce_mean(means, 0, keepdims=True)
    variance = tf.reduce_mean(variances + tf.math.squared_difference(means, mean), 0, keepdims=True)
    channels = [x.shape[-1] for x in batches]
    return list(zip(tf.split(mean, channels, -1), tf.split(variance, channels, -1)))


@tf.keras.utils.register_keras_serializable("sketch2img_tf")
class NoNormalization(tf.keras.layers.Layer):
    """x + beta, in place of a norm; beta replaces the bias that the convolution before lacks.

    Call:
      x: float [B, H, W, C].
      training: has no effect; it is there because other norms have it.

    Returns:
      float [B, H, W, C] in the compute type.
    """

    def build(self, input_shape):
        self.beta = self.add_weight(
            name="beta", shape=input_shape[-1:], initializer="zeros", experimental_autocast=False
        )
        super().build(input_shape)

    def call(self, x: tf.Tensor, training: bool | None = None) -> tf.Tensor:
        return normalized(x, *self.scale_and_shift(x, training))

    def scale_and_shift(
        self, x: tf.Tensor, training: bool | None = None
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """For `normalized`: ones and beta, float32 [1, 1, 1, C] each."""
        shift = tf.reshape(self.beta, [1, 1, 1, -1])
        return tf.ones_like(shift), shift


@tf.keras.utils.register_keras_serializable("sketch2img_tf")
class InstanceNormalization(tf.keras.layers.Layer):
    """gamma * (x - mean) / sqrt(variance + epsilon) + beta; statistics per picture and channel.

    Call:
      x: float [B, H, W, C].
      training: has no effect; it is there because other norms have it.

    Returns:
      float [B, H, W, C] in the compute type; the statistics are computed in float32.
    """

    def build(self, input_shape):
        self.gamma = self.add_weight(
            name="gamma", shape=input_shape[-1:], initializer="ones", experimental_autocast=False
        )
        self.beta = self.add_weight(
            name="beta", shape=input_shape[-1:], initializer="zeros", experimental_autocast=False
        )
        super().build(input_shape)

    def call(self, x: tf.Tensor, training: bool | None = None) -> tf.Tensor:
        return normalized(x, *self.scale_and_shift(x, training))

    def scale_and_shift(
        self, x: tf.Tensor, training: bool | None = None
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """For `normalized`: float32 [B, 1, 1, C] each."""
        mean, variance = operations.moments(x, _POSITIONS)
        scale = self.gamma * tf.math.rsqrt(variance + EPSILON)
        return scale, self.beta - mean * scale
