"""Updates of a network by its optimizer, only where the loss and the gradients are finite."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import tensorflow as tf

from sketch2img_tf.devices import precision
from sketch2img_tf.training import optimization


class NetworkUpdate(tf.Module):
    """One network's updates: its optimizer, its loss scale, and the count of skipped updates.

    An update whose loss or gradient is not finite is skipped. One replica with a NaN is enough,
    because the gradients of all replicas are summed: then all replicas skip the update. A skipped
    update changes no weight and no slot variable of the optimizer. Created in the strategy's scope.

    Args:
      variables: the trained variables.
      optimizer: of these variables.

    Attributes:
      skipped_in_a_row: int64 [], the updates that were skipped since the last one that was made.
        An update does not count if loss scaling answers it with a lower scale, as it does at the
        start of a run.
      culprits: int32 [1 + V], on how many replicas the loss, and the gradient of each variable, was
        not finite in the last update.
    """

    def __init__(self, variables: Sequence[tf.Variable], optimizer: tf.keras.optimizers.Optimizer):
        super().__init__(name="network_update")
        self.updated = list(variables)
        self.optimizer = optimizer
        self.skipped_in_a_row = tf.Variable(0, trainable=False, dtype=tf.int64)
        self.culprits = tf.Variable(tf.zeros([1 + len(self.updated)], tf.int32), trainable=False)

    @property
    def loss_scale(self) -> tf.Tensor | float:
        """The factor of the loss before its gradient is taken, float32 []; 1 except in float16."""
        return precision.loss_scale(self.optimizer)

    def scaled(self, loss: tf.Tensor) -> tf.Tensor:
        """The loss times `loss_scale`, float32 []: the gradient is taken of this."""
        return precision.scaled(self.optimizer, loss)

    def apply(self, scaled_loss: tf.Tensor, gradients: Sequence[tf.Tensor | None]) -> tf.Tensor:
        """Makes the update, or skips it; runs in replica context.

        Args:
          scaled_loss: float32 [], this replica's, from `scaled`.
          gradients: this replica's, of `scaled_loss`, one per variable; None where the loss does
            not depend on the variable.

        Returns:
          float32 []: 1 / replicas if the update was skipped, otherwise 0.
        """
        gradients = precision.unscaled(self.optimizer, optimization.dense(gradients))
        used = [
            (gradient, v) for gradient, v in zip(gradients, self.updated) if gradient is not None
        ]
        finite = tf.stack([_is_finite(each) for each in (scaled_loss, *gradients)])
        infinite = tf.cast(~finite, tf.int32)
        variables = [variable for _, variable in used]

        def apply(own: list[tf.Tensor], skipped: tf.Tensor) -> None:
            if precision.scales(self.optimizer):
                # LossScaleOptimizer looks at the gradients alone,
                # not at the loss: the first tells it.
                own = [tf.where(skipped, math.nan, own[0]), *own[1:]]
            self.optimizer.apply_gradients(zip(own, variables))

        def update(strategy, infinite, gradients):
            return self._update(strategy, infinite, apply, gradients)

        context = tf.distribute.get_replica_context()
        skipped = context.merge_call(update, args=(infinite, [gradient for gradient, _ in used]))
        return tf.cast(skipped, tf.float32) / context.num_replicas_in_sync

    def culprit_names(self) -> list[str]:
        """What was not finite in the last update: "loss", and the variables with such gradients."""
        names = ["loss", *(variable.name for variable in self.updated)]
        return [name for name, count in zip(names, self.culprits.numpy()) if count]

    def _update(self, strategy, infinite, apply, gradients) -> tf.Tensor:
        """The update in cross-replica context; returns whether it was skipped, bool []."""
        counts = strategy.reduce("SUM", infinite, axis=None)
        skipped = tf.reduce_any(counts > 0)
        self.culprits.assign(counts)
        counted = tf.cast(self.loss_scale <= 1.0, tf.int64)
        self.skipped_in_a_row.assign(tf.where(skipped, self.skipped_in_a_row + counted, 0))

        def apply_everywhere() -> None:
            strategy.extended.call_for_each_replica(apply, args=(gradients, skipped))

        # LossScaleOptimizer skips such updates itself, and must see them to lower its scale.
        if precision.scales(self.optimizer):
            apply_everywhere()
        else:
            tf.cond(skipped, lambda: None, apply_everywhere)
        return skipped


class FiniteStatistics:
    """Keeps NaN and infinity out of what forward passes change: moving averages, u vectors.

    Passes change these even if the update is skipped. Create it before the passes; afterwards
    `keep` restores the values that are no longer finite. Runs in replica context.
    """

    def __init__(self, networks: Iterable[tf.keras.Model]):
        self.variables = [
            v
            for network in networks
            for v in network.non_trainable_variables
            if v.dtype.is_floating
        ]
        self.before = [tf.identity(variable) for variable in self.variables]

    def keep(self) -> None:
        """Restores the earlier value wherever the present one is not finite."""
        for variable, before in zip(self.variables, self.before):
            now = tf.identity(variable)
            variable.assign(tf.where(tf.math.is_finite(now), now, before))


def _is_finite(values: tf.Tensor | None) -> tf.Tensor | bool:
    """Whether no value is NaN or infinite, bool []."""
    return True if values is None else tf.reduce_all(tf.math.is_finite(values))
