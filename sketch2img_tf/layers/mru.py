"""The Masked Residual Unit (MRU), which reads the image again at every scale.

Chen and Hays, "SketchyGAN: Towards Diverse and Realistic Sketch to Image Synthesis", 2018.
"""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from sketch2img_tf.layers import operations
from sketch2img_tf.layers.conditional_batch_norm import ConditionalBatchNormalization
from sketch2img_tf.layers.convolution import Conv3x3
from sketch2img_tf.layers.normalization import (
    BatchNormalization,
    InstanceNormalization,
    NoNormalization,
    moments_of_all_replicas,
    normalized,
)
from sketch2img_tf.layers.spectral_norm import SpectralConv2D

CONDITIONAL = ("conditional_batch", "conditional_residual")  # norms that depend on the class
OF_THE_BATCH = (*CONDITIONAL, "batch")  # norms whose statistics are those of the batch
NORMALIZATIONS = (*OF_THE_BATCH, "instance", "none")
LEAKY_SLOPE = 0.1


def _leaky_relu(features: tf.Tensor) -> tf.Tensor:
    return tf.nn.leaky_relu(features, LEAKY_SLOPE)


ACTIVATIONS = {"relu": tf.nn.relu, "leaky_relu": _leaky_relu}


def kernel_initializer() -> tf.keras.initializers.Initializer:
    """N(0, 0.02), for all kernels of an MRU.

    It returns a new object each time, because one Keras initializer object returns the same values
    at every call.
    """
    return tf.keras.initializers.RandomNormal(0.0, 0.02)


