"""A training step with a critic: what moves, what is kept, and what it learns."""

from __future__ import annotations

import dataclasses
import shutil

import numpy as np
import pytest
import tensorflow as tf

from datasets.miniature import release as miniature
from datasets.sketchy import records
from sketch2img_tf import config
from sketch2img_tf.data.input_pipeline import (
    evaluation_batches,
    open_paired_dataset,
    training_batches,
)
from sketch2img_tf.data.names import DEFAULT_PHOTO_VARIANT, DEFAULT_SKETCH_VARIANT
from sketch2img_tf.data.statistics import Statistics
from sketch2img_tf.devices import hardware
from sketch2img_tf.errors import UserError
from sketch2img_tf.export import model_card
from sketch2img_tf.networks.critic import Critic
from sketch2img_tf.run_folder import checkpoints
from sketch2img_tf.run_folder.checkpoints import Checkpoints, check_continues
from sketch2img_tf.run_folder.run_card import Card
from sketch2img_tf.training import differentiable_augmentation
from sketch2img_tf.training.train_state import TrainState
from sketch2img_tf.training.train_step import TrainStep
from tests.faults.commands import last_line, run
from tests.paired import paired
from tests.training.spying import spied

pytestmark = pytest.mark.ci

BATCH, CLASSES = 2, 3
STATISTICS = Statistics((0.47, 0.45, 0.4), 0.6, (0.04,), 0.96)
ALONE = dict(gan_weight=0.0, classification_weight=0.0, dragan_weight=0.0, supervised_weight=0.0)
OPTIONS = dict(
    base_width=2,
    global_batch_size=BATCH,
    perceptual_weight=0.0,
    diversity_weight=0.0,
    critic="pretrained",
    critic_weights="random",
    critic_size=32,
)


def _config(**values) -> config.Config:
    return config.from_dict({**OPTIONS, **values})


def _batch(rows: int = BATCH) -> dict[str, tf.Tensor]:
    rng = np.random.default_rng(0)
    return {
        "photos": tf.constant(rng.uniform(-0.8, 0.9, size=[rows, 64, 64, 3]), tf.float32),
        "sketches": tf.constant(rng.uniform(size=[rows, 64, 64, 1]) < 0.1, tf.float32) - 0.04,
        "labels": tf.constant(rng.integers(CLASSES, size=rows), tf.int64),
    }


@pytest.fixture(scope="module")
def shared() -> tuple[TrainState, list[np.ndarray]]:
    state = TrainState(_config(), CLASSES)
    return state, [variable.numpy() for variable in checkpoints.variables(state)]


@pytest.fixture
def state(shared) -> TrainState:
    """At its start."""
    for variable, value in paired(checkpoints.variables(shared[0]), shared[1]):
        variable.assign(value)
    shared[0].set_learning_rates(_config())
    return shared[0]


def _moved(state: TrainState, before: list[np.ndarray]) -> dict[str, float]:
    names = ("generator", "discriminator", "critic")
    start = dict(zip((id(variable) for variable in checkpoints.variables(state)), before))
    return {
        name: max(np.abs(v - start[id(v)]).max() for v in getattr(state, name).trainable_variables)
        for name in names
    }


def test_critic_alone_teaches_the_generator_and_leaves_the_discriminator(eagerly, state, shared):
    step = TrainStep(_config(**ALONE), state, STATISTICS)
    frozen = step.sight.critic.network.get_weights()
    scalars = {name: float(value) for name, value in step(_batch()).items()}
    moved = _moved(state, shared[1])
    assert moved["discriminator"] == 0
    assert moved["generator"] == pytest.approx(1e-4, rel=0.05) and moved["critic"] == pytest.approx(
        2e-4, rel=0.05
    )
    assert all(
        np.array_equal(a, b) for a, b in zip(step.sight.critic.network.get_weights(), frozen)
    )
    expected = {"hinge", "real_accuracy", "fake_accuracy", "skipped_updates"}
    assert {name.split("/")[1] for name in scalars if name.startswith("critic/")} == expected
    assert scalars["critic/skipped_updates"] == 0 and 0 < scalars["critic/hinge"] < 20


