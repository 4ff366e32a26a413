"""How a network moves: by its optimizer, and only where loss and gradients are finite numbers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import tensorflow as tf

from sketch2img_tf.devices import precision
from sketch2img_tf.training import optimization


class NetworkUpdate(tf.Module):
    """One network's updates: its optimizer, the scale of its loss, and which updates are left out and counted.

    An update whose loss or gradient is not finite is left out. One replica with a NaN is enough: its gradients would
    reach the others by summation, so that all leave it out. An update that is left out moves no weight and no slot of
    the optimizer. Made in the scope of the strategy.

    Args:
      variables: that are trained.
      optimizer: of these variables.

    Attributes:
      skipped_in_a_row: int64 [], updates left out since the last that was made; but for those that loss scaling answers
        by a lower scale, as it does with the first of a run.
      culprits: int32 [1 + V], on how many replicas the loss, and the gradient of each variable, was not finite the last
        time.
    """

    def __init__(self, variables: Sequence[tf.Variable], optimizer: tf.keras.optimizers.Optimizer):
        super().__init__(name="network_update")
        self.updated = list(variables)
        self.optimizer = optimizer
        self.skipped_in_a_row = tf.Variable(0, trainable=False, dtype=tf.int64)
        self.culprits = tf.Variable(tf.zeros([1 + len(self.updated)], tf.int32), trainable=False)

    @property
    def loss_scale(self) -> tf.Tensor | float:
        """What the loss is multiplied by before its gradient is taken, float32 []; 1 but in float16."""
        return precision.loss_scale(self.optimizer)

    def scaled(self, loss: tf.Tensor) -> tf.Tensor:
        """The loss to take the gradient of, float32 []."""
        return precision.scaled(self.optimizer, loss)

    def apply(self, scaled_loss: tf.Tensor, gradients: Sequence[tf.Tensor | None]) -> tf.Tensor:
        """Makes the update, or not; in a replica's context.

        Args:
          scaled_loss: float32 [], this replica's, from `scaled`.
          gradients: this replica's, of that loss, one per variable; None where the loss does not depend on it.

        Returns:
          float32 []: this replica's part of 1 if the update was left out, otherwise 0.
        """
        gradients = precision.unscaled(self.optimizer, optimization.dense(gradients))
        used = [(gradient, v) for gradient, v in zip(gradients, self.updated) if gradient is not None]
        infinite = tf.stack([_is_infinite(scaled_loss), *(_is_infinite(gradient) for gradient in gradients)])
        variables = [variable for _, variable in used]

        def apply(own: list[tf.Tensor]) -> None:
            self.optimizer.apply_gradients(zip(own, variables))

        def update(strategy, infinite, gradients):
            return self._update(strategy, infinite, apply, gradients)

        context = tf.distribute.get_replica_context()
        skipped = context.merge_call(update, args=(infinite, [gradient for gradient, _ in used]))
        return tf.cast(skipped, tf.float32) / context.num_replicas_in_sync

    def culprit_names(self) -> list[str]:
        """What was not finite the last time: "loss", and the names of variables whose gradients were not."""
        names = ["loss", *(variable.name for variable in self.updated)]
        return [name for name, count in zip(names, self.culprits.numpy()) if count]

    def _update(self, strategy, infinite, apply, gradients) -> tf.Tensor:
        """For all replicas together: bool [], whether the update was left out."""
        counts = strategy.reduce("SUM", infinite, axis=None)
        skipped = tf.reduce_any(counts > 0)
        self.culprits.assign(counts)
        counted = tf.cast(self.loss_scale <= 1.0, tf.int64)
        self.skipped_in_a_row.assign(tf.where(skipped, self.skipped_in_a_row + counted, 0))

        def apply_everywhere() -> None:
            strategy.extended.call_for_each_replica(apply, args=(gradients,))

        # Loss scaling leaves out such updates itself, and has to see them: it lowers its scale.
        if precision.scales(self.optimizer):
            apply_everywhere()
        else:
            tf.cond(skipped, lambda: None, apply_everywhere)
        return skipped


class FiniteStatistics:
    """What passes through the networks leave behind, whether or not an update follows: moving statistics, u vectors.

    Taken before the passes; `keep` afterwards brings back what has become NaN or infinite. In a replica's context.
    """

    def __init__(self, networks: Iterable[tf.keras.Model]):
        self.variables = [v for network in networks for v in network.non_trainable_variables if v.dtype.is_floating]
        self.before = [tf.identity(variable) for variable in self.variables]

    def keep(self) -> None:
        """Every value that is finite stays."""
        for variable, before in zip(self.variables, self.before):
            now = tf.identity(variable)
            variable.assign(tf.where(tf.math.is_finite(now), now, before))


def _is_infinite(values: tf.Tensor | None) -> tf.Tensor:
    """1 if any value is NaN or infinite, otherwise 0: int32 []."""
    return tf.constant(0) if values is None else tf.cast(~tf.reduce_all(tf.math.is_finite(values)), tf.int32)
