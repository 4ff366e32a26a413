"""Tells whether the network of the metrics was also used in the model's losses.

Such metrics are biased: the model was trained for good values in this network's features, and then
its pictures need not look better to people. Kynkäänniemi et al., "The Role of ImageNet Classes in
Fréchet Inception Distance", 2023, show this.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sketch2img_tf.config import LossConfig


def also_taught(network: str, losses: LossConfig) -> list[str]:
    """The flags by which a run with these losses used the network ("": none) in its losses."""
    teachers = {
        "perceptual_network": losses.perceptual_network if losses.perceptual_weight else "",
        "critic_network": losses.critic_network if losses.critic_counts else "",
    }
    return [f"--{flag}" for flag, teacher in teachers.items() if network and teacher == network]


def note(result: dict) -> str:
    """A warning about a result line whose network was also in the losses; "" if it was not."""
    taught = result["judge_also_taught"]
    if not taught:
        return ""
    network = result["protocol"]["features"]["network"]
    return (
        f"{network} computes these metrics and was also used in losses of the model"
        f" ({', '.join(taught)}): do not compare numbers with its name with those of models trained"
        " without it; give another --features_network"
    )
