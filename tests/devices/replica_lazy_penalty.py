"""A program of replicas_test.py: traced steps with a lazy penalty on one device and on two.

In a process of its own: several mirrored strategies in one can bring it down.
"""

from __future__ import annotations

import json
import sys

import numpy as np
import tensorflow as tf

from sketch2img_tf import config as config_lib
from sketch2img_tf.data.statistics import Statistics
from sketch2img_tf.training.train_state import TrainState
from sketch2img_tf.training.train_step import TrainStep
from tests.devices.replica_step import make_two_cpus, random_batch

BATCH, CLASSES, STEPS = 4, 3, 4
# The penalty and what trains the generator, alone: tracing is what takes the time.
VALUES = dict(
    base_width=2,
    global_batch_size=BATCH,
    dragan_every_steps=2,
    gan_weight=0.0,
    classification_weight=0.0,
    perceptual_weight=0.0,
    diversity_weight=0.0,
)


def penalties(batch: dict[str, np.ndarray]) -> list[float]:
    """The penalty's scalar of each step, under the present strategy."""
    strategy = tf.distribute.get_strategy()
    config = config_lib.from_dict(VALUES)
    state = TrainState(config, CLASSES)
    step = TrainStep(config, state, Statistics((0.5, 0.5, 0.5), 0.5, (0.0,), 1.0))

    def batches(context: tf.distribute.InputContext) -> tf.data.Dataset:
        size = context.get_per_replica_batch_size(BATCH)
        dataset = tf.data.Dataset.from_tensor_slices(batch).repeat()
        return dataset.batch(size, drop_remainder=True)

    iterator = iter(strategy.distribute_datasets_from_function(batches))
    return [float(step(next(iterator))["discriminator/dragan"]) for _ in range(STEPS)]


def main() -> None:
    """Prints both lists, as JSON."""
    batch = random_batch(BATCH, CLASSES)
    make_two_cpus()
    alone = penalties(batch)
    with tf.distribute.MirroredStrategy(["/cpu:0", "/cpu:1"]).scope():
        shared = penalties(batch)
    print(json.dumps({"alone": alone, "shared": shared}))


if __name__ == "__main__":
    sys.exit(main())
