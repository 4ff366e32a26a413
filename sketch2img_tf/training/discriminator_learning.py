"""How the discriminator learns: from real photos, generated photos and gradient penalties."""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable, NamedTuple

import tensorflow as tf

from sketch2img_tf.devices import stateless_random
from sketch2img_tf.training import losses, optimization, penalties
from sketch2img_tf.training.loss_terms import tagged, weighted_sum
from sketch2img_tf.training.network_update import NetworkUpdate

if TYPE_CHECKING:
    from sketch2img_tf.config import Config
    from sketch2img_tf.training.replica_batch import ReplicaBatch
    from sketch2img_tf.training.train_state import TrainState

# Folded into `ReplicaBatch.augmentation_seed`: each kind of picture has its own random numbers.
_REAL, _FAKE, _PERTURBED = 1, 2, 3


class Lesson(NamedTuple):
    """A part of the discriminator's loss.

    Each part has its own pass through the network and its own tape, one after the other, so that
    the activations of only one part are in memory. The gradients are summed before the one update.

    Attributes:
      terms, accuracies: float32 [] by name.
      total: the weighted sum of the terms, as `NetworkUpdate.scaled` returns it.
      gradients: of the total, one per variable; None where the total does not depend on the
        variable.
    """

    terms: dict[str, tf.Tensor]
    accuracies: dict[str, tf.Tensor]
    total: tf.Tensor
    gradients: list[tf.Tensor | None]