def test_losses_are_the_hinges_of_what_the_critic_says(eagerly, state, monkeypatch):
    said = spied(monkeypatch, Critic, "call")
    scalars = TrainStep(_config(), state, STATISTICS)(_batch())
    # Photos and fakes together to learn from, and then the fakes for the generator
    (_, both), (_, again) = said
    hinge, real_hits, fake_hits = 0.0, [], []
    for logits in both:
        real, fake = np.split(logits.numpy(), 2)
        hinge += np.maximum(0, 1 - real).mean() + np.maximum(0, 1 + fake).mean()
        real_hits.append((real > 0).mean())
        fake_hits.append((fake < 0).mean())
    assert float(scalars["critic/hinge"]) == pytest.approx(hinge, rel=1e-5)
    assert float(scalars["critic/real_accuracy"]) == pytest.approx(np.mean(real_hits), rel=1e-5)
    assert float(scalars["critic/fake_accuracy"]) == pytest.approx(np.mean(fake_hits), rel=1e-5)
    assert float(scalars["generator/critic"]) == pytest.approx(
        -sum(np.mean(each) for each in again), rel=1e-4
    )


def test_generators_gradient_is_that_of_the_updated_critic_through_the_pictures(
    eagerly, state, monkeypatch
):
    """By one tape over a whole pass, at a rate of the generator's of 1 by plain descent."""
    monkeypatch.setattr(state, "generator_optimizer", tf.keras.optimizers.SGD(1.0))
    step, batch = TrainStep(_config(**ALONE, critic_weight=0.7), state, STATISTICS), _batch()
    variable = state.generator.trainable_variables[-1]
    before = [each.numpy() for each in state.generator.variables]
    decoded = spied(monkeypatch, type(state.generator), "decode")
    step(batch)
    after, noise = variable.numpy(), decoded[0][0][4]
    for each, value in paired(state.generator.variables, before):
        each.assign(value)
    with tf.GradientTape() as tape:
        fakes = state.generator((batch["sketches"], batch["labels"], noise), training=True)
        logits = state.critic((step.sight(fakes, fakes, batch["sketches"]).critic, batch["labels"]))
        loss = -0.7 * tf.add_n([tf.reduce_mean(of_scale) for of_scale in logits])
    expected = before[
        [v is variable for v in state.generator.variables].index(True)
    ] - tape.gradient(loss, variable)
    np.testing.assert_allclose(after, expected, rtol=1e-3, atol=1e-6)


def test_all_that_it_sees_is_augmented_for_it_and_for_nobody_else(eagerly, state, monkeypatch):
    augmented = spied(monkeypatch, differentiable_augmentation, "augment")
    batch = _batch()
    TrainStep(_config(critic_diffaugment=["translation"]), state, STATISTICS)(batch)
    (photos, sketches, kinds, seed), (fakes, *_, other_seed) = (args for args, _ in augmented)
    np.testing.assert_array_equal(photos, batch["photos"])
    np.testing.assert_array_equal(sketches, batch["sketches"])
    assert kinds == ("translation",) and np.any(seed != other_seed) and np.any(fakes != photos)


def test_of_two_draws_that_are_supervised_it_sees_the_first(eagerly, state, monkeypatch):
    """Through the pass that serves the perceptual loss too, which
    sees both, as through one of its own.
    """
    shared = dict(
        perceptual_weight=1.0, perceptual_network="MobileNet", perceptual_weights="random"
    )
    step = TrainStep(
        _config(**shared, perceptual_size=32, supervision="energy_score"), state, STATISTICS
    )
    assert step.sight.perceptual is step.sight.critic
    decoded = spied(monkeypatch, type(state.generator), "decode")
    said = spied(monkeypatch, Critic, "call")
    batch = _batch()
    step(batch)
    fakes = decoded[0][1][:BATCH]
    seen = step.sight(fakes, fakes, batch["sketches"]).critic
    for values, expected in paired(said[-1][0][1][0], seen):
        np.testing.assert_allclose(values, expected, rtol=1e-4, atol=1e-5)


def test_it_learns_as_often_as_the_discriminator(eagerly, state):
    TrainStep(_config(discriminator_steps=2, dragan_weight=0.0), state, STATISTICS)(
        _batch(2 * BATCH)
    )
    assert (
        int(state.critic_optimizer.iterations) == int(state.discriminator_optimizer.iterations) == 2
    )


def test_a_step_without_weight_asks_nobody(eagerly, state, monkeypatch):
    said = spied(monkeypatch, Critic, "call")
    step = TrainStep(_config(critic_weight=0.0), state, STATISTICS)
    scalars = step(_batch())
    assert (
        not said
        and step.sight.critic is None
        and not [name for name in scalars if "critic" in name]
    )


