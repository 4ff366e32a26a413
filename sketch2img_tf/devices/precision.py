"""The precision of the networks: Keras' policies, and loss scaling for float16.

Under both mixed policies these are float32: variables, losses, the penalties, the norms'
statistics, power iteration, the averages and the last layers.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import tensorflow as tf

from sketch2img_tf.devices import hardware


def resolve(name: str) -> str:
    """The policy of a `--precision`; "auto": mixed_bfloat16 if devices have it, else float32."""
    if name != "auto":
        return name
    return "mixed_bfloat16" if hardware.has_bfloat16() else "float32"


@contextlib.contextmanager
def policy(name: str) -> Iterator[None]:
    """Layers created inside compute with this `--precision`; their variables are always float32."""
    before = tf.keras.mixed_precision.global_policy()
    tf.keras.mixed_precision.set_global_policy(resolve(name))
    try:
        yield
    finally:
        tf.keras.mixed_precision.set_global_policy(before)


def scaling(optimizer: tf.keras.optimizers.Optimizer, name: str) -> tf.keras.optimizers.Optimizer:
    """The optimizer, with dynamic loss scaling under mixed_float16.

    float16 gradients below 6e-8 become 0. Micikevicius et al., "Mixed Precision Training", 2018,
    section 3.2.
    """
    return (
        tf.keras.mixed_precision.LossScaleOptimizer(optimizer)
        if name == "mixed_float16"
        else optimizer
    )


def loss_scale(optimizer: tf.keras.optimizers.Optimizer) -> tf.Tensor | float:
    """The factor of losses before their gradient is taken, float32 []; 1 without loss scaling."""
    return optimizer.loss_scale if scales(optimizer) else 1.0


def scaled(optimizer: tf.keras.optimizers.Optimizer, loss: tf.Tensor) -> tf.Tensor:
    """The loss times the loss scale: the gradient is taken of this."""
    return optimizer.get_scaled_loss(loss) if scales(optimizer) else loss


def unscaled(optimizer: tf.keras.optimizers.Optimizer, gradients: list) -> list:
    """The gradients of the loss, from the gradients of the `scaled` loss."""
    return optimizer.get_unscaled_gradients(gradients) if scales(optimizer) else gradients


def scales(optimizer: tf.keras.optimizers.Optimizer) -> bool:
    """Whether the optimizer scales its losses."""
    return isinstance(optimizer, tf.keras.mixed_precision.LossScaleOptimizer)
