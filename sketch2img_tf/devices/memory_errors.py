"""One line for a device that has not enough memory."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import tensorflow as tf

from sketch2img_tf.config import Config
from sketch2img_tf.errors import UserError


@contextlib.contextmanager
def enough(config: Config) -> Iterator[None]:
    """Turns what TensorFlow and Python raise for want of memory into a UserError that says what to lower."""
    try:
        yield
    except (tf.errors.ResourceExhaustedError, MemoryError) as error:
        training, width = config.training, config.network.base_width
        raise UserError(
            f"the device's memory is not enough for --global_batch_size={training.global_batch_size},"
            f" --base_width={width} and --precision={training.precision}: lower the batch or the width,"
            f" {_cheaper(config)}"
        ) from error


def _cheaper(config: Config) -> str:
    ways = ["give --precision=mixed_bfloat16"] if config.training.precision == "float32" else []
    ways += [
        f"--{name}=0"
        for name in ("perceptual_weight", "diversity_weight", "dragan_weight")
        if getattr(config.losses, name)
    ]
    ways += ["--critic=none"] if config.losses.critic_counts else []
    return f"or {' or '.join(ways)}" if ways else "or use more devices"