def test_a_nan_in_what_it_sees_moves_no_weight(eagerly, state, shared):
    batch = _batch()
    batch["photos"] = tf.where(tf.range(BATCH)[:, None, None, None] == 0, np.nan, batch["photos"])
    scalars = TrainStep(_config(**ALONE), state, STATISTICS)(batch)
    assert float(scalars["critic/skipped_updates"]) == 1
    for variable in state.critic.variables:
        assert np.all(np.isfinite(variable)), variable.name
    assert _moved(state, shared[1])["critic"] == 0


def test_in_bfloat16_it_says_about_the_same(eagerly, state, monkeypatch):
    monkeypatch.setattr(hardware, "multiplies_bfloat16_faster", lambda: True)
    half = TrainState(_config(precision="mixed_bfloat16"), CLASSES)
    exact = TrainStep(_config(), state, STATISTICS)(_batch())
    mixed = TrainStep(_config(precision="mixed_bfloat16"), half, STATISTICS)(_batch())
    assert half.critic.heads[0].first.compute_dtype == "bfloat16"
    for name in ("critic/hinge", "generator/critic"):
        assert mixed[name].dtype == tf.float32
        assert float(mixed[name]) == pytest.approx(float(exact[name]), rel=0.1, abs=0.2)


# --- Kept with a run


def _card(**values) -> Card:
    return Card(_config(**values), ("ant", "apple", "bat"), STATISTICS, critic_weights="random")


def test_a_checkpoint_has_the_heads_and_nothing_that_they_see_by(state, tmp_path):
    folder = str(tmp_path)
    Checkpoints(folder, _card(), state, 1).save()
    names = tf.train.list_variables(tf.train.latest_checkpoint(f"{folder}/checkpoints"))
    of_critic = [name for name, _ in names if "critic" in name]
    assert (
        len(
            [
                n
                for n in of_critic
                if "heads" in n and "OPTIMIZER" not in n and "_optimizer" not in n
            ]
        )
        == 4 * 13
    )
    assert any("critic_optimizer" in name for name in of_critic)
    assert not [
        name for name, _ in names if "sight" in name or "projection" in name or "conv_pw" in name
    ]
    trained = sum(int(np.prod(variable.shape)) for variable in state.critic.trainable_variables)
    stored = sum(int(np.prod(shape)) for name, shape in names if "critic" in name)
    assert stored < 3.1 * trained  # values and Adam's two moments


def test_a_run_goes_on_with_the_same_eyes_alone(state, tmp_path):
    Checkpoints(str(tmp_path), _card(), state, 1).save()
    assert check_continues(str(tmp_path), _card(critic_weight=1.0)).step == 0
    for other in (
        dict(critic="none"),
        dict(critic_size=64),
        dict(critic_network="EfficientNetLite0"),
        dict(seed=1),
    ):
        with pytest.raises(
            UserError,
            match="holds a run that cannot go on: .* there, .* now; give another --workdir$",
        ):
            check_continues(str(tmp_path), _card(**other))
    with pytest.raises(UserError, match="critic's weights random there, 8d21 now"):
        check_continues(str(tmp_path), dataclasses.replace(_card(), critic_weights="8d21"))


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("values, taken", [({}, True), ({"seed": 1}, False)])
def test_a_run_that_starts_from_another_has_its_heads_if_it_sees_the_same(
    state, shared, tmp_path, values, taken, packed
):
    for variable in state.critic.variables:
        variable.assign(tf.cast(tf.cast(variable + 1.0, tf.float16), tf.float32))
    saved = [variable.numpy() for variable in state.critic.variables]
    Checkpoints(str(tmp_path), _card(), state, 1).save()
    if packed:
        checkpoints.pack(str(tmp_path), str(tmp_path))
        (tmp_path / "card.json").write_text(model_card.machine_card(_card(), 0))
        shutil.rmtree(tmp_path / "checkpoints")
    for variable in checkpoints.variables(state):
        variable.assign(tf.zeros_like(variable))
    checkpoints.start_from(str(tmp_path), _card(**values), state)
    for variable, value in paired(state.critic.variables, saved):
        np.testing.assert_array_equal(variable, value if taken else np.zeros_like(value))
    assert np.abs(state.generator.to_rgb.kernel).max() > 0


def test_a_card_of_before_has_no_critic():
    card = dataclasses.replace(_card(critic="none"), critic_weights="")
    assert Card.from_json(_card().to_json()) == _card()
    assert Card.from_json(card.to_json().replace(', "critic_weights": ""', "")) == card


# --- Traced, and learning


