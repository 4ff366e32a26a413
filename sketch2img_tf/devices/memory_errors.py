"""A one-line error for a device that runs out of memory."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

import tensorflow as tf

from sketch2img_tf.errors import UserError

if TYPE_CHECKING:
    from sketch2img_tf.config import Config


@contextlib.contextmanager
def enough(config: Config) -> Iterator[None]:
    """Turns out-of-memory errors of TensorFlow and Python into a UserError with a remedy."""
    try:
        yield
    except (tf.errors.ResourceExhaustedError, MemoryError) as error:
        training, width = config.training, config.network.base_width
        raise UserError(
            "the device's memory is not enough for"
            f" --global_batch_size={training.global_batch_size},"
            f" --base_width={width} and --precision={training.precision}: lower the batch or the"
            f" width, {_cheaper(config)}"
        ) from error


def _cheaper(config: Config) -> str:
    losses = config.losses
    ways = ["give --precision=mixed_bfloat16"] if config.training.precision == "float32" else []
    ways += ["--perceptual_weight=0"] if losses.perceptual_weight else []
    one_draw = ["--diversity_weight=0"] if losses.diversity_weight else []
    one_draw += ["--supervision=first_draw"] if losses.supervision == "energy_score" else []
    ways += [" ".join(one_draw)] if losses.noise_draws == 2 else []
    ways += [f"--{name}=0" for name in ("dragan_weight", "r1_weight") if getattr(losses, name)]
    ways += ["--critic=none"] if losses.critic_counts else []
    return f"or {' or '.join(ways)}" if ways else "or use more devices"
