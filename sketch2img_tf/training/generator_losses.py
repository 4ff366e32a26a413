"""The terms of the generator's loss."""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable

import tensorflow as tf

from sketch2img_tf.devices import stateless_random
from sketch2img_tf.training import losses

if TYPE_CHECKING:
    from sketch2img_tf.config import Config
    from sketch2img_tf.networks.sight import Seen, Sight
    from sketch2img_tf.training.replica_batch import ReplicaBatch
    from sketch2img_tf.training.train_state import TrainState

_JUDGED = 4  # of the batch's own seed: draws for what the discriminator sees here


class GeneratorLosses:
    """Computes the terms by name, each as this replica's part of the mean over the global batch.

    A loss of weight 0 has no term. Where two pictures are drawn of each sketch, the discriminator
    and the critic see only the first one.
    """

    def __init__(self, config: Config, state: TrainState, sight: Sight):
        self.weights = config.losses
        self.diffaugment = config.training.diffaugment
        self.discriminator, self.critic = state.discriminator, state.critic
        self.sight = sight

    def __call__(
        self,
        batch: ReplicaBatch,
        fakes: tf.Tensor,
        noise: tf.Tensor,
        seen_photos: Seen,
        seen_fakes: Seen,
    ) -> dict[str, tf.Tensor]:
        """The terms of one batch.

        Args:
          batch: photos, sketches and labels.
          fakes: generated photos, [B, S, S, 3], or [2B, S, S, 3] where two are drawn of each
            sketch.
          noise: the noise that the fakes were drawn from, [B, ...] or [2B, ...] likewise.
          seen_photos: what the frozen networks see of the photos.
          seen_fakes: what they see of `supervised_draws`.
        """
        weights = self.weights
        terms = self._of_discriminator(batch, fakes[: batch.photos.shape[0]])
        if weights.supervised_weight:
            supervised = self._distances(
                losses.supervised, self.supervised_draws(fakes), batch.photos
            )
            # L1 counts less where the lines do not lie on the photo
            if weights.unaligned_supervised_fraction < 1:
                supervised *= tf.where(batch.aligned, 1.0, weights.unaligned_supervised_fraction)
            terms["supervised"] = batch.mean(supervised)
        if weights.noise_draws == 2:  # with a weight of 0 it is only logged
            terms["diversity"] = batch.mean(self._diversity(fakes, noise))
        if weights.perceptual_weight:

            def distance(some, others):
                return losses.perceptual(some, others, self.sight.perceptual_units)

            perceptual = self._distances(distance, seen_fakes.perceptual, seen_photos.perceptual)
            terms["perceptual"] = batch.mean(perceptual)
        if weights.critic_counts:
            logits = self.critic((seen_fakes.critic, batch.labels))
            terms["critic"] = batch.mean(
                losses.over_scales([losses.hinge_generator(scale) for scale in logits])
            )
        return terms

    def supervised_draws(self, fakes: tf.Tensor) -> tf.Tensor:
        """The fakes to compare with the photos: both draws for the energy score, else the first."""
        if self.weights.supervision == "energy_score" or self.weights.noise_draws == 1:
            return fakes
        return tf.split(fakes, 2)[0]

    def _of_discriminator(
        self, batch: ReplicaBatch, fake_photos: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        """The terms from the discriminator: the fakes look real, and look like their class."""
        weights, terms = self.weights, {}
        if weights.gan_weight or weights.classification_weight:
            seen = batch.augmented(
                fake_photos, self.diffaugment, stateless_random.fold_in(batch.seed, _JUDGED)
            )
            fake_logits, fake_class_logits = self.discriminator(
                (*seen, batch.labels), training=True
            )
        if weights.gan_weight:
            hinge = weights.gan_loss == "hinge"
            convincing = (
                losses.hinge_generator(fake_logits)
                if hinge
                else losses.adversarial(fake_logits, 1.0)
            )
            terms["gan"] = batch.mean(convincing)
        if weights.classification_weight:
            terms["classification"] = batch.mean(
                losses.classification(fake_class_logits, batch.labels)
            )
        return terms

    def _distances(self, distance: Callable, of_fakes, of_photos) -> tf.Tensor:
        """The distances, [B], of the supervised draws to the photos, by pictures or by features."""
        if self.weights.supervision == "first_draw":
            return distance(of_fakes, of_photos)
        first = tf.nest.map_structure(lambda both: tf.split(both, 2)[0], of_fakes)
        second = tf.nest.map_structure(lambda both: tf.split(both, 2)[1], of_fakes)
        return losses.energy_score(
            distance(first, of_photos), distance(second, of_photos), distance(first, second)
        )

    def _diversity(self, fakes: tf.Tensor, noise: tf.Tensor) -> tf.Tensor:
        pictures, noises = tf.split(fakes, 2), tf.split(noise, 2)
        if self.weights.diversity == "distance":
            return losses.diversity_distance(*pictures)
        return losses.diversity(*pictures, *noises)