@pytest.mark.slow
def test_function_equals_eager(shared, state):
    options = dict(
        critic_diffaugment=["translation"], perceptual_weight=1.0, perceptual_network="MobileNet"
    )
    step = TrainStep(
        _config(**options, perceptual_weights="random", perceptual_size=32), state, STATISTICS
    )
    found = []
    for eager in (False, True):
        for variable, value in paired(checkpoints.variables(state), shared[1]):
            variable.assign(value)
        tf.config.run_functions_eagerly(eager)
        try:
            found.append([{name: float(v) for name, v in step(_batch()).items()} for _ in range(2)])
        finally:
            tf.config.run_functions_eagerly(False)
    for in_graph, eager in paired(*found):
        assert eager == pytest.approx(in_graph, rel=1e-3, abs=1e-4)


@pytest.mark.slow
def test_another_class_or_sketch_than_its_own_makes_a_photo_less_real(tmp_path, shared_dir):
    """On the miniature, of photos that are held out too; the generator learns beside it."""
    miniature.write(str(tmp_path / "release"), 12, 2, ("apple", "banana", "cup"), workers=1)
    records.build(str(tmp_path / "release"), str(tmp_path / "data"))
    weights = str(shared_dir / "weights" / "mobilenet_1_0_224_tf_no_top.h5")
    rates = dict(generator_learning_rate=1e-3, discriminator_learning_rate=1e-3)
    values = dict(ALONE, supervised_weight=1.0, critic_weights=weights, critic_size=64, **rates)
    chosen = _config(**values, base_width=4, global_batch_size=6)
    variants = DEFAULT_PHOTO_VARIANT, DEFAULT_SKETCH_VARIANT
    sketchy = open_paired_dataset(
        str(records.dataset_dir(str(tmp_path / "data"), *variants)), chosen.data
    )
    state = TrainState(chosen, 3)
    step = TrainStep(chosen, state, sketchy.statistics)
    for batch in training_batches(sketchy, 6, 0).take(250):
        step(batch)
    for split, share in (("train", 0.75), ("test", 0.6)):
        (batch,) = evaluation_batches(sketchy, split, 100)

        def judge(sketches, labels, photos=batch["photos"]):
            seen = step.sight(photos, photos, sketches).critic
            return np.sum(
                [tf.reduce_mean(logits, [1, 2]) for logits in state.critic((seen, labels))], 0
            )

        own = judge(batch["sketches"], batch["labels"])
        of_others = own - judge(tf.roll(batch["sketches"], 5, 0), batch["labels"])
        as_others = own - judge(batch["sketches"], (batch["labels"] + 1) % 3)
        for differences in (of_others, as_others):
            assert differences.mean() > 0.3 and np.mean(differences > 0) > share


@pytest.mark.slow
def test_a_stop_makes_no_difference_to_a_bit(dummy_data_dir, tmp_path):
    def train(workdir, steps):
        command = [
            "train.py",
            "--flagfile=configs/quickstart.flags",
            f"--data_dir={dummy_data_dir}",
        ]
        command += [
            f"--workdir={workdir}",
            "--base_width=2",
            "--global_batch_size=4",
            "--num_classes=2",
        ]
        command += [
            "--perceptual_weight=0",
            "--critic=pretrained",
            "--critic_weights=random",
            "--critic_size=32",
        ]
        command += [
            "--critic_diffaugment=translation",
            "--checkpoint_every_steps=2",
            "--deterministic",
        ]
        command += [f"--train_steps={steps}"]
        code, _, stderr = run(*command)
        assert code == 0, last_line(stderr)

    train(tmp_path / "straight", 4)
    train(tmp_path / "stopped", 2)
    train(tmp_path / "stopped", 4)
    found = []
    for name in ("straight", "stopped"):
        reader = tf.train.load_checkpoint(str(tmp_path / name / "checkpoints"))
        names = [each for each in reader.get_variable_to_shape_map() if "OBJECT_GRAPH" not in each]
        found.append(
            {each: reader.get_tensor(each) for each in names if not each.startswith("card/")}
        )
    assert found[0].keys() == found[1].keys() and sum("critic" in name for name in found[0]) > 100
    for name, value in found[0].items():
        assert np.asarray(value).tobytes() == np.asarray(found[1][name]).tobytes(), name


@pytest.mark.slow
def test_xla_compiles_it(state):
    step = TrainStep(_config(**ALONE, critic_diffaugment=["translation"]), state, STATISTICS)
    compiled = tf.function(lambda given: step(given), autograph=False, jit_compile=True)
    with hardware.for_accelerators():
        text = compiled.experimental_get_compiler_ir(_batch())(stage="optimized_hlo")
    assert "HloModule" in text
