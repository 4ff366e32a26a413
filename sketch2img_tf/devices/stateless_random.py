"""Random numbers from seeds, int64 [2]: the same on every device, with and without XLA.

TensorFlow's own functions do not have this property: XLA makes different floats from the same
random bits, and different bits unless the algorithm is Philox.

With an `axis`, that of the examples, a replica gets its part of the numbers that one device would
draw for the whole batch. So a step does not depend on the number of replicas.
"""

from __future__ import annotations

import math

import tensorflow as tf

from sketch2img_tf.devices import strategy

_DIGITS = 24  # significant bits of a float32, so that 1 is never drawn


def uniform(
    shape, seed: tf.Tensor, low: float = 0.0, high: float = 1.0, axis: int | None = None
) -> tf.Tensor:
    """U(low, high), float32 of a replica's shape; high itself is never drawn."""
    return low + (high - low) * _own(_uniform, shape, seed, axis)


def normal(shape, seed: tf.Tensor, axis: int | None = None) -> tf.Tensor:
    """N(0, 1), float32 of a replica's shape.

    Box and Muller, "A Note on the Generation of Random Normal Deviates", 1958.
    """
    return _own(_normal, shape, seed, axis)


def integers(shape, seed: tf.Tensor, low: int, high: int, axis: int | None = None) -> tf.Tensor:
    """Uniform integers from low to high - 1, int32 of a replica's shape."""
    return low + tf.cast(uniform(shape, seed, axis=axis) * float(high - low), tf.int32)


def split(seed: tf.Tensor, count: int) -> tf.Tensor:
    """`count` seeds from one, int64 [count, 2]."""
    return tf.random.experimental.stateless_split(seed, count, alg="philox")


def fold_in(seed: tf.Tensor, number: int | tf.Tensor) -> tf.Tensor:
    """A different seed for every number, int64 [2]."""
    return tf.random.experimental.stateless_fold_in(seed, tf.cast(number, tf.int64), alg="philox")


def _uniform(shape, seed: tf.Tensor) -> tf.Tensor:
    bits = tf.random.stateless_uniform(shape, seed, None, None, tf.uint32, alg="philox")
    return (
        tf.cast(tf.bitwise.right_shift(bits, tf.constant(32 - _DIGITS, tf.uint32)), tf.float32)
        * 2.0**-_DIGITS
    )


def _normal(shape, seed: tf.Tensor) -> tf.Tensor:
    radius, angle = (_uniform(shape, each) for each in tf.unstack(split(seed, 2)))
    return tf.sqrt(-2.0 * tf.math.log(1.0 - radius)) * tf.cos(2.0 * math.pi * angle)


def _own(draw, shape, seed: tf.Tensor, axis: int | None) -> tf.Tensor:
    context = None if axis is None else tf.distribute.get_replica_context()
    replicas = context.num_replicas_in_sync if context else 1
    if replicas == 1:
        return draw(shape, seed)
    whole = [*shape[:axis], replicas * shape[axis], *shape[axis + 1 :]]
    first = context.replica_id_in_sync_group * shape[axis]
    return tf.gather(draw(whole, seed), first + tf.range(shape[axis]), axis=axis)


def deviation(values: tf.Tensor) -> tf.Tensor:
    """The standard deviation over the examples of all replicas together, float32 []."""
    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return tf.math.reduce_std(values)
    own = tf.stack([tf.reduce_mean(values), tf.math.reduce_variance(values)])
    means, variances = tf.unstack(strategy.of_each_replica(own), axis=1)
    return tf.sqrt(tf.reduce_mean(variances) + tf.math.reduce_variance(means))
