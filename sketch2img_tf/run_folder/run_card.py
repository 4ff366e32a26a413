"""The card: what a trained network needs besides its weights. It imports no TensorFlow."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING

from sketch2img_tf import config as config_lib
from sketch2img_tf.data.statistics import Statistics

if TYPE_CHECKING:
    from sketch2img_tf.config import Config
    from sketch2img_tf.data.input_pipeline import PairedDataset


@dataclasses.dataclass(frozen=True)
class Card:
    """A network's configuration, its classes in the order of labels, and its data's statistics.

    `critic_weights` is the SHA-256 of the critic's pretrained weights, "random", or "" without a
    critic.
    """

    config: Config
    class_names: tuple[str, ...]
    statistics: Statistics
    critic_weights: str = ""

    @classmethod
    def of_run(cls, config: Config, sketchy: PairedDataset) -> Card:
        """The card of a run with this configuration on these pictures."""
        # Here, so that reading a card needs no TensorFlow
        from sketch2img_tf.networks import critic

        return cls(
            config, sketchy.class_names, sketchy.statistics, critic.weights_sha256(config.losses)
        )

    def to_json(self) -> str:
        """One JSON object."""
        return json.dumps(
            {
                "config": self.config.to_dict(),
                "class_names": self.class_names,
                "statistics": dataclasses.asdict(self.statistics),
                "critic_weights": self.critic_weights,
            }
        )

    @classmethod
    def from_json(cls, text: str) -> Card:
        """The inverse of `to_json`."""
        values = json.loads(text)
        return cls(
            config_lib.from_dict(values["config"]),
            tuple(values["class_names"]),
            Statistics.from_dict(values["statistics"]),
            values.get("critic_weights", ""),
        )
