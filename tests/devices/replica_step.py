"""A program of replicas_test.py: one step on one device and the same on two, in a process of its
own.

Several mirrored strategies in one process can bring it down.
"""

from __future__ import annotations

import functools
import json
import sys
from typing import Callable

import numpy as np
import tensorflow as tf

from sketch2img_tf import config as config_lib
from sketch2img_tf.config import TrainingConfig
from sketch2img_tf.data.statistics import Statistics
from sketch2img_tf.devices import stateless_random
from sketch2img_tf.layers.cpu import fusion
from sketch2img_tf.layers.normalization import (
    EPSILON,
    MOMENTUM,
    BatchNormalization,
    moments_of_all_replicas,
)
from sketch2img_tf.training.discriminator_learning import Lesson
from sketch2img_tf.training.network_update import NetworkUpdate
from sketch2img_tf.training.optimization import make_adam
from sketch2img_tf.training.train_state import TrainState
from sketch2img_tf.training.train_step import TrainStep

BATCH, CLASSES, RATE = 6, 4, 0.1
# Of a move's length: at the kinks of |x| and ReLU, rounding decides on a sign here and there
TOLERANCE = 0.005
VALUES = dict(
    base_width=4,
    global_batch_size=BATCH,
    perceptual_weight=0.0,
    label_noise=0.1,
    label_flip_probability=0.2,
)


