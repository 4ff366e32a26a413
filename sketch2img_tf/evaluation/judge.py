"""Whether the network that judges a model is one that taught it.

A teacher is no judge: a model draws what pleases its teacher, whether or not it looks better to anybody else.
Kynkäänniemi et al., "The Role of ImageNet Classes in Fréchet Inception Distance", 2023, show it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sketch2img_tf.config import LossConfig


def also_taught(network: str, losses: LossConfig) -> list[str]:
    """The flags by which the network, or "" for none, was a teacher of a run with these losses."""
    teachers = {
        "perceptual_network": losses.perceptual_network if losses.perceptual_weight else "",
        "critic_network": losses.critic_network if losses.critic_counts else "",
    }
    return [f"--{flag}" for flag, teacher in teachers.items() if network and teacher == network]


def note(result: dict) -> str:
    """What is to be said of a result line whose judge also taught; "" if it did not."""
    taught = result["judge_also_taught"]
    if not taught:
        return ""
    network = result["protocol"]["features"]["network"]
    return (
        f"{network} judges here, and it taught this model too ({', '.join(taught)}): numbers with its name cannot be"
        " compared with those of models that it did not teach; give another --features_network"
    )
