"""One step of a training.

Axes: B batch of one replica, 2B the two noise draws of a batch one after the other.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Callable, NamedTuple

import tensorflow as tf

from sketch2img_tf.devices import precision, stateless_random
from sketch2img_tf.layers.spectral_norm import power_iteration
from sketch2img_tf.networks.sight import Seen, Sight
from sketch2img_tf.training import differentiable_augmentation, losses, optimization, penalties
from sketch2img_tf.training.network_update import FiniteStatistics, FiniteUpdates

if TYPE_CHECKING:
    from sketch2img_tf.config import Config
    from sketch2img_tf.data.statistics import Statistics
    from sketch2img_tf.training.train_state import TrainState


class _Part(NamedTuple):
    """Of the discriminator's loss: terms, and accuracies, by name; the terms' scaled sum, and its gradients."""

    terms: dict[str, tf.Tensor]
    accuracies: dict[str, tf.Tensor]
    total: tf.Tensor
    gradients: list[tf.Tensor | None]


class TrainStep:
    """One step: an update of the discriminator and the critic, then of the generator, from one pass of the generator.

    Calling it with a batch {"photos", "sketches": normalised, float32 [B, S, S, 3 or 1]; "labels": int64 [B]; and, with
    `--unaligned_supervised_fraction`, "aligned": bool [B]} gives the step's scalars by name, float32 []. A loss of
    weight 0 is not computed. With `--discriminator_steps` above 1 there are as many batches in one, [n B, ...]: the
    discriminator's other updates come first, and have no scalars.

    A network whose loss or gradient is not finite is not updated; its scalar `skipped_updates` is then 1.
    """

    def __init__(self, config: Config, state: TrainState, statistics: Statistics):
        self.config = config
        self.state = state
        self.strategy = tf.distribute.get_strategy()
        self.weights = config.losses
        self.sight = Sight(config, statistics)
        if config.losses.critic_counts:
            self.critic_updates = FiniteUpdates(state.critic.trainable_variables)
        self.generator_updates = FiniteUpdates(state.generator.trainable_variables)
        self.discriminator_updates = FiniteUpdates(state.discriminator.trainable_variables)

    @property
    def updates(self) -> dict[str, FiniteUpdates]:
        """Of each network that is trained, by name."""
        updates = {"generator": self.generator_updates, "discriminator": self.discriminator_updates}
        return {**updates, "critic": self.critic_updates} if self.weights.critic_counts else updates

    @tf.function(autograph=False)  # it has nothing to convert, and would take a third of the time of tracing
    def __call__(self, batch: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        self.state.decay_learning_rates(self.config.training)
        last = self.config.training.discriminator_steps - 1
        for number in range(last):
            self._after_penalties(self._discriminator_step, batch, number)
        scalars = self._after_penalties(self._replica_step, batch, last)
        scalars = {name: self.strategy.reduce("SUM", value, axis=None) for name, value in scalars.items()}
        self._average_generator()
        self.state.step.assign_add(1)
        return scalars

    @tf.function
    def several(
        self, batches: tf.distribute.DistributedIterator, steps: int
    ) -> tuple[dict[str, tf.Tensor], dict[str, tf.Tensor]]:
        """As many steps, in a loop on the device.

        Returns:
          The scalars of each step by name, float32 [steps], and the batch of the last step.
        """
        once = self.__call__.get_concrete_function(batches.element_spec).structured_outputs
        names = sorted(once)
        values = tf.TensorArray(tf.float32, steps, element_shape=[len(names)])
        for i in tf.range(steps - 1):
            scalars = self(next(batches))
            values = values.write(i, tf.stack([scalars[name] for name in names]))
        # The last step stands outside the loop, which would have to carry its batch from the start on.
        batch = next(batches)
        scalars = self(batch)
        values = values.write(steps - 1, tf.stack([scalars[name] for name in names]))
        return dict(zip(names, tf.unstack(values.stack(), axis=1))), batch

    def _after_penalties(self, update: Callable, batch: dict[str, tf.Tensor], number: int):
        """What `update` gives on the replicas, of the batch and the penalties' part, [] without any.

        `number` counts a step's updates of the discriminator, from 0.

        On every `dragan_every_steps`-th step so many times the penalties, else none at no cost: the same on average.
        Karras et al., "Analyzing and Improving the Image Quality of StyleGAN", 2020, section 3.1.
        """
        run, interval = self.strategy.run, self.weights.dragan_every_steps
        run(self._iterate_power)
        of_penalties = []
        if self.weights.penalties:
            due = functools.partial(run, functools.partial(self._penalties, number=number), (batch,))
            # The condition stands around the replicas, not within them: in a branch of its own a replica cannot
            # exchange anything with others, and the penalties take their deviation and their norms' statistics.
            # And around the penalties alone: the rest is traced once.
            is_due = self.state.step % interval == 0
            of_penalties = [due() if interval == 1 else tf.cond(is_due, due, lambda: run(self._no_penalties))]
        return run(functools.partial(update, number=number), (batch, of_penalties))

    def _replica_step(
        self, batch: dict[str, tf.Tensor], of_penalties: list[_Part], number: int
    ) -> dict[str, tf.Tensor]:
        """A replica's part of the last updates of all networks, and of the step's scalars."""
        statistics = FiniteStatistics(self.state.networks)
        batch, seed = self._examples(batch, number)
        photos, sketches, labels = batch["photos"], batch["sketches"], batch["labels"]
        seeds = stateless_random.split(seed, 3)
        noise = self._noise(seeds[0], labels)  # [2B, ...], or [B, ...] if no loss compares two pictures of a sketch
        of_photos = self._of_photos(photos, sketches, labels, seeds[1:], of_penalties)
        with _after(of_photos), tf.GradientTape() as generator_tape:
            fakes = self._generate(sketches, labels, noise)
        fake_photos = fakes[: photos.shape[0]]
        scalars = self._update_discriminator(of_photos, self._of_fakes(fake_photos, sketches, labels, seeds[1:]))
        seen = self._see(photos, sketches, seeds[1], 5)
        with tf.GradientTape() as loss_tape:
            loss_tape.watch(fakes)
            # One pass of the frozen networks serves the critic, which learns from it first, and then the generator.
            seen_fakes = self._see(self._supervised_draws(fakes, photos), sketches, seeds[1], 6)
            with loss_tape.stop_recording():
                scalars.update(self._update_critic(seen.critic, seen_fakes.critic, labels))
            terms = self._generator_losses(photos, fakes, sketches, labels, noise, batch.get("aligned"))
            terms.update(self._seen_losses(seen, seen_fakes, labels))
            total = precision.scaled(self.state.generator_optimizer, self._weighted(terms))
        # The chain rule by hand: from the losses to the pictures through the updated discriminator, and from there on.
        through_fakes = loss_tape.gradient(total, fakes)
        variables = self.state.generator.trainable_variables
        gradients = generator_tape.gradient(fakes, variables, output_gradients=through_fakes)
        skipped = {"skipped_updates": self.generator_updates.apply(self.state.generator_optimizer, total, gradients)}
        statistics.keep()
        return {**scalars, **_tagged("generator", {**terms, **skipped}), **self._fake_scalars(fake_photos)}

    def _generate(self, sketches: tf.Tensor, labels: tf.Tensor, noise: tf.Tensor) -> tf.Tensor:
        """All draws of the noise through one pass of the encoder and one of the decoder."""
        generator = self.state.generator
        features = generator.encode(sketches, labels, training=True)
        if self.weights.noise_draws == 2:
            features = [_twice(level) for level in features]
            sketches, labels = _twice(sketches), _twice(labels)
        return generator.decode(features, sketches, labels, noise, training=True)

    def _discriminator_step(
        self, batch: dict[str, tf.Tensor], of_penalties: list[_Part], number: int
    ) -> None:
        """An update of the discriminator and the critic, on examples of its own and their fakes."""
        statistics = FiniteStatistics(self.state.networks)
        batch, seed = self._examples(batch, number)
        photos, sketches, labels = batch["photos"], batch["sketches"], batch["labels"]
        seeds = stateless_random.split(seed, 3)
        noise = stateless_random.normal([labels.shape[0], *self.state.generator.noise_shape], seeds[0], axis=0)
        of_photos = self._of_photos(photos, sketches, labels, seeds[1:], of_penalties)
        with _after(of_photos):
            fake_photos = self.state.generator((sketches, labels, noise), training=True)
        self._update_discriminator(of_photos, self._of_fakes(fake_photos, sketches, labels, seeds[1:]))
        if self.weights.critic_counts:
            seen = [self._see(pictures, sketches, seeds[1], use) for use, pictures in ((5, photos), (6, fake_photos))]
            self._update_critic(*(each.critic for each in seen), labels)
        statistics.keep()

    def _examples(self, batch: dict[str, tf.Tensor], number: int) -> tuple[dict[str, tf.Tensor], tf.Tensor]:
        """Those of the discriminator's update of that number, and its seed.

        Of as many batches, [B, ...] each, that lie in turns in one: every n-th example is of the same. So the batches
        are the same however many replicas share the examples.
        """
        count, seed = self.config.training.discriminator_steps, self._seed()
        own = {name: values[number::count] for name, values in batch.items()}
        return own, seed if number == count - 1 else stateless_random.fold_in(seed, number + 1)

    def _iterate_power(self) -> None:
        statistics = FiniteStatistics([self.state.discriminator])
        power_iteration(self.state.discriminator)
        statistics.keep()

    def _penalties(self, batch: dict[str, tf.Tensor], number: int) -> _Part:
        """What the discriminator learns from the gradient penalties: as often as there are steps from one to the next.

        In a pass of its own: only it is in memory.
        """
        statistics = FiniteStatistics([self.state.discriminator])
        batch, seed = self._examples(batch, number)
        seeds = stateless_random.split(seed, 3)[1:]
        every, scale = float(self.weights.dragan_every_steps), precision.loss_scale(self.state.discriminator_optimizer)
        with tf.GradientTape() as tape:
            terms = {}
            for name, (penalty, at, beside) in self._penalty_points(batch, seeds).items():
                values = penalty(lambda x, beside=beside: self._judge(x, beside, batch["labels"])[0], at, scale)
                terms[name] = every * self._mean(values)
            total = self._scaled(terms)
        statistics.keep()
        return self._part(terms, {}, total, tape, "zero")

    def _no_penalties(self) -> _Part:
        """The same between: what a penalty alone trains has a gradient of 0, so that Adam's moments go on."""
        zero = tf.constant(0.0)
        gradients = [tf.zeros(variable.shape) for variable in self.state.discriminator.trainable_variables]
        return _Part(dict.fromkeys(self.weights.penalties, zero), {}, zero, gradients)

    def _of_photos(self, photos, sketches, labels, seeds, of_penalties: list[_Part]) -> _Part:
        """What it learns from real photos, and from the penalties.

        Real and fake pass apart: each has batch norm statistics of its own, and only one is in memory.
        """
        weights, terms, accuracies = self.weights, {}, {}
        with _after(*of_penalties), tf.GradientTape() as tape:
            if weights.gan_weight or weights.classification_weight:
                logits, class_logits = self._judge(*self._augmented(photos, sketches, seeds[0], 1), labels)
            if weights.classification_weight:
                terms["classification"] = self._mean(losses.classification(class_logits, labels, weights.focal_gamma))
                accuracies["class_accuracy"] = self._share(tf.argmax(class_logits, -1) == labels)
            if weights.gan_weight:
                terms["gan"] = self._mean(self._adversarial(logits, self._targets(labels, seeds[0])[0]))
                accuracies["real_accuracy"] = self._share(logits > 0)
            total = self._scaled(terms)
        return _joined(self._part(terms, accuracies, total, tape), *of_penalties)

    def _of_fakes(self, fake_photos, sketches, labels, seeds) -> _Part:
        """What it learns from the generator's."""
        terms, accuracies = {}, {}
        with tf.GradientTape() as tape:
            if self.weights.gan_weight:
                logits, _ = self._judge(*self._augmented(fake_photos, sketches, seeds[0], 2), labels)
                terms["gan"] = self._mean(self._adversarial(logits, self._targets(labels, seeds[0])[1]))
                accuracies["fake_accuracy"] = self._share(logits < 0)
            total = self._scaled(terms)
        return self._part(terms, accuracies, total, tape)

    def _part(self, terms, accuracies, total: tf.Tensor, tape: tf.GradientTape, unconnected: str = "none") -> _Part:
        variables = self.state.discriminator.trainable_variables
        gradients = tape.gradient(total, variables, unconnected_gradients=unconnected)
        return _Part(terms, accuracies, total, optimization.dense(gradients))

    def _update_discriminator(self, of_photos: _Part, of_fakes: _Part) -> dict[str, tf.Tensor]:
        """Scalars by name."""
        terms, accuracies, total, gradients = _joined(of_photos, of_fakes)
        scalars = {**terms, **accuracies}
        if terms:
            skipped = self.discriminator_updates.apply(self.state.discriminator_optimizer, total, gradients)
            scalars["skipped_updates"] = skipped
        return _tagged("discriminator", scalars)

    def _adversarial(self, logits: tf.Tensor, targets: tf.Tensor) -> tf.Tensor:
        return (losses.hinge if self.weights.gan_loss == "hinge" else losses.adversarial)(logits, targets)

    def _scaled(self, terms: dict[str, tf.Tensor]) -> tf.Tensor:
        return precision.scaled(self.state.discriminator_optimizer, self._weighted(terms))

    def _penalty_points(self, batch, seeds) -> dict[str, tuple[Callable, tf.Tensor, tf.Tensor]]:
        """Each penalty, the pictures at which it measures, and their sketches, by name."""
        photos, sketches, points = batch["photos"], batch["sketches"], {}
        if self.weights.dragan_weight:
            mixed = penalties.perturb(photos, stateless_random.deviation(photos), seeds[1])
            points["dragan"] = penalties.dragan, *self._augmented(mixed, sketches, seeds[0], 3)
        if self.weights.r1_weight:  # at what else is seen of the photos
            points["r1"] = penalties.r1, *self._augmented(photos, sketches, seeds[0], 1)
        return points

    def _generator_losses(self, photos, fakes, sketches, labels, noise, aligned=None) -> dict[str, tf.Tensor]:
        terms, weights = {}, self.weights
        fake_photos = fakes[: photos.shape[0]]
        if weights.gan_weight or weights.classification_weight:
            augmented = self._augmented(fake_photos, sketches, self._seed(), 4)
            fake_logits, fake_class_logits = self._judge(*augmented, labels)
        if weights.gan_weight:
            hinge = weights.gan_loss == "hinge"
            convincing = losses.hinge_generator(fake_logits) if hinge else losses.adversarial(fake_logits, 1.0)
            terms["gan"] = self._mean(convincing)
        if weights.classification_weight:
            terms["classification"] = self._mean(losses.classification(fake_class_logits, labels))
        if weights.supervised_weight:
            supervised = self._distances(losses.supervised, self._supervised_draws(fakes, photos), photos)
            if weights.unaligned_supervised_fraction < 1:
                supervised *= tf.where(aligned, 1.0, weights.unaligned_supervised_fraction)
            terms["supervised"] = self._mean(supervised)
        if weights.noise_draws == 2:  # with a weight of 0 to be watched alone
            terms["diversity"] = self._mean(self._diversity(fakes, noise))
        return terms

    def _see(self, photos: tf.Tensor, sketches: tf.Tensor, seed: tf.Tensor, use: int) -> Seen:
        """By the frozen networks, the critic's of pictures that are augmented for it; of two draws the first."""
        kinds = self.weights.critic_diffaugment
        return self.sight(photos, *self._augmented(photos[: sketches.shape[0]], sketches, seed, use, kinds))

    def _update_critic(self, of_photos, of_fakes, labels: tf.Tensor) -> dict[str, tf.Tensor]:
        """From what it sees of both; scalars by name."""
        if not self.weights.critic_counts:
            return {}
        power_iteration(self.state.critic)
        with tf.GradientTape() as tape:
            both = [tf.concat(pair, 0) for pair in zip(of_photos, of_fakes)]
            logits = self.state.critic((both, _twice(labels)))
            real, fake = ([tf.split(of_scale, 2)[part] for of_scale in logits] for part in (0, 1))
            hinges = [losses.hinge(of_real, 1.0) + losses.hinge(of_fake, 0.0) for of_real, of_fake in zip(real, fake)]
            hinge = self._mean(losses.over_scales(hinges))
            total = precision.scaled(self.state.critic_optimizer, self.weights.critic_weight * hinge)
        gradients = tape.gradient(total, self.state.critic.trainable_variables)
        skipped = self.critic_updates.apply(self.state.critic_optimizer, total, gradients)
        scales = len(logits)
        accuracies = {
            "real_accuracy": self._mean(losses.over_scales([tf.cast(each > 0, tf.float32) for each in real]) / scales),
            "fake_accuracy": self._mean(losses.over_scales([tf.cast(each < 0, tf.float32) for each in fake]) / scales),
        }
        return _tagged("critic", {"hinge": hinge, **accuracies, "skipped_updates": skipped})

    def _seen_losses(self, of_photos: Seen, of_fakes: Seen, labels: tf.Tensor) -> dict[str, tf.Tensor]:
        """The generator's, of what the frozen networks see of its pictures."""
        terms = {}
        if self.weights.perceptual_weight:
            units = self.sight.perceptual_units
            perceptual = self._distances(
                lambda a, b: losses.perceptual(a, b, units), of_fakes.perceptual, of_photos.perceptual
            )
            terms["perceptual"] = self._mean(perceptual)
        if self.weights.critic_counts:
            logits = self.state.critic((of_fakes.critic, labels))
            convincing = losses.over_scales([losses.hinge_generator(of_scale) for of_scale in logits])
            terms["critic"] = self._mean(convincing)
        return terms

    def _supervised_draws(self, fakes: tf.Tensor, photos: tf.Tensor) -> tf.Tensor:
        """Those whose distance to the photos counts: [2B, ...] of an energy score, or the first, [B, ...]."""
        return fakes if self.weights.supervision == "energy_score" else fakes[: photos.shape[0]]

    def _distances(self, distance: Callable, of_fakes, of_photos) -> tf.Tensor:
        """Of the draws that are supervised to the photos, [B]; of their pictures or lists of their features."""
        if self.weights.supervision == "first_draw":
            return distance(of_fakes, of_photos)
        first = tf.nest.map_structure(lambda both: tf.split(both, 2)[0], of_fakes)
        second = tf.nest.map_structure(lambda both: tf.split(both, 2)[1], of_fakes)
        return losses.energy_score(distance(first, of_photos), distance(second, of_photos), distance(first, second))

    def _diversity(self, fakes: tf.Tensor, noise: tf.Tensor) -> tf.Tensor:
        pictures, noises = tf.split(fakes, 2), tf.split(noise, 2)
        if self.weights.diversity == "distance":
            return losses.diversity_distance(*pictures)
        return losses.diversity(*pictures, *noises)

    def _targets(self, labels: tf.Tensor, seed: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """The discriminator's targets for real and fake, float32 [B]: smoothed, noisy and flipped as configured.

        The noise moves both inwards: a target beyond 0 or 1 would reward a logit without end.
        """
        weights = self.weights
        seeds = stateless_random.split(seed, 2)
        shape = [2, labels.shape[0]]
        real, fake = tf.unstack(stateless_random.uniform(shape, seeds[0], 0.0, weights.label_noise, axis=1))
        targets = tf.stack([1.0 - weights.label_smoothing - real, fake])
        flip = stateless_random.uniform(shape, seeds[1], axis=1) < weights.label_flip_probability
        return tuple(tf.unstack(tf.where(flip, 1.0 - targets, targets)))

    def _judge(self, photos, sketches, labels) -> tuple[tf.Tensor, tf.Tensor | None]:
        return self.state.discriminator((photos, sketches, labels), training=True)

    def _augmented(self, photos, sketches, seed: tf.Tensor, use: int, kinds=None) -> tuple[tf.Tensor, tf.Tensor]:
        """What the discriminator, or who else has `kinds`, gets to see; each `use` of a seed has draws of its own."""
        kinds = self.config.training.diffaugment if kinds is None else kinds
        if not kinds:
            return photos, sketches
        return differentiable_augmentation.augment(photos, sketches, kinds, stateless_random.fold_in(seed, use))

    def _noise(self, seed: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        copies = self.weights.noise_draws
        shape = [labels.shape[0], *self.state.generator.noise_shape]
        return tf.reshape(stateless_random.normal([copies, *shape], seed, axis=1), [copies * shape[0], *shape[1:]])

    def _seed(self) -> tf.Tensor:
        """A seed of this step, int64 [2]; all replicas have the same, see `stateless_random`."""
        seed = tf.stack([tf.constant(self.config.training.seed, tf.int64), self.state.retries])
        return stateless_random.fold_in(seed, self.state.step)

    def _mean(self, values: tf.Tensor) -> tf.Tensor:
        """This replica's part of the mean over the global batch: gradients and scalars of replicas are summed."""
        return tf.reduce_sum(values) / self.config.training.global_batch_size

    def _share(self, hits: tf.Tensor) -> tf.Tensor:
        return self._mean(tf.cast(hits, tf.float32))

    def _weighted(self, terms: dict[str, tf.Tensor]) -> tf.Tensor:
        return tf.add_n([getattr(self.weights, f"{name}_weight") * term for name, term in terms.items()] or [0.0])

    def _fake_scalars(self, fakes: tf.Tensor) -> dict[str, tf.Tensor]:
        """Mean and deviation over pixels, averaged over the pictures: both near one value tell of a collapse."""
        deviations = tf.math.reduce_std(fakes, [1, 2, 3])
        means = tf.reduce_mean(fakes, [1, 2, 3])
        return _tagged("fakes", {"mean": self._mean(means), "deviation": self._mean(deviations)})

    def _average_generator(self) -> None:
        """Moves the averages of all variables of the generator; at first faster, so that they forget the start.

        Batch norm's moving statistics are averaged with the weights that gave rise to them.
        """
        step = tf.cast(self.state.step, tf.float32)
        decay = tf.minimum(self.config.training.ema_decay, (1.0 + step) / (10.0 + step))
        for average, variable in zip(self.state.averaged_generator.variables, self.state.generator.variables):
            average.assign(average + (1.0 - decay) * (variable - average))


def _after(*parts: _Part):
    """What is computed in this context is computed later, when what their gradients need is out of memory."""
    return tf.control_dependencies([each for part in parts for each in part.gradients if each is not None])


def _joined(*parts: _Part) -> _Part:
    """Terms of one name are summed, and so are gradients."""
    names = dict.fromkeys(name for part in parts for name in part.terms)
    terms = {name: tf.add_n([part.terms[name] for part in parts if name in part.terms]) for name in names}
    accuracies = {name: value for part in parts for name, value in part.accuracies.items()}
    gradients = [_sum(of_variable) for of_variable in zip(*(part.gradients for part in parts))]
    return _Part(terms, accuracies, tf.add_n([part.total for part in parts]), gradients)


def _sum(gradients: tuple[tf.Tensor | None, ...]) -> tf.Tensor | None:
    found = [gradient for gradient in gradients if gradient is not None]
    return tf.add_n(found) if found else None


def _twice(tensor: tf.Tensor) -> tf.Tensor:
    return tf.concat([tensor, tensor], 0)


def _tagged(part: str, scalars: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    return {f"{part}/{name}": value for name, value in scalars.items()}
