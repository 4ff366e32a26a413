"""The inputs of one update of the networks, on one replica."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import tensorflow as tf

from sketch2img_tf.devices import stateless_random
from sketch2img_tf.training import differentiable_augmentation


class ReplicaBatch(NamedTuple):
    """A replica's share of the examples of one update, and the update's random seeds.

    All replicas have the same seeds and draw different numbers from them: see `stateless_random`.

    Attributes:
      photos, sketches: normalised, float32 [B, S, S, 3] and [B, S, S, 1].
      labels: int64 [B].
      aligned: whether the lines lie on the photo, bool [B]; None where no loss needs it.
      seed: the seed of the update, int64 [2]; the other three seeds are split from it.
      noise_seed, augmentation_seed, perturbation_seed: int64 [2].
      global_batch_size: examples of the update on all replicas together.
    """

    photos: tf.Tensor
    sketches: tf.Tensor
    labels: tf.Tensor
    aligned: tf.Tensor | None
    seed: tf.Tensor
    noise_seed: tf.Tensor
    augmentation_seed: tf.Tensor
    perturbation_seed: tf.Tensor
    global_batch_size: int

    @classmethod
    def of(
        cls, examples: dict[str, tf.Tensor], seed: tf.Tensor, global_batch_size: int
    ) -> ReplicaBatch:
        """From the input pipeline's examples by name, and the update's seed."""
        aligned = examples.get("aligned")
        seeds = stateless_random.split(seed, 3)
        pictures = examples["photos"], examples["sketches"], examples["labels"]
        return cls(*pictures, aligned, seed, seeds[0], seeds[1], seeds[2], global_batch_size)

    def mean(self, values: tf.Tensor) -> tf.Tensor:
        """This replica's part of the mean over the global batch, float32 [], of values [B].

        Gradients and scalars are summed over the replicas, so each replica divides by the size of
        the global batch.
        """
        return tf.reduce_sum(values) / self.global_batch_size

    def share(self, hits: tf.Tensor) -> tf.Tensor:
        """This replica's part of the share of True in the global batch, float32 [], of bool [B]."""
        return self.mean(tf.cast(hits, tf.float32))

    def noise(self, shape: Sequence[int], draws: int = 1) -> tf.Tensor:
        """N(0, 1), float32 [draws * B, *shape]: one draw for the whole batch after the other."""
        count = self.labels.shape[0]
        drawn = stateless_random.normal([draws, count, *shape], self.noise_seed, axis=1)
        return tf.reshape(drawn, [draws * count, *shape])

    def augmented(
        self, photos: tf.Tensor, kinds: Sequence[str], seed: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Photos [B, S, S, 3] and the batch's sketches, changed by `kinds` of `--diffaugment`."""
        if not kinds:
            return photos, self.sketches
        return differentiable_augmentation.augment(photos, self.sketches, kinds, seed)
