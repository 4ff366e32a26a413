"""A NaN or an infinity in a step changes nothing in the state and is counted."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from sketch2img_tf import config
from sketch2img_tf.config import TrainingConfig
from sketch2img_tf.data.statistics import Statistics
from sketch2img_tf.devices import precision
from sketch2img_tf.run_folder.checkpoints import variables
from sketch2img_tf.training import divergence
from sketch2img_tf.training.network_update import NetworkUpdate
from sketch2img_tf.training.train_state import TrainState
from sketch2img_tf.training.train_step import TrainStep
from tests.paired import paired

pytestmark = pytest.mark.usefixtures("graphs_as_traced")
ROOT = pathlib.Path(__file__).resolve().parents[2]
STATISTICS = Statistics((0.5, 0.5, 0.5), 0.5, (0.0,), 1.0)
CONFIG = config.from_dict(
    dict(
        base_width=2,
        global_batch_size=2,
        perceptual_weight=0.0,
        diversity_weight=0.0,
        dragan_weight=0.0,
    )
)


def batch_of(photo_value=0.5, sketch_value=1.0, examples=2):
    """Random pictures; those of the last example hold these values at one pixel."""
    random = np.random.default_rng(0)
    photos = random.uniform(-1, 1, [examples, 64, 64, 3]).astype(np.float32)
    sketches = random.integers(0, 2, [examples, 64, 64, 1]).astype(np.float32)
    photos[-1, 3, 5, 1], sketches[-1, 3, 5, 0] = photo_value, sketch_value
    labels = np.arange(examples, dtype=np.int64) % 2
    return {
        "photos": tf.constant(photos),
        "sketches": tf.constant(sketches),
        "labels": tf.constant(labels),
    }


@pytest.fixture(scope="module")
def step():
    return TrainStep(CONFIG, TrainState(CONFIG, 2), STATISTICS)


def skipped(scalars):
    return [
        float(scalars[f"{network}/skipped_updates"]) for network in ("generator", "discriminator")
    ]


def test_a_step_that_is_not_finite_is_skipped_and_counted(step):
    step(batch_of())
    for count, bad in enumerate(
        (batch_of(photo_value=np.nan), batch_of(photo_value=np.inf)), start=1
    ):
        scalars = step(bad)
        assert skipped(scalars) == [1, 1]
        assert not np.isfinite(scalars["generator/supervised"])
        assert all(np.isfinite(variable).all() for variable in variables(step.state))
        assert [int(update.skipped_in_a_row) for update in step.updates.values()] == [count, count]
        assert step.updates["discriminator"].culprit_names()[0] == "loss"
    assert skipped(step(batch_of())) == [0, 0]
    assert [int(update.skipped_in_a_row) for update in step.updates.values()] == [0, 0]
    assert step.generator_update.culprit_names() == []


def test_updates_that_lower_float16s_loss_scale_are_not_counted_as_in_a_row():
    """It begins at 2^15 and is halved until the gradients fit; at 1
    they are not finite for another reason.
    """
    weight = tf.Variable([1.0])
    optimizer = precision.scaling(tf.keras.optimizers.SGD(1.0), "mixed_float16")
    optimizer.build([weight])
    of_weight = NetworkUpdate([weight], optimizer)

    @tf.function
    def update(gradient):
        return of_weight.apply(of_weight.scaled(tf.reduce_sum(gradient)), [gradient])

    in_a_row = []
    for _ in range(15 + 2):
        assert update(tf.constant([np.inf])) == 1
        in_a_row.append(int(of_weight.skipped_in_a_row))
    assert in_a_row == [0] * 15 + [1, 2] and float(optimizer.loss_scale) == 1
    assert update(tf.constant([0.25])) == 0
    assert int(of_weight.skipped_in_a_row) == 0 and weight.numpy() == [0.75]


def test_a_skipped_update_moves_no_weight_and_no_slot(step):
    step(batch_of())
    state = step.state
    watched = [
        *state.generator.trainable_variables,
        *state.discriminator.trainable_variables,
        *state.generator_optimizer.variables,
        *state.discriminator_optimizer.variables,
    ]
    before = [variable.numpy() for variable in watched]
    step(batch_of(photo_value=np.nan))
    for variable, value in paired(watched, before):
        np.testing.assert_array_equal(variable, value, err_msg=variable.name)
    step(batch_of())
    moved = [not np.array_equal(variable, value) for variable, value in zip(watched, before)]
    assert np.mean(moved) > 0.9


TWO_REPLICAS = """
import sys
import numpy as np
import tensorflow as tf
sys.path.insert(0, sys.argv[1])
tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2
)
from network_update_test import CONFIG, STATISTICS, batch_of, skipped
from sketch2img_tf.training.train_state import TrainState
from sketch2img_tf.training.train_step import TrainStep