def one_step(batch: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Scalars, and by how much a step of plain descent moves the
    variables, under the present strategy.
    """
    strategy = tf.distribute.get_strategy()
    config = config_lib.from_dict(VALUES)
    state = TrainState(config, CLASSES)
    state.generator_optimizer = tf.keras.optimizers.SGD(RATE)
    state.discriminator_optimizer = tf.keras.optimizers.SGD(RATE)
    state.generator_optimizer.build(state.generator.trainable_variables)
    state.discriminator_optimizer.build(state.discriminator.trainable_variables)
    step = TrainStep(config, state, Statistics((0.5, 0.5, 0.5), 0.5, (0.0,), 1.0))
    before = [np.asarray(variable.read_value()) for variable in state.variables]
    iterator = iter(strategy.distribute_datasets_from_function(functools.partial(_batches, batch)))
    scalars = step(next(iterator))
    result = {f"scalar {name}": np.asarray(value) for name, value in scalars.items()}
    for i, variable in enumerate(state.variables):
        result[f"{i} {variable.name}"] = np.asarray(variable.read_value()) - before[i]
        copies = [copy.numpy() for copy in strategy.experimental_local_results(variable)]
        if "/u:" in variable.name and any(np.any(copy != copies[0]) for copy in copies):
            raise AssertionError(f"{variable.name} differs among the replicas")
    return result


def steps_of_adam() -> np.ndarray:
    """Where two steps of the project's Adam take a variable, each
    replica having its share of the gradient.
    """
    strategy = tf.distribute.get_strategy()
    variable, adam = tf.Variable([1.0, 2.0, 3.0]), make_adam(RATE, TrainingConfig())
    adam.build([variable])
    for gradient in ([0.1, -0.2, 0.3], [0.3, 0.2, -0.1]):
        strategy.run(
            _apply,
            args=(adam, variable, np.array(gradient, np.float32) / strategy.num_replicas_in_sync),
        )
    return np.asarray(variable.read_value())


def _apply(
    adam: tf.keras.optimizers.Optimizer, variable: tf.Variable, gradient: np.ndarray
) -> None:
    adam.apply_gradients([(tf.constant(gradient), variable)])


def lazy_penalties(batch: dict[str, np.ndarray]) -> list[float]:
    """A lazy penalty's scalar in three traced steps, under the present strategy.

    The penalty is the deviation of the photos of all replicas, the rest of the step is left out:
    the replicas exchange something on every other step. Tracing all that they exchange takes a
    minute.
    """
    strategy = tf.distribute.get_strategy()
    config = config_lib.from_dict({**VALUES, "base_width": 2, "dragan_every_steps": 2})
    step = TrainStep(
        config, TrainState(config, CLASSES), Statistics((0.5, 0.5, 0.5), 0.5, (0.0,), 1.0)
    )
    nothing = step.discriminator_learning.from_no_penalties

    def penalties(examples: dict[str, tf.Tensor], number: int) -> Lesson:
        deviation = stateless_random.deviation(examples["photos"])
        return nothing()._replace(terms={"dragan": deviation / strategy.num_replicas_in_sync})

    step._penalties = penalties
    step._last_updates = lambda examples, lessons, number: lessons[0].terms
    tf.config.run_functions_eagerly(False)
    try:
        iterator = iter(
            strategy.distribute_datasets_from_function(functools.partial(_batches, batch))
        )
        return [float(step(next(iterator))["dragan"]) for _ in range(3)]
    finally:
        tf.config.run_functions_eagerly(True)


def updates_in_float16() -> list[dict]:
    """What four traced updates leave on every replica, one after the other.

    They are given something finite; a gradient that overflows on the last replica alone; a loss
    that does so, with a finite gradient; something finite again.
    """
    strategy = tf.distribute.get_strategy()
    last = strategy.num_replicas_in_sync - 1
    weight = tf.Variable([1.0, 2.0])
    optimizer = make_adam(RATE, TrainingConfig(precision="mixed_float16"))
    optimizer.build([weight])
    update = NetworkUpdate([weight], optimizer)

    @tf.function
    def made(loss: tf.Tensor, gradient: tf.Tensor) -> tf.Tensor:
        def by_replica(loss, gradient):
            return update.apply(update.scaled(loss), [update.scaled(gradient) * weight])

        return strategy.reduce("SUM", strategy.run(by_replica, args=(loss, gradient)), axis=None)

    def left(loss: float, gradient: float) -> dict:
        losses, gradients = (
            strategy.experimental_distribute_values_from_function(
                lambda context, bad=bad: tf.constant(
                    bad if context.replica_id_in_sync_group == last else 0.5
                )
            )
            for bad in (loss, gradient)
        )
        skipped = float(made(losses, gradients))
        kept = {
            "weights": weight,
            "slots": optimizer.inner_optimizer._momentums[0],
            "scale": optimizer._loss_scale.current_loss_scale,
        }
        return {"skipped": skipped} | {
            name: [copy.numpy().tolist() for copy in strategy.experimental_local_results(variable)]
            for name, variable in kept.items()
        }

    tf.config.run_functions_eagerly(False)
    try:
        return [left(0.5, 0.5), left(0.5, np.inf), left(np.inf, 0.5), left(0.5, 0.5)]
    finally:
        tf.config.run_functions_eagerly(True)


def _batches(batch: dict[str, np.ndarray], context: tf.distribute.InputContext) -> tf.data.Dataset:
    size = context.get_per_replica_batch_size(BATCH)
    return tf.data.Dataset.from_tensor_slices(batch).repeat().batch(size, drop_remainder=True)


def norm_errors() -> dict[str, float]:
    """Of the synchronised batch norm against NumPy in float64: relative, of its scale, moving mean
    and variance.

    Where the variance is small beside the mean, and part of it lies between the replicas.
    """
    strategy, rng, errors = tf.distribute.get_strategy(), np.random.default_rng(0), {}
    replicas = strategy.num_replicas_in_sync
    for mean, deviation in ((30.0, 0.003), (1000.0, 1.0), (-2.0, 5.0)):
        x = rng.normal(mean, deviation, [replicas, 4, 8, 8, 5])
        x = np.float32(x + deviation * np.arange(replicas).reshape([-1, 1, 1, 1, 1]))
        layer = BatchNormalization(synchronized=True)
        layer.build([None, None, None, 5])
        scale = strategy.run(_scale, args=(layer, tf.constant(x)))
        whole = x.astype(np.float64)
        n, variance = whole[..., 0].size, whole.var((0, 1, 2, 3))
        expected = {
            "moving_mean": (1 - MOMENTUM) * whole.mean((0, 1, 2, 3)),
            "moving_variance": MOMENTUM + (1 - MOMENTUM) * variance * n / (n - 1),
            "scale": 1 / np.sqrt(variance + EPSILON),
        }
        found = {"moving_mean": layer.moving_mean, "moving_variance": layer.moving_variance}
        found = {name: np.asarray(variable.read_value()) for name, variable in found.items()}
        found["scale"] = np.ravel(strategy.experimental_local_results(scale)[0])
        for name, value in expected.items():
            errors[f"{name} at {mean} +- {deviation}"] = float(
                np.abs(found[name] / value - 1).max()
            )
    return errors


def _scale(layer: BatchNormalization, of_replicas: tf.Tensor) -> tf.Tensor:
    own = tf.distribute.get_replica_context().replica_id_in_sync_group
    return layer.scale_and_shift(of_replicas[own], True)[0]


def moments_together() -> float:
    """By how much the moments of two tensors that replicas exchange at once differ from those of
    each alone, at most, gradients included; both replicas are looked at.
    """
    strategy, rng = tf.distribute.get_strategy(), np.random.default_rng(1)
    shape = [strategy.num_replicas_in_sync, 2, 4, 4]
    batches = [tf.constant(rng.normal(3, 2, [*shape, n]), tf.float32) for n in (5, 3)]
    ways = (
        lambda some, others: moments_of_all_replicas(some, others),
        lambda *both: [moments_of_all_replicas(each)[0] for each in both],
    )
    at_once, alone = (strategy.run(_moments_and_gradients, args=(way, *batches)) for way in ways)
    differences = tf.nest.map_structure(
        lambda one, other: max(
            float(tf.reduce_max(tf.abs(a - b)))
            for a, b in zip(*map(strategy.experimental_local_results, (one, other)))
        ),
        at_once,
        alone,
    )
    return max(tf.nest.flatten(differences))


def _moments_and_gradients(way: Callable, *of_replicas: tf.Tensor) -> tuple:
    replica = tf.distribute.get_replica_context().replica_id_in_sync_group
    own = [each[replica] for each in of_replicas]
    with tf.GradientTape() as tape:
        tape.watch(own)
        moments = way(*own)
        total = tf.add_n([tf.reduce_sum(tf.sin(each)) for each in tf.nest.flatten(moments)])
    return moments, tape.gradient(total, own)


def random_batch(examples: int, classes: int) -> dict[str, np.ndarray]:
    """Of noise in the ranges of normalised photos and sketches, always the same."""
    rng = np.random.default_rng(0)
    return {
        "photos": rng.uniform(-0.8, 0.9, [examples, 64, 64, 3]).astype(np.float32),
        "sketches": (rng.uniform(size=[examples, 64, 64, 1]) < 0.1).astype(np.float32),
        "labels": rng.integers(classes, size=examples),
    }


def make_two_cpus() -> None:
    """Logical ones, before TensorFlow has used the first."""
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)


def main() -> None:
    """Prints the names of what differs beyond rounding, as JSON."""
    tf.config.run_functions_eagerly(True)  # tracing the step would take most of the time
    batch = random_batch(BATCH, CLASSES)
    make_two_cpus()
    alone = {**one_step(batch), "adam": steps_of_adam()}
    # What lies between convolutions is compiled on two devices, and was not on one
    fusion._LARGE = 1
    with tf.distribute.MirroredStrategy(["/cpu:0", "/cpu:1"]).scope():
        shared = {**one_step(batch), "adam": steps_of_adam()}
        of_norms, lazy, in_float16 = norm_errors(), lazy_penalties(batch), updates_in_float16()
        together = moments_together()
    errors = {
        name: float(
            np.linalg.norm(alone[name] - shared[name]) / (np.linalg.norm(alone[name]) + 1e-6)
        )
        for name in alone
    }
    differing = {k: e for k, e in errors.items() if e > TOLERANCE}
    result = {"compared": len(errors), "differing": differing, "norms": of_norms, "lazy": lazy}
    print(json.dumps(result | {"float16": in_float16, "together": together}))


if __name__ == "__main__":
    sys.exit(main())
