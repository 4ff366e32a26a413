"""Checkpoints hold the whole run and its card, and a run of
something else does not go on in its folder.
"""

from __future__ import annotations

import dataclasses
import json
import os

import numpy as np
import pytest
import tensorflow as tf

from sketch2img_tf.config import Config, DataConfig, NetworkConfig, TrainingConfig
from sketch2img_tf.data.statistics import Statistics
from sketch2img_tf.errors import UserError
from sketch2img_tf.run_folder import checkpoints
from sketch2img_tf.run_folder.checkpoints import Before, Checkpoints, variables
from sketch2img_tf.run_folder.run_card import Card
from sketch2img_tf.training.train_state import TrainState
from tests.paired import paired

STATISTICS = Statistics((0.5, 0.4, 0.3), 0.7, (0.1,), 0.9)
CLASSES = ("apple", "car_(sedan)", "hot-air_balloon")
CONFIG = Config(DataConfig(drop_sketches=("error", "pose")), NetworkConfig(base_width=2))
CARD = Card(CONFIG, CLASSES, STATISTICS)


@pytest.fixture(scope="module")
def state():
    """A state in which no variable has the value it starts from."""
    state = TrainState(CONFIG, len(CLASSES))
    random = np.random.default_rng(0)
    for variable in variables(state):
        values = (
            random.integers(5, 99, variable.shape)
            if variable.dtype.is_integer
            else random.random(variable.shape)
        )
        variable.assign(values.astype(variable.dtype.as_numpy_dtype))
    return state


@pytest.fixture(scope="module")
def workdir(state, tmp_path_factory):
    """A run stopped at step 7."""
    folder = str(tmp_path_factory.mktemp("run"))
    state.step.assign(7)
    Checkpoints(folder, CARD, state, kept=3).save()
    return folder


def changed(card, **groups):
    config = dataclasses.replace(
        card.config,
        **{
            name: dataclasses.replace(getattr(card.config, name), **new)
            for name, new in groups.items()
        },
    )
    return dataclasses.replace(card, config=config)


def test_a_card_is_the_same_after_json():
    assert Card.from_json(CARD.to_json()) == CARD


def test_a_card_from_before_there_were_encodings_and_sizes_is_of_lines_at_64():
    values = json.loads(CARD.to_json())
    del (
        values["statistics"]["sketch_encoding"],
        values["config"]["sketch_encoding"],
        values["config"]["image_size"],
    )
    assert Card.from_json(json.dumps(values)) == CARD


def test_everything_comes_back(state, workdir):
    other = TrainState(changed(CARD, training=dict(seed=5)).config, len(CLASSES))
    assert Checkpoints(workdir, CARD, other, kept=3).restore()
    assert int(other.step) == 7
    for restored, saved in paired(variables(other), variables(state)):
        np.testing.assert_array_equal(restored, saved, err_msg=saved.name)


def test_nothing_comes_back_from_an_empty_folder(state, tmp_path):
    assert not Checkpoints(str(tmp_path), CARD, state, kept=3).restore()


def test_the_newest_are_kept(state, tmp_path):
    manager = Checkpoints(str(tmp_path), CARD, state, kept=2)
    for step in (1, 2, 30):
        state.step.assign(step)
        manager.save()
    state.step.assign(7)
    assert sorted(path.stem for path in tmp_path.rglob("*.index")) == ["ckpt-2", "ckpt-30"]
    assert checkpoints.load_generator(str(tmp_path))[2] == 30


