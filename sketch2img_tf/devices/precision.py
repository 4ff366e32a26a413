"""The arithmetic of the networks: Keras' precision policies, and loss scaling where float16 needs it.

Under both mixed policies variables, losses, the penalty, the norms' statistics, power iteration, the averages and the
last layers are float32.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import tensorflow as tf

from sketch2img_tf.devices import hardware


def resolve(name: str) -> str:
    """The policy of a `--precision` value: "auto" is mixed_bfloat16 where the devices have bfloat16, else float32."""
    if name != "auto":
        return name
    return "mixed_bfloat16" if hardware.has_bfloat16() else "float32"


@contextlib.contextmanager
def policy(name: str) -> Iterator[None]:
    """Layers made inside compute in the type of this `--precision`; variables are float32 in all."""
    before = tf.keras.mixed_precision.global_policy()
    tf.keras.mixed_precision.set_global_policy(resolve(name))
    try:
        yield
    finally:
        tf.keras.mixed_precision.set_global_policy(before)


def scaling(optimizer: tf.keras.optimizers.Optimizer, name: str) -> tf.keras.optimizers.Optimizer:
    """The optimizer with dynamic loss scaling under mixed_float16, whose gradients vanish below 6e-8, else as it is.

    Micikevicius et al., "Mixed Precision Training", 2018, section 3.2.
    """
    return tf.keras.mixed_precision.LossScaleOptimizer(optimizer) if name == "mixed_float16" else optimizer


def loss_scale(optimizer: tf.keras.optimizers.Optimizer) -> tf.Tensor | float:
    """What losses are multiplied by before their gradient is taken, float32 []; 1 without loss scaling."""
    return optimizer.loss_scale if scales(optimizer) else 1.0


def scaled(optimizer: tf.keras.optimizers.Optimizer, loss: tf.Tensor) -> tf.Tensor:
    """The loss to take the gradient of."""
    return optimizer.get_scaled_loss(loss) if scales(optimizer) else loss


def unscaled(optimizer: tf.keras.optimizers.Optimizer, gradients: list) -> list:
    """The gradients of a loss from those of a `scaled` one."""
    return optimizer.get_unscaled_gradients(gradients) if scales(optimizer) else gradients


def scales(optimizer: tf.keras.optimizers.Optimizer) -> bool:
    """Whether the optimizer scales its losses."""
    return isinstance(optimizer, tf.keras.mixed_precision.LossScaleOptimizer)