class DiscriminatorLearning:
    """Computes the lessons of one update, and makes the update from them; in replica context."""

    def __init__(self, config: Config, state: TrainState):
        self.weights = config.losses
        self.diffaugment = config.training.diffaugment
        self.discriminator = state.discriminator
        self.update = NetworkUpdate(
            state.discriminator.trainable_variables, state.discriminator_optimizer
        )

    def from_penalties(self, batch: ReplicaBatch) -> Lesson:
        """The gradient penalties, multiplied by `--dragan_every_steps`."""
        weights = self.weights
        with tf.GradientTape() as tape:
            terms = {}
            for name, (penalty, points, sketches) in self._penalty_points(batch).items():

                def logits(photos, sketches=sketches):
                    return self._judge(photos, sketches, batch.labels)[0]

                # A penalty that is computed on one step of N counts N times: the same on average.
                terms[name] = float(weights.dragan_every_steps) * batch.mean(
                    penalty(logits, points, self.update.loss_scale)
                )
            total = self.update.scaled(weighted_sum(terms, weights))
        # Variables that a penalty does not depend on get a gradient of 0, as in
        # `from_no_penalties`.
        return self._lesson(terms, {}, total, tape, unconnected="zero")

    def from_no_penalties(self) -> Lesson:
        """The lesson of the steps without penalties: gradients of 0.

        They are not None, so that Adam updates the moments of every variable on every step.
        """
        zero = tf.constant(0.0)
        gradients = [
            tf.zeros(variable.shape) for variable in self.discriminator.trainable_variables
        ]
        return Lesson(dict.fromkeys(self.weights.penalties, zero), {}, zero, gradients)

    def from_photos(self, batch: ReplicaBatch) -> Lesson:
        """The lesson from real photos: that they are real, and which class they have.

        Real and fake photos have separate passes, so that each has its own batch norm statistics.
        """
        weights, terms, accuracies = self.weights, {}, {}
        with tf.GradientTape() as tape:
            if weights.gan_weight or weights.classification_weight:
                seed = stateless_random.fold_in(batch.augmentation_seed, _REAL)
                real_logits, real_class_logits = self._judge(
                    *batch.augmented(batch.photos, self.diffaugment, seed), batch.labels
                )
            if weights.classification_weight:
                terms["classification"] = batch.mean(
                    losses.classification(real_class_logits, batch.labels, weights.focal_gamma)
                )
                accuracies["class_accuracy"] = batch.share(
                    tf.argmax(real_class_logits, -1) == batch.labels
                )
            if weights.gan_weight:
                target = self.targets(batch.labels, batch.augmentation_seed)[0]
                terms["gan"] = batch.mean(self._adversarial(real_logits, target))
                accuracies["real_accuracy"] = batch.share(real_logits > 0)
            total = self.update.scaled(weighted_sum(terms, weights))
        return self._lesson(terms, accuracies, total, tape)

    def from_fakes(self, batch: ReplicaBatch, fake_photos: tf.Tensor) -> Lesson:
        """The lesson of photos generated from the batch's sketches, [B, S, S, 3]: not real."""
        terms, accuracies = {}, {}
        with tf.GradientTape() as tape:
            if self.weights.gan_weight:
                seed = stateless_random.fold_in(batch.augmentation_seed, _FAKE)
                seen = batch.augmented(fake_photos, self.diffaugment, seed)
                fake_logits, _ = self._judge(*seen, batch.labels)
                target = self.targets(batch.labels, batch.augmentation_seed)[1]
                terms["gan"] = batch.mean(self._adversarial(fake_logits, target))
                accuracies["fake_accuracy"] = batch.share(fake_logits < 0)
            total = self.update.scaled(weighted_sum(terms, self.weights))
        return self._lesson(terms, accuracies, total, tape)

    def learn(self, *lessons: Lesson) -> dict[str, tf.Tensor]:
        """Makes the update from the sum of the lessons; returns the scalars by tag."""
        terms, accuracies, total, gradients = _joined(lessons)
        scalars = {**terms, **accuracies}
        if terms:
            scalars["skipped_updates"] = self.update.apply(total, gradients)
        return tagged("discriminator", scalars)

    def targets(self, labels: tf.Tensor, seed: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """The targets for real and fake, float32 [B]: smoothed, noisy, flipped as configured.

        The noise keeps both targets within [0, 1]. With a target outside, the loss would have no
        minimum: the logit would grow forever.
        """
        weights = self.weights
        seeds = stateless_random.split(seed, 2)
        shape = [2, labels.shape[0]]
        real, fake = tf.unstack(
            stateless_random.uniform(shape, seeds[0], 0.0, weights.label_noise, axis=1)
        )
        targets = tf.stack([1.0 - weights.label_smoothing - real, fake])
        flip = stateless_random.uniform(shape, seeds[1], axis=1) < weights.label_flip_probability
        return tuple(tf.unstack(tf.where(flip, 1.0 - targets, targets)))

    def _penalty_points(
        self, batch: ReplicaBatch
    ) -> dict[str, tuple[Callable, tf.Tensor, tf.Tensor]]:
        """By name: the penalty, the pictures where it measures the slope, and their sketches."""
        points = {}
        if self.weights.dragan_weight:
            deviation = stateless_random.deviation(batch.photos)
            perturbed = penalties.perturb(batch.photos, deviation, batch.perturbation_seed)
            seed = stateless_random.fold_in(batch.augmentation_seed, _PERTURBED)
            points["dragan"] = penalties.dragan, *batch.augmented(perturbed, self.diffaugment, seed)
        if self.weights.r1_weight:  # at exactly the pictures of `from_photos`: the same seed
            seed = stateless_random.fold_in(batch.augmentation_seed, _REAL)
            points["r1"] = penalties.r1, *batch.augmented(batch.photos, self.diffaugment, seed)
        return points

    def _judge(self, photos, sketches, labels) -> tuple[tf.Tensor, tf.Tensor | None]:
        return self.discriminator((photos, sketches, labels), training=True)

    def _adversarial(self, logits: tf.Tensor, targets: tf.Tensor) -> tf.Tensor:
        return (losses.hinge if self.weights.gan_loss == "hinge" else losses.adversarial)(
            logits, targets
        )

    def _lesson(
        self, terms, accuracies, total: tf.Tensor, tape: tf.GradientTape, unconnected: str = "none"
    ) -> Lesson:
        variables = self.discriminator.trainable_variables
        gradients = tape.gradient(total, variables, unconnected_gradients=unconnected)
        return Lesson(terms, accuracies, total, optimization.dense(gradients))


def after(*lessons: Lesson):
    """A context whose operations run after the lessons, when their activations are freed."""
    gradients = [gradient for lesson in lessons for gradient in lesson.gradients]
    # One operation that all others wait for: an edge to each gradient would be a hundred thousand
    learned = tf.group([gradient for gradient in gradients if gradient is not None])
    return tf.control_dependencies([learned])


def _joined(lessons: tuple[Lesson, ...]) -> Lesson:
    """One lesson: terms of the same name are summed, and gradients too."""
    names = dict.fromkeys(name for lesson in lessons for name in lesson.terms)
    terms = {
        name: tf.add_n([lesson.terms[name] for lesson in lessons if name in lesson.terms])
        for name in names
    }
    accuracies = {name: value for lesson in lessons for name, value in lesson.accuracies.items()}
    gradients = [
        _sum(of_variable) for of_variable in zip(*(lesson.gradients for lesson in lessons))
    ]
    return Lesson(terms, accuracies, tf.add_n([lesson.total for lesson in lessons]), gradients)


def _sum(gradients: tuple[tf.Tensor | None, ...]) -> tf.Tensor | None:
    found = [gradient for gradient in gradients if gradient is not None]
    return tf.add_n(found) if found else None