def test_a_damaged_checkpoint_is_not_loaded_nor_moved(state, tmp_path, capfd):
    manager = Checkpoints(str(tmp_path), CARD, state, kept=2)
    for step in (1, 2):
        state.step.assign(step)
        manager.save()
    state.step.assign(7)
    data = tmp_path / "checkpoints" / "ckpt-2.data-00000-of-00001"
    os.truncate(data, data.stat().st_size // 2)
    assert checkpoints.load_generator(str(tmp_path))[2] == 1
    assert "ckpt-2: damaged (" in capfd.readouterr().err and data.exists()


def test_the_generator_that_is_loaded_is_the_averaged_one(state, workdir):
    generator, card, step = checkpoints.load_generator(workdir)
    assert (card, step) == (CARD, 7)
    for loaded, averaged in paired(generator.variables, state.averaged_generator.variables):
        np.testing.assert_array_equal(loaded, averaged, err_msg=averaged.name)


def test_a_generator_trained_in_bfloat16_is_loaded_in_float32(tmp_path):
    config = dataclasses.replace(CONFIG, training=TrainingConfig(precision="mixed_bfloat16"))
    state = TrainState(config, len(CLASSES))
    assert state.generator.encoder.compute_dtype == "bfloat16"
    Checkpoints(str(tmp_path), Card(config, CLASSES, STATISTICS), state, kept=1).save()
    generator, _, _ = checkpoints.load_generator(str(tmp_path))
    assert {
        layer.compute_dtype
        for layer in generator.submodules
        if isinstance(layer, tf.keras.layers.Layer)
    } == {"float32"}


def test_a_run_goes_on_with_other_training_flags(workdir):
    before = checkpoints.check_continues(
        workdir, changed(CARD, training=dict(train_steps=9, generator_learning_rate=1.0))
    )
    assert before == Before(
        7, "train_steps 100000 there, 9 now; generator_learning_rate 0.0001 there, 1.0 now"
    )
    checkpoints.check_continues(
        workdir, changed(CARD, losses=dict(gan_weight=0.0), data=dict(data_dir="moved"))
    )


@pytest.mark.parametrize(
    "card, difference",
    [
        (changed(CARD, network=dict(base_width=4)), "base_width 2 there, 4 now"),
        (
            changed(CARD, network=dict(generator_norm="batch")),
            "generator_norm conditional_batch there, batch now",
        ),
        (changed(CARD, data=dict(image_size=128)), "image_size 64 there, 128 now;"),
        (
            dataclasses.replace(CARD, class_names=CLASSES[:2]),
            r"number of classes 3 there, 2 now;"
            r" classes apple,car_\(sedan\),hot-air_balloon there, apple,car_\(sedan\)",
        ),
        (
            dataclasses.replace(CARD, class_names=("ant", *CLASSES[1:])),
            "classes apple,.* there, ant,.* now",
        ),
        (changed(CARD, data=dict(dataset="edge_maps")), "dataset sketchy there, edge_maps now;"),
        (
            changed(CARD, data=dict(photo_variant=("tx_000000000000",))),
            "photo_variant tx_000100000000 there",
        ),
        (
            dataclasses.replace(
                CARD, statistics=dataclasses.replace(STATISTICS, sketch_encoding="distance_field")
            ),
            "sketch_encoding lines there, distance_field now;",
        ),
        (
            dataclasses.replace(CARD, statistics=Statistics((0.0,) * 3, 1.0, (0.0,), 1.0)),
            "statistics of the data",
        ),
    ],
)
def test_a_run_of_something_else_does_not_go_on(workdir, card, difference):
    with pytest.raises(
        UserError, match=f"^--workdir={workdir} holds a run that cannot go on: {difference}"
    ) as raised:
        checkpoints.check_continues(workdir, card)
    assert "\n" not in str(raised.value) and str(raised.value).endswith("; give another --workdir")


def test_a_new_folder_is_started(tmp_path):
    assert checkpoints.check_continues(str(tmp_path / "new"), CARD) is None


def test_no_run(tmp_path):
    with pytest.raises(
        UserError,
        match=f"^--workdir={tmp_path}: no checkpoint in {tmp_path}/checkpoints; train first",
    ):
        checkpoints.load_generator(str(tmp_path))


def test_networks_can_start_from_another_run(state, workdir):
    other = TrainState(changed(CARD, training=dict(seed=5)).config, len(CLASSES))
    optimizers = [v.numpy() for v in other.generator_optimizer.variables]
    checkpoints.start_from(
        workdir,
        changed(
            CARD,
            data=dict(photo_variant=("tx_000000000000",)),
            network=dict(sketch_detail="half", noise="vector"),  # the variables are the same
        ),
        other,
    )
    for network in ("generator", "averaged_generator", "discriminator"):
        for restored, saved in paired(
            getattr(other, network).variables, getattr(state, network).variables
        ):
            np.testing.assert_array_equal(restored, saved, err_msg=saved.name)
    assert int(other.step) == 0
    for now, before in paired(other.generator_optimizer.variables, optimizers):
        np.testing.assert_array_equal(now, before)


def test_networks_of_another_shape_are_no_start(state, workdir, tmp_path):
    with pytest.raises(
        UserError, match="holds other networks: base_width 2 there, 4 now; give those flags too$"
    ):
        checkpoints.start_from(workdir, changed(CARD, network=dict(base_width=4)), state)
    with pytest.raises(
        UserError, match=f"^--init_from={tmp_path}: no checkpoint in {tmp_path}/checkpoints; train"
    ):
        checkpoints.start_from(str(tmp_path), CARD, state)


def test_what_is_not_finite_is_not_written(state, tmp_path):
    manager = Checkpoints(str(tmp_path), CARD, state, kept=1)
    (slot,) = [
        v
        for v in state.generator_optimizer.variables
        if v.shape == state.generator.variables[-1].shape
    ][:1]
    value = slot.numpy()
    slot.assign(np.full(slot.shape, np.inf))
    assert not manager.save() and not list(tmp_path.rglob("ckpt*"))
    slot.assign(value)
    assert manager.save() and list(tmp_path.rglob("ckpt*"))
