"""The random numbers of a step: of a replica its part of what one device would draw for the whole batch.

So a step does the same however many replicas share it.
"""

from __future__ import annotations

import tensorflow as tf


def uniform(shape: list, seed: tf.Tensor, low: float = 0.0, high: float = 1.0, axis: int = 0) -> tf.Tensor:
    """U(low, high), float32, of a replica's shape, whose `axis` is that of the examples; seed int [2]."""
    return _own(lambda whole: tf.random.stateless_uniform(whole, seed, low, high), shape, axis)


def normal(shape: list, seed: tf.Tensor, axis: int = 0) -> tf.Tensor:
    """N(0, 1); the rest as `uniform`."""
    return _own(lambda whole: tf.random.stateless_normal(whole, seed), shape, axis)


def of_replica(seed: tf.Tensor) -> tf.Tensor:
    """A seed that no other replica has, int32 [2], for draws whose shape is a replica's own business."""
    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return seed
    return tf.random.experimental.stateless_fold_in(seed, context.replica_id_in_sync_group)


def _own(draw, shape: list, axis: int) -> tf.Tensor:
    context = tf.distribute.get_replica_context()
    replicas = context.num_replicas_in_sync if context else 1
    if replicas == 1:
        return draw(shape)
    whole = [*shape[:axis], replicas * shape[axis], *shape[axis + 1 :]]
    first = context.replica_id_in_sync_group * shape[axis]
    return tf.gather(draw(whole), first + tf.range(shape[axis]), axis=axis)


def deviation(values: tf.Tensor) -> tf.Tensor:
    """The standard deviation over the examples of all replicas together, float32 []."""
    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return tf.math.reduce_std(values)
    mean = context.all_reduce("MEAN", tf.reduce_mean(values))
    return tf.sqrt(context.all_reduce("MEAN", tf.reduce_mean(tf.square(values - mean))))
