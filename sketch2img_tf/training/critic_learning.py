"""How the critic learns: from the frozen networks' features of real and generated photos."""

from __future__ import annotations

from typing import TYPE_CHECKING

import tensorflow as tf

from sketch2img_tf.layers.spectral_norm import power_iteration
from sketch2img_tf.training import losses
from sketch2img_tf.training.loss_terms import tagged
from sketch2img_tf.training.network_update import NetworkUpdate

if TYPE_CHECKING:
    from sketch2img_tf.config import Config
    from sketch2img_tf.training.replica_batch import ReplicaBatch
    from sketch2img_tf.training.train_state import TrainState


class CriticLearning:
    """Updates the critic's heads; the network below them is frozen. Runs in replica context."""

    def __init__(self, config: Config, state: TrainState):
        self.weight = config.losses.critic_weight
        self.critic = state.critic
        self.update = NetworkUpdate(state.critic.trainable_variables, state.critic_optimizer)

    def learn(
        self, batch: ReplicaBatch, of_photos: list[tf.Tensor], of_fakes: list[tf.Tensor]
    ) -> dict[str, tf.Tensor]:
        """Makes one update with the hinge loss, summed over the scales; returns scalars by tag.

        Args:
          batch: the real photos; its sketches and labels belong to the fakes too.
          of_photos, of_fakes: `Seen.critic` of the real photos and of the fakes.
        """
        power_iteration(self.critic)
        with tf.GradientTape() as tape:
            # Real and fake in one pass: the heads have no batch norm, which would mix them.
            both = [tf.concat([photos, fakes], 0) for photos, fakes in zip(of_photos, of_fakes)]
            logits = self.critic((both, tf.concat([batch.labels, batch.labels], 0)))
            real, fake = zip(*(tf.split(of_scale, 2) for of_scale in logits))
            hinges = [
                losses.hinge(of_real, 1.0) + losses.hinge(of_fake, 0.0)
                for of_real, of_fake in zip(real, fake)
            ]
            hinge = batch.mean(losses.over_scales(hinges))
            total = self.update.scaled(self.weight * hinge)
        gradients = tape.gradient(total, self.critic.trainable_variables)
        skipped = self.update.apply(total, gradients)

        def share(hits: list[tf.Tensor]) -> tf.Tensor:
            """The mean over examples, scales and places."""
            return batch.mean(
                losses.over_scales([tf.cast(of_scale, tf.float32) for of_scale in hits]) / len(hits)
            )

        accuracies = {
            "real_accuracy": share([of_scale > 0 for of_scale in real]),
            "fake_accuracy": share([of_scale < 0 for of_scale in fake]),
        }
        return tagged("critic", {"hinge": hinge, **accuracies, "skipped_updates": skipped})
