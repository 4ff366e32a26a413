"""The features of frozen networks that the losses use: for the perceptual loss and the critic."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, NamedTuple

import tensorflow as tf

from sketch2img_tf.networks import critic, perceptual
from sketch2img_tf.networks.frozen_features import FrozenFeatures, faster_precision

if TYPE_CHECKING:
    from sketch2img_tf.config import Config
    from sketch2img_tf.data.statistics import Statistics


class Seen(NamedTuple):
    """Features of photos; [] for a loss that is off.

    Attributes:
      perceptual: the perceptual loss's features, float32 [B, H, W, C] per layer.
      critic: the inputs of `critic.Critic`, without the labels.
    """

    perceptual: list[tf.Tensor]
    critic: list[tf.Tensor]


class Sight(tf.Module):
    """The frozen networks of the losses.

    The perceptual loss and the critic share one network, in one pass, if both use the same network
    with the same weights at the same size, and the critic has no augmentation.

    Attributes:
      perceptual, critic: the networks; None if off; the same object if they share one.
      perceptual_units: the units of the perceptual loss's layers, for `losses.perceptual`.

    Raises:
      UserError: on creation, if weights are missing or do not fit, or there is no such layer.
    """

    def __init__(self, config: Config, statistics: Statistics):
        super().__init__(name="sight")
        losses, precision = config.losses, config.training.precision
        look, of_critic = perceptual.look(losses), critic.look(losses)
        self.perceptual, self.critic, self.perceptual_units = None, None, []
        self._perceptual_layers, self._critic_layers = len(look.layers), len(of_critic.layers)
        is_one = losses.perceptual_weight and losses.critic_counts and not losses.critic_diffaugment
        self._is_one = bool(is_one) and look.is_like(of_critic)
        if losses.perceptual_weight:
            layers = look.layers + (of_critic.layers if self._is_one else ())
            self.perceptual = FrozenFeatures(
                dataclasses.replace(look, layers=layers), statistics, precision
            )
            if perceptual.is_scaled(losses):
                self.perceptual_units = self.perceptual.deviations()[: self._perceptual_layers]
        if losses.critic_counts:
            self.critic = (
                self.perceptual
                if self._is_one
                else FrozenFeatures(of_critic, statistics, precision)
            )
            if losses.critic_weights == "random":
                self.critic.settle()
            self.projection = self._make_projection(config, statistics)

    def __call__(
        self, photos: tf.Tensor, critics_photos: tf.Tensor, critics_sketches: tf.Tensor
    ) -> Seen:
        """The features of normalised photos, float32 [B or 2B, S, S, 3].

        The critic sees B photos, augmented, with their sketches. If the networks are shared, these
        are the first B of `photos`.
        """
        features = self.perceptual(photos) if self.perceptual else []
        if not self.critic:
            return Seen(features, [])
        count = critics_sketches.shape[0]
        shared = [of_layer[:count] for of_layer in features[self._perceptual_layers :]]
        of_critic = shared if self._is_one else self.critic(critics_photos)
        return Seen(
            features[: self._perceptual_layers], self.projection(of_critic, critics_sketches)
        )

    def _make_projection(self, config: Config, statistics: Statistics) -> critic.Projection:
        shapes = [
            output.shape[1:] for output in self.critic.network.outputs[-self._critic_layers :]
        ]
        units = self.critic.deviations()[-self._critic_layers :]
        precision = faster_precision(config.training.precision)
        return critic.Projection(shapes, units, statistics, config.training.seed, precision)