@tf.keras.utils.register_keras_serializable("sketch2img_tf")
class MRU(tf.keras.layers.Layer):
    """y = (1 - n) * norm(conv(x)) + n * z, with gates m and n from the features x and the image I:

        m = sigmoid(conv([x, I]))    n = sigmoid(conv([x, I]))    z = f(norm(conv([m * x, I])))

    All convolutions are 3x3 with "same" padding and kernels N(0, 0.02). m has as many channels as
    x; all others have `filters`. Convolutions before a norm have no bias, because the norm would
    cancel it.

    Differs from the paper: x always passes a convolution and a norm on its way to y, not only where
    the number of channels changes. Differs from the report's code and SketchyGAN's: they also apply
    f after that norm. The report's equation, which is the one above, does not.

    Args:
      filters: channels of y.
      activation: f, "relu" or "leaky_relu" (slope 0.1).
      normalization: "conditional_batch", "conditional_residual", "batch", "instance" or "none".
      num_classes: K; only conditional batch norm needs it.
      spectral: whether the kernels are spectrally normalised.
      synchronized: whether batch norm's statistics are those of all replicas together.

    Call:
      inputs: x, float [B, H, W, C]; image I, float [B, H, W, any]; with conditional batch norm also
        labels, int [B].
      training: whether the norms use the statistics of the batch.

    Returns:
      y, float [B, H, W, filters], in the compute type.
    """

    def __init__(
        self,
        filters: int,
        activation: str = "relu",
        normalization: str = "batch",
        num_classes: int = 0,
        spectral: bool = False,
        synchronized: bool = False,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if activation not in ACTIVATIONS:
            raise ValueError(
                f"activation={activation!r}: should be one of {', '.join(ACTIVATIONS)}"
            )
        if normalization not in NORMALIZATIONS:
            raise ValueError(
                f"normalization={normalization!r}: should be one of {', '.join(NORMALIZATIONS)}"
            )
        self.filters = filters
        self.activation = activation
        self.normalization = normalization
        self.num_classes = num_classes
        self.spectral = spectral
        self.synchronized = synchronized
        self.candidate_norm = self._norm("candidate_norm")
        self.shortcut_norm = self._norm("shortcut_norm")

    def build(self, input_shape):
        x, image = input_shape[:2]
        self.input_gate = self._conv(x[-1], "input_gate")  # m
        self.output_gate = self._conv(self.filters, "output_gate")  # n
        self.candidate = self._conv(self.filters, "candidate", use_bias=False)
        self.shortcut = self._conv(self.filters, "shortcut", use_bias=False)
        # Built here, because Keras builds a layer only when it is called, and the CPU form does not
        # call these layers: it reads their kernels.
        for layer in (self.input_gate, self.output_gate, self.candidate):
            _build(layer, [*x[:-1], x[-1] + image[-1]])
        of_outputs = [*x[:-1], self.filters]
        for norm in (self.candidate_norm, self.shortcut_norm):
            _build(norm, [of_outputs, None] if self.normalization in CONDITIONAL else of_outputs)
        super().build(input_shape)

    def call(self, inputs: tuple[tf.Tensor, ...], training: bool | None = None) -> tf.Tensor:
        x, image, *labels = inputs
        if operations.for_cpu():
            return operations.cpu.masked_residual_unit(self, x, image, labels, training)
        m = tf.sigmoid(self.input_gate(tf.concat([x, image], -1)))
        n = tf.sigmoid(self.output_gate(tf.concat([x, image], -1)))
        candidate, shortcut = self.candidate(tf.concat([m * x, image], -1)), self.shortcut(x)
        of_candidate, of_shortcut = self.scales_and_shifts(candidate, shortcut, labels, training)
        z = self.activate(normalized(candidate, *of_candidate))
        return (1.0 - n) * normalized(shortcut, *of_shortcut) + n * z

    def scales_and_shifts(
        self,
        candidate: tf.Tensor,
        shortcut: tf.Tensor,
        labels: list[tf.Tensor],
        training: bool | None,
    ) -> list[tuple[tf.Tensor, tf.Tensor]]:
        """Those of both norms, for `normalized`; replicas exchange the moments of both at once.

        Args:
          candidate, shortcut: what the norms are applied to, float [B, H, W, filters].
          labels: int [B], if the norms are conditional.
          training: as of a call.
        """
        features, known = (candidate, shortcut), [{}, {}]
        if training and self.synchronized and self.normalization in OF_THE_BATCH:
            known = [{"moments": pair} for pair in moments_of_all_replicas(*features)]
        inputs = [(x, labels[0]) if self.normalization in CONDITIONAL else x for x in features]
        norms = (self.candidate_norm, self.shortcut_norm)
        return [
            norm.scale_and_shift(its_inputs, training, **known_of_it)
            for norm, its_inputs, known_of_it in zip(norms, inputs, known)
        ]

    @property
    def activate(self) -> Callable[[tf.Tensor], tf.Tensor]:
        """The function f."""
        return ACTIVATIONS[self.activation]

    def _conv(self, filters: int, name: str, use_bias: bool = True) -> tf.keras.layers.Layer:
        settings = dict(
            use_bias=use_bias,
            kernel_initializer=kernel_initializer(),
            name=name,
            dtype=self.dtype_policy,
        )
        if self.spectral:
            return SpectralConv2D(filters, 3, **settings)
        return Conv3x3(filters, **settings)

    def _norm(self, name: str) -> tf.keras.layers.Layer:
        if self.normalization in CONDITIONAL:
            is_residual = self.normalization == "conditional_residual"
            return ConditionalBatchNormalization(
                self.num_classes, self.synchronized, is_residual, name=name, dtype=self.dtype_policy
            )
        if self.normalization == "batch":
            return BatchNormalization(
                synchronized=self.synchronized, name=name, dtype=self.dtype_policy
            )
        kinds = {"instance": InstanceNormalization, "none": NoNormalization}
        return kinds[self.normalization](name=name, dtype=self.dtype_policy)

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "filters": self.filters,
            "activation": self.activation,
            "normalization": self.normalization,
            "num_classes": self.num_classes,
            "spectral": self.spectral,
            "synchronized": self.synchronized,
        }


def _build(layer: tf.keras.layers.Layer, input_shape: list) -> None:
    with tf.name_scope(layer.name):
        layer.build(input_shape)
