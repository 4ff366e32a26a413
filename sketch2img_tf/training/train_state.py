"""The state of a training: everything that a checkpoint holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import tensorflow as tf

from sketch2img_tf.devices import precision
from sketch2img_tf.layers.spectral_norm import power_iteration
from sketch2img_tf.networks import critic
from sketch2img_tf.networks.discriminator import Discriminator
from sketch2img_tf.networks.generator import make_generator
from sketch2img_tf.training import optimization

if TYPE_CHECKING:
    from sketch2img_tf.config import Config, TrainingConfig

_FIRST_POWER_ITERATIONS = 15


class TrainState(tf.Module):
    """Everything in a checkpoint: networks, averaged generator, optimizers and the step.

    With `--critic`, `critic` is the network of the critic's heads, otherwise None. The layers below
    the heads are frozen, or random from the seed: `TrainStep` holds them, and no checkpoint does.

    There is no random state: all random numbers come from the configuration's seed, the step, and
    `retries`, which counts how often the run went back after steps that were not finite.
    """

    def __init__(self, config: Config, num_classes: int):
        super().__init__(name="state")
        tf.keras.utils.set_random_seed(config.training.seed)
        self.step = tf.Variable(0, dtype=tf.int64, trainable=False, name="step")
        self.retries = tf.Variable(0, dtype=tf.int64, trainable=False, name="retries")
        replicas = tf.distribute.get_strategy().num_replicas_in_sync
        # Alone, batch norm is faster without
        synchronized = config.training.cross_replica_norm and replicas > 1
        with precision.policy(config.training.precision):
            self.generator = make_generator(config, num_classes, synchronized)
            self.averaged_generator = make_generator(config, num_classes, synchronized)
            self.discriminator = _make_discriminator(config, num_classes, synchronized)
            self.critic = (
                critic.make_critic(num_classes) if config.losses.critic != "none" else None
            )
        self.generator_optimizer = optimization.make_adam(
            config.training.generator_learning_rate, config.training
        )
        self.discriminator_optimizer = optimization.make_adam(
            config.training.discriminator_learning_rate, config.training
        )
        self.generator_optimizer.build(self.generator.trainable_variables)
        self.discriminator_optimizer.build(self.discriminator.trainable_variables)
        self.critic_optimizer = None
        if self.critic:
            self.critic_optimizer = optimization.make_adam(
                config.training.discriminator_learning_rate, config.training
            )
            self.critic_optimizer.build(self.critic.trainable_variables)
        self.follow_weights()

    @property
    def optimizers(self) -> list[tf.keras.optimizers.Optimizer]:
        """The optimizers of all trained networks."""
        optimizers = (self.generator_optimizer, self.discriminator_optimizer, self.critic_optimizer)
        return [optimizer for optimizer in optimizers if optimizer is not None]

    @property
    def networks(self) -> list[tf.keras.Model]:
        """The trained networks."""
        return [
            network
            for network in (self.generator, self.discriminator, self.critic)
            if network is not None
        ]

    def follow_weights(self) -> None:
        """Sets what depends on the weights at the start of a run: averages and spectral norms."""
        for average, variable in zip(self.averaged_generator.variables, self.generator.variables):
            average.assign(variable)
        for network in self.networks[1:]:
            power_iteration(network, _FIRST_POWER_ITERATIONS)

    def set_learning_rates(self, config: Config) -> None:
        """Sets the configured rates in place of those from a checkpoint."""
        self._set_learning_rates(config.training, 1.0)

    def decay_learning_rates(self, training: TrainingConfig) -> None:
        """Sets the rates of the next step, if they decay."""
        if training.final_learning_rate_fraction < 1:
            self._set_learning_rates(
                training, optimization.learning_rate_factor(self.step, training)
            )

    def _set_learning_rates(self, training: TrainingConfig, factor: tf.Tensor | float) -> None:
        self.generator_optimizer.learning_rate.assign(training.generator_learning_rate * factor)
        for optimizer in self.optimizers[1:]:
            optimizer.learning_rate.assign(training.discriminator_learning_rate * factor)


def _make_discriminator(config: Config, num_classes: int, synchronized: bool) -> Discriminator:
    network, size = config.network, config.data.image_size
    kinds = network.discriminator_norm, network.discriminator_head
    discriminator = Discriminator(num_classes, network.base_width, synchronized, *kinds)
    discriminator(
        (tf.zeros([1, size, size, 3]), tf.zeros([1, size, size, 1]), tf.zeros([1], tf.int64))
    )
    return discriminator
