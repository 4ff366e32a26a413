"""One step of a training.

Axes: B batch of one replica; 2B a batch with two noise draws, first all first ones, then all
second.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Callable

import tensorflow as tf

from sketch2img_tf.devices import stateless_random
from sketch2img_tf.layers.spectral_norm import power_iteration
from sketch2img_tf.networks.sight import Seen, Sight
from sketch2img_tf.training.critic_learning import CriticLearning
from sketch2img_tf.training.discriminator_learning import DiscriminatorLearning, Lesson, after
from sketch2img_tf.training.generator_losses import GeneratorLosses
from sketch2img_tf.training.loss_terms import tagged, weighted_sum
from sketch2img_tf.training.network_update import FiniteStatistics, NetworkUpdate
from sketch2img_tf.training.replica_batch import ReplicaBatch

if TYPE_CHECKING:
    from sketch2img_tf.config import Config
    from sketch2img_tf.data.statistics import Statistics
    from sketch2img_tf.training.train_state import TrainState

# Folded into `ReplicaBatch.augmentation_seed` for the critic; the discriminator's are 1 to 3.
_REAL_FOR_CRITIC, _FAKE_FOR_CRITIC = 5, 6


class TrainStep:
    """One step: updates the discriminator and the critic, then the generator, which has one pass.

    Call it with a batch {"photos", "sketches": normalised, float32 [B, S, S, 3 or 1]; "labels":
    int64 [B]; and, with `--unaligned_supervised_fraction`, "aligned": bool [B]}. It returns the
    step's scalars by name, float32 []. A loss of weight 0 is not computed. With
    `--discriminator_steps` n above 1, n batches are joined in one, [n B, ...]: the discriminator's
    other updates come first, and have no scalars.

    A network whose loss or gradient is not finite is not updated; its scalar `skipped_updates` is
    then 1.
    """

    def __init__(self, config: Config, state: TrainState, statistics: Statistics):
        self.config = config
        self.state = state
        self.strategy = tf.distribute.get_strategy()
        self.weights = config.losses
        self.sight = Sight(config, statistics)
        self.critic_learning = (
            CriticLearning(config, state) if config.losses.critic_counts else None
        )
        self.discriminator_learning = DiscriminatorLearning(config, state)
        self.generator_losses = GeneratorLosses(config, state, self.sight)
        self.generator_update = NetworkUpdate(
            state.generator.trainable_variables, state.generator_optimizer
        )

    @property
    def updates(self) -> dict[str, NetworkUpdate]:
        """The updates of each trained network, by name."""
        updates = {
            "generator": self.generator_update,
            "discriminator": self.discriminator_learning.update,
        }
        return (
            {**updates, "critic": self.critic_learning.update} if self.critic_learning else updates
        )

    # Nothing to convert, and autograph would take a third of the tracing time
    @tf.function(autograph=False)
    def __call__(self, batch: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        # Learning rates, averages and the step count are updated in cross-replica context.
        self.state.decay_learning_rates(self.config.training)
        last = self.config.training.discriminator_steps - 1
        for number in range(last):
            self._after_penalties(self._discriminator_step, batch, number)
        scalars = self._after_penalties(self._last_updates, batch, last)
        # Each replica returns its part of a mean over the global batch: the sum is the mean. They
        # are exchanged as one tensor.
        stacked = self.strategy.run(lambda scalars: tf.stack([*scalars.values()]), args=(scalars,))
        sums = self.strategy.reduce("SUM", stacked, axis=None)
        scalars = dict(zip(scalars, tf.unstack(sums)))
        self._average_generator()
        self.state.step.assign_add(1)
        return scalars

    @tf.function
    def several(
        self, batches: tf.distribute.DistributedIterator, steps: int
    ) -> tuple[dict[str, tf.Tensor], dict[str, tf.Tensor]]:
        """Makes `steps` steps, in a loop on the device.

        Returns:
          The scalars of each step by name, float32 [steps], and the batch of the last step.
        """
        once = self.__call__.get_concrete_function(batches.element_spec).structured_outputs
        names = sorted(once)
        values = tf.TensorArray(tf.float32, steps, element_shape=[len(names)])
        for i in tf.range(steps - 1):
            scalars = self(next(batches))
            values = values.write(i, tf.stack([scalars[name] for name in names]))
        # The last step is outside the loop: inside, its batch would have to be a loop variable.
        batch = next(batches)
        scalars = self(batch)
        values = values.write(steps - 1, tf.stack([scalars[name] for name in names]))
        return dict(zip(names, tf.unstack(values.stack(), axis=1))), batch

    def _after_penalties(self, update: Callable, examples: dict[str, tf.Tensor], number: int):
        """Runs `update` on the replicas with its batch and the penalties' lessons, and returns its
        result.

        The list of lessons is empty if there are no penalties. `number` is the number of the
        discriminator's update within the step, from 0.

        The penalties are computed on every `dragan_every_steps`-th step N, and count N times there;
        the other steps have none, at no cost. On average this is the same. Karras et al.,
        "Analyzing and Improving the Image Quality of StyleGAN", 2020, section 3.1.
        """
        run, interval = self.strategy.run, self.weights.dragan_every_steps
        # A weight's spectral norm is the same in all passes of an
        # update: it is estimated once here.
        run(self._iterate_power)
        lessons = []
        if self.weights.penalties:
            due = functools.partial(
                run, functools.partial(self._penalties, number=number), (examples,)
            )
            # The condition is outside the replicas. Inside a branch a replica cannot communicate
            # with the others, and the penalties need all-reduces for the deviation and the norms'
            # statistics. Only the penalties are in the condition, so the rest is traced once.
            is_due = self.state.step % interval == 0
            between = functools.partial(run, self.discriminator_learning.from_no_penalties)
            lessons = [due() if interval == 1 else tf.cond(is_due, due, between)]
        return run(functools.partial(update, number=number), (examples, lessons))

    def _iterate_power(self) -> None:
        """Updates the discriminator's spectral norms, once for all its passes of this update."""
        statistics = FiniteStatistics([self.state.discriminator])
        power_iteration(self.state.discriminator)
        statistics.keep()

    def _penalties(self, examples: dict[str, tf.Tensor], number: int) -> Lesson:
        statistics = FiniteStatistics([self.state.discriminator])
        lesson = self.discriminator_learning.from_penalties(self._batch(examples, number))
        statistics.keep()
        return lesson

    def _discriminator_step(
        self, examples: dict[str, tf.Tensor], lessons: list[Lesson], number: int
    ) -> None:
        """Updates the discriminator and the critic, on their own examples and fakes of these."""
        # This is `_last_updates` without the generator's part.
        statistics = FiniteStatistics(self.state.networks)
        batch = self._batch(examples, number)
        noise = batch.noise(self.state.generator.noise_shape)
        with after(*lessons):
            from_photos = self.discriminator_learning.from_photos(batch)
        with after(from_photos):
            fake_photos = self.state.generator((batch.sketches, batch.labels, noise), training=True)
        from_fakes = self.discriminator_learning.from_fakes(batch, fake_photos)
        self.discriminator_learning.learn(*lessons, from_photos, from_fakes)
        if self.critic_learning:
            seen_photos = self._see(batch, batch.photos, _REAL_FOR_CRITIC)
            seen_fakes = self._see(batch, fake_photos, _FAKE_FOR_CRITIC)
            self.critic_learning.learn(batch, seen_photos.critic, seen_fakes.critic)
        statistics.keep()

    def _last_updates(
        self, examples: dict[str, tf.Tensor], lessons: list[Lesson], number: int
    ) -> dict[str, tf.Tensor]:
        """Makes the last updates of all networks; returns this replica's part of the scalars."""
        statistics = FiniteStatistics(self.state.networks)
        batch = self._batch(examples, number)
        # The order saves memory: the activations of one pass are freed before the next pass begins.
        # The discriminator's pass over real photos comes first, before the generator's activations
        # are in memory.
        with after(*lessons):
            from_photos = self.discriminator_learning.from_photos(batch)
        noise = batch.noise(self.state.generator.noise_shape, self.weights.noise_draws)
        # The generator's only pass: the discriminator, the critic and then the generator learn from
        # its pictures. The tape keeps the activations until the gradient with respect to the
        # pictures is known, at the end.
        with after(from_photos), tf.GradientTape() as generator_tape:
            fakes = self._generate(batch, noise)
        fake_photos = fakes[: batch.photos.shape[0]]
        from_fakes = self.discriminator_learning.from_fakes(batch, fake_photos)
        scalars = self.discriminator_learning.learn(*lessons, from_photos, from_fakes)
        # The generator learns from the updated discriminator and critic.
        seen_photos = self._see(batch, batch.photos, _REAL_FOR_CRITIC)
        with tf.GradientTape() as loss_tape:
            loss_tape.watch(fakes)
            # One pass of the frozen networks serves both: first the
            # critic's update, then the generator's.
            seen_fakes = self._see(
                batch, self.generator_losses.supervised_draws(fakes), _FAKE_FOR_CRITIC
            )
            if self.critic_learning:
                with loss_tape.stop_recording():
                    scalars.update(
                        self.critic_learning.learn(batch, seen_photos.critic, seen_fakes.critic)
                    )
            terms = self.generator_losses(batch, fakes, noise, seen_photos, seen_fakes)
            total = self.generator_update.scaled(weighted_sum(terms, self.weights))
        # The chain rule by hand: from the losses to the pictures, and from the pictures to the
        # weights. One tape would also contain the discriminator's update, which lies between.
        through_fakes = loss_tape.gradient(total, fakes)
        variables = self.state.generator.trainable_variables
        gradients = generator_tape.gradient(fakes, variables, output_gradients=through_fakes)
        skipped = {"skipped_updates": self.generator_update.apply(total, gradients)}
        statistics.keep()
        return {
            **scalars,
            **tagged("generator", {**terms, **skipped}),
            **_fake_scalars(batch, fake_photos),
        }

    def _batch(self, examples: dict[str, tf.Tensor], number: int) -> ReplicaBatch:
        """The examples and the seed of the discriminator's update `number`.

        The n batches, [B, ...] each, are interleaved in one: example i belongs to batch i mod n. So
        the batches do not depend on the number of replicas.
        """
        # Seed, retries and step determine all random numbers of a step: a run continues bit by bit.
        training = self.config.training
        count = training.discriminator_steps
        own = {name: values[number::count] for name, values in examples.items()}
        seed = stateless_random.fold_in(
            tf.stack([tf.constant(training.seed, tf.int64), self.state.retries]), self.state.step
        )
        if number < count - 1:
            seed = stateless_random.fold_in(seed, number + 1)
        return ReplicaBatch.of(own, seed, training.global_batch_size)

    def _generate(self, batch: ReplicaBatch, noise: tf.Tensor) -> tf.Tensor:
        """The pictures of all noise draws, by one pass of the encoder, which has no noise."""
        generator, sketches, labels = self.state.generator, batch.sketches, batch.labels
        features = generator.encode(sketches, labels, training=True)
        if self.weights.noise_draws == 2:
            features, sketches, labels = tf.nest.map_structure(_twice, (features, sketches, labels))
        return generator.decode(features, sketches, labels, noise, training=True)

    def _see(self, batch: ReplicaBatch, photos: tf.Tensor, use: int) -> Seen:
        """What the frozen networks see; for the critic, of augmented pictures of the first draw."""
        seed = stateless_random.fold_in(batch.augmentation_seed, use)
        first = photos[: batch.sketches.shape[0]]
        return self.sight(photos, *batch.augmented(first, self.weights.critic_diffaugment, seed))

    def _average_generator(self) -> None:
        """Moves the averages of the generator's variables; faster at first, to forget the start.

        Batch norm's moving statistics are averaged together with the weights that produced them.
        """
        step = tf.cast(self.state.step, tf.float32)
        share = 1.0 - tf.minimum(self.config.training.ema_decay, (1.0 + step) / (10.0 + step))
        for average, variable in zip(
            self.state.averaged_generator.variables, self.state.generator.variables
        ):
            average.assign(average + share * (variable - average))


def _fake_scalars(batch: ReplicaBatch, fake_photos: tf.Tensor) -> dict[str, tf.Tensor]:
    """Mean and standard deviation over pixels, averaged over the pictures: they show a collapse."""
    deviations = tf.math.reduce_std(fake_photos, [1, 2, 3])
    means = tf.reduce_mean(fake_photos, [1, 2, 3])
    return tagged("fakes", {"mean": batch.mean(means), "deviation": batch.mean(deviations)})


def _twice(tensor: tf.Tensor) -> tf.Tensor:
    return tf.concat([tensor, tensor], 0)
