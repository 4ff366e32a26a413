"""The terms of a loss by name: their weighted sum, and their tags in the logs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import tensorflow as tf

if TYPE_CHECKING:
    from sketch2img_tf.config import LossConfig


def weighted_sum(terms: dict[str, tf.Tensor], weights: LossConfig) -> tf.Tensor:
    """The sum of the terms, float32 [] each, times their weights: "gan" times `gan_weight`."""
    return tf.add_n(
        [getattr(weights, f"{name}_weight") * term for name, term in terms.items()] or [0.0]
    )


def tagged(network: str, scalars: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    """The scalars under the tags of the logs: "generator/gan"."""
    return {f"{network}/{name}": value for name, value in scalars.items()}