strategy = tf.distribute.MirroredStrategy(["cpu:0", "cpu:1"])
with strategy.scope():
    step = TrainStep(CONFIG, TrainState(CONFIG, 2), STATISTICS)
def run(batch):
    halves = strategy.experimental_distribute_values_from_function(
        lambda context: {k: v[context.replica_id_in_sync_group :][:1] for k, v in batch.items()}
    )
    return skipped(step(halves))
weights = [*step.state.generator.trainable_variables, *step.state.discriminator.trainable_variables]
def replicas(variables):
    return [[value.numpy() for value in variable.values] for variable in variables]
assert run(batch_of()) == [0, 0]
before = replicas(weights)
assert run(batch_of(photo_value=np.nan)) == [1, 1]  # on one of the two
for now, then in zip(replicas(weights), before):
    np.testing.assert_array_equal(now, then)
assert run(batch_of()) == [0, 0]
for name in ("generator", "discriminator"):
    for variable in getattr(step.state, name).variables:
        assert all(np.isfinite(value).all() for value in variable.values), variable.name
for first, second in replicas(weights):
    np.testing.assert_array_equal(first, second)
print("all replicas alike")
"""


@pytest.mark.slow
def test_one_replica_is_enough_for_all_to_skip():
    ended = subprocess.run(
        [sys.executable, "-c", TWO_REPLICAS, os.path.dirname(__file__)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert ended.stdout.splitlines()[-1:] == ["all replicas alike"], ended.stderr


def test_a_dump_says_what_was_not_finite(step, tmp_path):
    """The batch can be read back, and the scalars, and which
    gradients and variables were not finite.
    """
    bad = batch_of(photo_value=np.nan)
    scalars = {name: float(value) for name, value in step(bad).items()}
    kernel = step.state.generator.trainable_variables[0]
    value = kernel.numpy()
    kernel.assign(np.full(kernel.shape, np.inf))
    folder = divergence.dump(TrainingConfig(workdir=str(tmp_path), seed=7), step, bad, scalars)
    kernel.assign(value)
    assert folder == str(tmp_path / "not_finite" / f"{int(step.state.step):08d}")
    with np.load(f"{folder}/batch.npz") as arrays:
        assert set(arrays) == set(bad)
        for name, array in bad.items():
            np.testing.assert_array_equal(arrays[name], array)
    told = json.loads((pathlib.Path(folder) / "step.json").read_text())
    assert (told["step"], told["seed"], told["retries"]) == (int(step.state.step), 7, 0)
    np.testing.assert_equal(told["scalars"], scalars)
    assert told["not_finite_variables"] == [kernel.name]
    for name in ("generator", "discriminator"):
        assert told["not_finite"][name][0] == "loss"
        assert set(told["not_finite"][name][1:]) <= {
            v.name for v in getattr(step.state, name).trainable_variables
        }
    assert divergence.skipped_in_a_row(step) >= 1
    divergence.count_anew(step)
    assert divergence.skipped_in_a_row(step) == 0
