"""A program of replica_options_test.py: six traced steps on one device and on two.

Takes the flags of train.py, and shrinks what they come to: narrow networks, few pictures, frozen
networks of random weights and few layers, intervals of two and three steps. Prints as JSON by how
much the two differ. In a process of its own: several mirrored strategies in one can bring it down.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import json
from collections.abc import Iterator

import numpy as np
import tensorflow as tf
from absl import flags

from sketch2img_tf import config as config_lib
from sketch2img_tf import errors
from sketch2img_tf.config import Config
from sketch2img_tf.data import input_pipeline, sources
from sketch2img_tf.run_folder.checkpoints import variables
from sketch2img_tf.training import optimization
from sketch2img_tf.training.train_state import TrainState
from sketch2img_tf.training.train_step import TrainStep
from tests.devices.doubles import doubles, in_doubles
from tests.devices.replica_step import make_two_cpus

_IN_DOUBLES = flags.DEFINE_bool("in_doubles", True, "In float64; otherwise in --precision.")

STEPS, BATCH = 6, 4
# In bfloat16. Adam makes a whole rate of the smallest gradient, whatever rounding has made of it;
# with this epsilon it does not.
ADAM_EPSILON = 1e-2
# Rounding changes a number by up to this share of itself: of float64, what changes it at all.
ROUNDING = {"float64": 2.0**-52, "mixed_bfloat16": 2.0**-9}
_SMALL = 0.1  # smaller scalars are compared with it
_SHOWN = 8


@dataclasses.dataclass(frozen=True)
class Taken:
    """What six steps did.

    Attributes:
      scalars: each scalar by name, [STEPS].
      moves: by name, how far each variable moved.
    """

    scalars: dict[str, np.ndarray]
    moves: dict[str, np.ndarray]

    def apart(self, other: Taken) -> dict[str, dict[str, float]]:
        """By how much the other differs: scalars, at most;
        moves, by which share of their length.
        """
        scalars = {
            name: _share(
                np.max(np.abs(other.scalars[name] - values) / np.maximum(np.abs(values), _SMALL))
            )
            for name, values in self.scalars.items()
        }
        moves = {
            name: _share(np.linalg.norm(other.moves[name] - move) / (np.linalg.norm(move) + 1e-6))
            for name, move in self.moves.items()
        }
        return {"scalars": scalars, "moves": moves}


def shrunk(run: Config) -> Config:
    """The same options, in seconds."""
    losses, training = run.losses, run.training
    imagenet = losses.perceptual_network == "InceptionV3"  # a minute of making, and all the same
    return dataclasses.replace(
        run,
        data=dataclasses.replace(run.data, num_classes=0, shuffle_buffer=8),
        network=dataclasses.replace(run.network, base_width=2),
        losses=dataclasses.replace(
            losses,
            dragan_every_steps=min(losses.dragan_every_steps, 2),
            perceptual_network="MobileNet" if imagenet else losses.perceptual_network,
            perceptual_layers=("conv_pw_1_relu",) if imagenet else (),
            perceptual_size=32,
            perceptual_weights="random",
            critic_size=32,
            critic_weights="random",
        ),
        training=dataclasses.replace(
            training,
            train_steps=STEPS,
            train_epochs=0,
            strategy="auto",
            global_batch_size=BATCH,
            steps_per_call=min(training.steps_per_call, 3),
            decay_start_step=min(training.decay_start_step, 3),
            log_every_steps=STEPS,
            sample_every_steps=STEPS,
            checkpoint_every_steps=STEPS,
        ),
    )


def take_steps(run: Config, changes: tuple[float, ...]) -> list[Taken]:
    """Six steps on real batches under the present strategy, once for each change.

    Args:
      run: what `shrunk` made.
      changes: by up to which share of itself each number of the photos is changed.
    """
    strategy, training = tf.distribute.get_strategy(), run.training
    sketchy = sources.open_data(run.data)

    def batches(change: float) -> tf.distribute.DistributedIterator:
        def of_worker(context: tf.distribute.InputContext) -> tf.data.Dataset:
            size = context.get_per_replica_batch_size(training.pictures_per_step)
            examples = input_pipeline.training_batches(sketchy, size, training.seed, 0, context)
            examples = examples.map(doubles) if _IN_DOUBLES.value else examples
            return examples.map(functools.partial(_changed, change))

        return iter(strategy.distribute_datasets_from_function(of_worker))

    iterators = [batches(change) for change in changes]
    with in_doubles() if _IN_DOUBLES.value else contextlib.nullcontext():
        state = TrainState(run, len(sketchy.class_names))
        step = TrainStep(run, state, sketchy.statistics)
        start = _values(state)
        return [_taken(state, step, start, iterator) for iterator in iterators]


def _changed(change: float, batch: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    photos = batch["photos"]
    shares = tf.random.stateless_uniform(tf.shape(photos), [1, 2], -1, 1, photos.dtype) * change
    return {**batch, "photos": photos * (1.0 + shares)}


def _taken(state: TrainState, step: TrainStep, start: list[np.ndarray], batches: Iterator) -> Taken:
    """Six steps from these values of the variables."""
    for variable, value in zip(variables(state), start):
        variable.assign(value)
    count = step.config.training.steps_per_call
    if count > 1:
        calls = [step.several(batches, count)[0] for _ in range(STEPS // count)]
    else:
        calls = [
            {name: [value] for name, value in step(next(batches)).items()} for _ in range(STEPS)
        ]
    for variable in variables(state):
        copies = [
            copy.numpy()
            for copy in tf.distribute.get_strategy().experimental_local_results(variable)
        ]
        if "moving_" not in variable.name and any(np.any(copy != copies[0]) for copy in copies):
            raise AssertionError(f"{variable.name} differs among the replicas")
    return Taken(
        {name: np.concatenate([call[name] for call in calls]) for name in calls[0]},
        {
            f"{number} {variable.name}": value - before
            for number, (variable, value, before) in enumerate(
                zip(variables(state), _values(state), start)
            )
        },
    )


def _values(state: TrainState) -> list[np.ndarray]:
    return [np.asarray(variable.read_value()) for variable in variables(state)]


def main() -> None:
    """Compares the two, and one device with itself, its photos a rounding off."""
    run = shrunk(config_lib.from_flags())
    if not _IN_DOUBLES.value:
        optimization.EPSILON = ADAM_EPSILON
    make_two_cpus()
    rounding = ROUNDING["float64" if _IN_DOUBLES.value else run.training.precision]
    alone, rounded = take_steps(run, (0.0, rounding))
    with tf.distribute.MirroredStrategy(["/cpu:0", "/cpu:1"]).scope():
        (shared,) = take_steps(run, (0.0,))
    result = {
        "compared": len(alone.moves),
        "moved": float(np.mean([np.any(move) for move in alone.moves.values()])),
        "two devices": _summary(alone.apart(shared)),
        "one device, rounded": _summary(alone.apart(rounded)),
    }
    print(json.dumps(result))


def _summary(apart: dict[str, dict[str, float]]) -> dict:
    """The furthest of each kind by name, and half of the moves."""
    half = float(np.median(list(apart["moves"].values())))
    return {
        "half of the moves": half,
        **{kind: _furthest(values) for kind, values in apart.items()},
    }


def _share(error: float) -> float:
    """NaN is as far as can be."""
    return float("inf") if np.isnan(error) else float(error)


def _furthest(apart: dict[str, float]) -> dict[str, float]:
    return {name: apart[name] for name in sorted(apart, key=apart.get, reverse=True)[:_SHOWN]}


if __name__ == "__main__":
    config_lib.define_flags()
    errors.run(main)
