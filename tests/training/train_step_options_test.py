"""What a step does when an option of the recipe is on; that all are off by
default is train_step_test.py's business.
"""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from sketch2img_tf import config
from sketch2img_tf.data.statistics import Statistics
from sketch2img_tf.networks.discriminator import Discriminator
from sketch2img_tf.networks.generator import Generator
from sketch2img_tf.training import differentiable_augmentation, losses, penalties
from sketch2img_tf.training.train_state import TrainState
from sketch2img_tf.training.train_step import TrainStep
from tests.paired import paired
from tests.training.spying import spied

pytestmark = pytest.mark.ci

BATCH, CLASSES = 2, 3
STATISTICS = Statistics((0.47, 0.45, 0.4), 0.6, (0.04,), 0.96)
NARROW = dict(base_width=2, global_batch_size=BATCH, perceptual_weight=0.0, diversity_weight=0.0)


def _config(**values) -> config.Config:
    return config.from_dict({**NARROW, **values})


@pytest.fixture(scope="module")
def shared() -> tuple[TrainState, list[np.ndarray]]:
    """A state, and the values that it starts with."""
    state = TrainState(_config(), CLASSES)
    return state, [variable.numpy() for variable in _variables(state)]


@pytest.fixture
def state(shared) -> TrainState:
    """The shared state, at its start again."""
    for variable, value in paired(_variables(shared[0]), shared[1]):
        variable.assign(value)
    # Keras' optimizers do not count it among their variables
    shared[0].set_learning_rates(_config())
    return shared[0]


def _variables(state: TrainState) -> list[tf.Variable]:
    return [
        *state.variables,
        *state.generator_optimizer.variables,
        *state.discriminator_optimizer.variables,
    ]


def _batch(rows: int, seed: int = 0) -> dict[str, tf.Tensor]:
    rng = np.random.default_rng(seed)
    return {
        "photos": tf.constant(rng.uniform(-0.8, 0.9, size=[rows, 64, 64, 3]), tf.float32),
        "sketches": tf.constant(rng.uniform(size=[rows, 64, 64, 1]) < 0.1, tf.float32) - 0.04,
        "labels": tf.constant(rng.integers(CLASSES, size=rows), tf.int64),
    }


def _step(state: TrainState, batch: dict[str, tf.Tensor], **values) -> dict[str, float]:
    scalars = TrainStep(_config(**values), state, STATISTICS)(batch)
    return {name: float(value) for name, value in scalars.items()}


# --- Losses


def test_hinge_takes_the_place_of_the_cross_entropy(eagerly, state, monkeypatch):
    logits = spied(monkeypatch, Discriminator, "call")
    scalars = _step(state, _batch(BATCH), gan_loss="hinge", label_smoothing=0.1)
    _, real, fake, again = (result[0].numpy() for _, result in logits)
    hinges = 0.9 * np.maximum(0, 1 - real) + 0.1 * np.maximum(0, 1 + real) + np.maximum(0, 1 + fake)
    assert scalars["discriminator/gan"] == pytest.approx(hinges.mean(), rel=1e-5)
    assert scalars["generator/gan"] == pytest.approx(-again.mean(), rel=1e-5)


def test_focal_loss_is_the_discriminators_alone(eagerly, state, monkeypatch):
    """As in SketchyGAN: the generator has the plain cross entropy."""
    calls = spied(monkeypatch, losses, "classification")
    scalars = _step(state, _batch(BATCH), focal_gamma=2.0)
    assert [args[2:] for args, _ in calls] == [(2.0,), ()]
    assert scalars["discriminator/classification"] == pytest.approx(
        float(tf.reduce_mean(calls[0][1])), rel=1e-5
    )


def test_perceptual_layers_are_compared_in_units_of_their_deviations(eagerly, state, monkeypatch):
    options = dict(perceptual_weight=1.0, perceptual_weights="random", perceptual_size=32)
    called = spied(monkeypatch, losses, "perceptual")
    for network, units in (("MobileNet", 0), ("EfficientNetLite0", 4)):
        step = TrainStep(_config(perceptual_network=network, **options), state, STATISTICS)
        scalars = step(_batch(BATCH))
        fakes, reals, given = called[-1][0]
        assert list(given) == list(step.sight.perceptual.deviations())[:units]
        distances = [np.abs(fake - real).mean() for fake, real in zip(fakes, reals)]
        expected = np.sum(np.array(distances) / (given or 1.0))
        assert float(scalars["generator/perceptual"]) == pytest.approx(expected, rel=1e-4)


def test_energy_score_is_of_both_draws_and_their_distance(eagerly, state, monkeypatch):
    """In pixels and in features; the generator moves along its
    gradient, by one tape and plain descent.
    """
    monkeypatch.setattr(state, "generator_optimizer", tf.keras.optimizers.SGD(1.0))
    alone = dict(gan_weight=0.0, classification_weight=0.0, dragan_weight=0.0, diversity_weight=0.0)
    features = dict(perceptual_network="MobileNet", perceptual_weights="random", perceptual_size=32)
    weights = dict(supervised_weight=3.0, perceptual_weight=0.5)
    chosen = _config(
        **alone, **features, **weights, supervision="energy_score", perceptual_scaling="deviation"
    )
    step, batch = TrainStep(chosen, state, STATISTICS), _batch(BATCH)
    variable = state.generator.trainable_variables[-1]
    before = [each.numpy() for each in state.generator.variables]
    decoded = spied(monkeypatch, Generator, "decode")
    scalars = step(batch)
    (args, fakes), after = decoded[0], variable.numpy()

    def score(values, photos, unit=1.0):
        first, second = values[:BATCH], values[BATCH:]
        pairs = ((first, photos, 0.5), (second, photos, 0.5), (first, second, -0.5))
        return sum(share * tf.reduce_mean(tf.abs(a - b)) / unit for a, b, share in pairs)

    def scores(fakes):
        units = step.sight.perceptual.deviations()
        layers = zip(step.sight.perceptual(fakes), step.sight.perceptual(batch["photos"]), units)
        return score(fakes, batch["photos"]), tf.add_n([score(*layer) for layer in layers])

    assert fakes.shape[0] == 2 * BATCH and np.abs(fakes[:BATCH] - fakes[BATCH:]).max() > 1e-6
    for name, expected in paired(("supervised", "perceptual"), scores(fakes)):
        assert float(scalars[f"generator/{name}"]) == pytest.approx(float(expected), rel=1e-4)
    apart = np.abs(fakes[:BATCH] - fakes[BATCH:]).mean()
    # Watched, at a weight of 0
    assert float(scalars["generator/diversity"]) == pytest.approx(-apart, rel=1e-4)

    for each, value in paired(state.generator.variables, before):
        each.assign(value)
    twice = [tf.concat([batch[name]] * 2, 0) for name in ("sketches", "labels")]
    with tf.GradientTape() as tape:
        supervised, perceptual = scores(state.generator((*twice, args[4]), training=True))
        loss = 3.0 * supervised + 0.5 * perceptual
    expected = before[
        [v is variable for v in state.generator.variables].index(True)
    ] - tape.gradient(loss, variable)
    np.testing.assert_allclose(after, expected, rtol=1e-3, atol=1e-6)


def test_l1_counts_for_less_where_lines_do_not_lie_on_the_photo(eagerly, state, monkeypatch):
    distances = spied(monkeypatch, losses, "supervised")
    batch = {**_batch(BATCH), "aligned": tf.constant([True, False])}
    scalars = _step(state, batch, unaligned_supervised_fraction=0.25)
    on_photo, from_memory = distances[0][1].numpy()
    assert scalars["generator/supervised"] == pytest.approx(
        (on_photo + 0.25 * from_memory) / 2, rel=1e-5
    )
    scalars = _step(state, _batch(BATCH))
    assert scalars["generator/supervised"] == pytest.approx(
        float(distances[1][1].numpy().mean()), rel=1e-5
    )


def test_two_pictures_of_a_sketch_are_made_where_a_loss_compares_them():
    for values, draws in (
        (dict(), 1),
        (dict(diversity_weight=1.0), 2),
        (dict(supervision="energy_score"), 2),
        (dict(supervision="energy_score", supervised_weight=0.0), 1),
    ):
        assert _config(**values).losses.noise_draws == draws


def test_projection_judges_each_picture_as_of_its_class(eagerly, monkeypatch):
    """In all four passes; there is no class to tell, and nothing is said of it."""
    options = dict(
        discriminator_head="projection", discriminator_norm="none", classification_weight=0.0
    )
    state, batch = TrainState(_config(**options), CLASSES), _batch(BATCH)
    judged = spied(monkeypatch, Discriminator, "call")
    before = state.discriminator.class_head.kernel.numpy()
    scalars = _step(state, batch, **options)
    assert len(judged) == 4
    for args, _ in judged:
        np.testing.assert_array_equal(args[1][2], batch["labels"])
    moved = np.abs(state.discriminator.class_head.kernel - before).max(0)
    assert np.array_equal(moved > 1e-5, np.isin(np.arange(CLASSES), batch["labels"]))
    assert not [name for name in scalars if "class" in name]


# --- Steps


def test_discriminator_learns_from_a_batch_of_its_own_a_step(eagerly, state, monkeypatch):
    batch = _batch(3 * BATCH)
    judged = spied(monkeypatch, Discriminator, "call")
    _step(state, batch, discriminator_steps=3, dragan_weight=0.0)
    assert int(state.discriminator_optimizer.iterations) == 3
    assert int(state.generator_optimizer.iterations) == int(state.step) == 1
    # Real, fake; real, fake; real, fake; for the generator
    photos = [args[1][0].numpy() for args, _ in judged]
    np.testing.assert_array_equal(
        np.stack(photos[::2][:3], 1).reshape(batch["photos"].shape), batch["photos"]
    )
    fakes = np.stack([photos[1], photos[3], photos[5]])
    assert min(np.abs(a - b).max() for a, b in zip(fakes, np.roll(fakes, 1, 0))) > 1e-6
    np.testing.assert_array_equal(photos[6], photos[5])
    sketches = [args[1][1].numpy() for args, _ in judged]
    np.testing.assert_array_equal(
        np.stack(sketches[1:6:2], 1).reshape(batch["sketches"].shape), batch["sketches"]
    )


def test_scalars_of_several_discriminator_steps_are_those_of_the_last(eagerly, state):
    """All but the last only move the discriminator: at rate 0
    they do nothing to what is measured.
    """
    still = dict(discriminator_learning_rate=0.0, label_smoothing=0.1, dragan_weight=0.0)
    state.set_learning_rates(_config(**still))
    batch = _batch(2 * BATCH)
    several = _step(state, batch, discriminator_steps=2, **still)
    last = {name: values[1::2] for name, values in batch.items()}
    state.step.assign(0)
    assert several.keys() == _step(state, last, **still).keys()
    assert several["discriminator/class_accuracy"] in (0.0, 0.5, 1.0)


@pytest.mark.parametrize("name", ["dragan", "r1"])
def test_lazy_penalty_comes_every_few_steps_and_counts_as_often(name, eagerly, state, monkeypatch):
    """At rates of 0, so that all steps have the same networks."""
    still = dict(generator_learning_rate=0.0, discriminator_learning_rate=0.0)
    state.set_learning_rates(_config(**still))
    monkeypatch.setattr(penalties, "perturb", lambda photos, deviation, seed: photos)
    alone = {
        "gan_weight": 0.0,
        "classification_weight": 0.0,
        "dragan_weight": 0.0,
        f"{name}_weight": 1.0,
        **still,
    }
    every, third = (
        TrainStep(_config(dragan_every_steps=n, **alone), state, STATISTICS) for n in (1, 3)
    )
    batch = _batch(BATCH)
    lazy = [float(third(batch)[f"discriminator/{name}"]) for _ in range(4)]
    state.step.assign(0)
    penalty = float(every(batch)[f"discriminator/{name}"])
    # Spectral norm's vectors move a little even so.
    np.testing.assert_allclose(lazy, [3 * penalty, 0, 0, 3 * penalty], rtol=0.05)


def test_lazy_penalty_teaches_on_its_steps_alone(eagerly, state, monkeypatch):
    """With no other loss, and no momentum, the discriminator stands still between them."""
    monkeypatch.setattr(state.discriminator_optimizer, "beta_1", 0.0)
    step = TrainStep(
        _config(dragan_every_steps=2, gan_weight=0.0, classification_weight=0.0), state, STATISTICS
    )
    moved = []
    for _ in range(3):
        before = state.discriminator.real_head.kernel.numpy()
        step(_batch(BATCH))
        moved.append(np.abs(state.discriminator.real_head.kernel - before).max())
    assert moved[0] > 1e-5 and moved[1] == 0.0 and moved[2] > 1e-5


def test_lazy_penalty_in_a_graph_is_that_of_an_eager_step(shared, state, monkeypatch):
    """Traced, it is a branch. Of what follows it there is only what learns
    from it: tracing the rest takes long.
    """

    def learn(step: TrainStep, examples, lessons, number: int) -> dict[str, tf.Tensor]:
        return step.discriminator_learning.learn(*lessons)

    monkeypatch.setattr(TrainStep, "_last_updates", learn)
    monkeypatch.setattr(state.discriminator_optimizer, "beta_1", 0.0)
    step = TrainStep(_config(dragan_every_steps=2), state, STATISTICS)
    kernel, batch = state.discriminator.real_head.kernel, _batch(BATCH)
    found, kernels = [], [kernel.numpy()]
    for _ in range(3):
        found.append(float(step(batch)["discriminator/dragan"]))
        kernels.append(kernel.numpy())
    moved = [np.abs(after - before).max() for before, after in zip(kernels, kernels[1:])]
    assert moved[0] > 1e-5 and moved[1] == 0.0 and moved[2] > 1e-5
    for variable, value in paired(_variables(state), shared[1]):
        variable.assign(value)
    tf.config.run_functions_eagerly(True)
    try:
        eagerly = float(step(batch)["discriminator/dragan"])
    finally:
        tf.config.run_functions_eagerly(False)
    assert found[0] == pytest.approx(eagerly, rel=1e-3) and found[1] == 0.0 and found[2] > 0.0


def test_rates_of_a_step_are_those_of_its_number(eagerly, state):
    decay = dict(train_steps=4, decay_start_step=2, final_learning_rate_fraction=0.5)
    step = TrainStep(
        _config(gan_weight=0.0, classification_weight=0.0, dragan_weight=0.0, **decay),
        state,
        STATISTICS,
    )
    rates = []
    for _ in range(4):
        step(_batch(BATCH))
        optimizers = state.generator_optimizer, state.discriminator_optimizer
        rates.append([float(optimizer.learning_rate) for optimizer in optimizers])
    np.testing.assert_allclose(rates, np.outer([1, 1, 0.75, 0.5], [1e-4, 2e-4]), rtol=1e-5)


def test_clipped_gradients_are_of_the_norm_in_both_networks(eagerly):
    """With beta_1 = 0 Adam's first moment is the gradient."""
    state = TrainState(_config(gradient_clip_norm=1e-3, adam_beta_1=0.0), CLASSES)
    _step(state, _batch(BATCH), gradient_clip_norm=1e-3, adam_beta_1=0.0)
    for optimizer in (state.generator_optimizer, state.discriminator_optimizer):
        moments = [
            variable.numpy().ravel()
            for variable in optimizer.variables
            if "m" in variable.name.split("/")
        ]
        assert np.linalg.norm(np.concatenate(moments)) == pytest.approx(1e-3, rel=1e-3)


# --- Augmentation in front of the discriminator


def test_all_that_the_discriminator_sees_is_augmented_and_nothing_else(eagerly, state, monkeypatch):
    augmented = spied(monkeypatch, differentiable_augmentation, "augment")
    judged = spied(monkeypatch, Discriminator, "call")
    supervised = spied(monkeypatch, losses, "supervised")
    perturbed = spied(monkeypatch, penalties, "perturb")
    batch = _batch(BATCH)
    _step(state, batch, diffaugment=["colour", "translation", "cutout"])
    fakes = supervised[0][0][0]
    # DRAGAN's, real, fake; for the generator
    given = [perturbed[0][1], batch["photos"], fakes, fakes]
    for (args, result), photos, (seen, _) in paired(augmented, given, judged):
        np.testing.assert_array_equal(args[0], photos)
        np.testing.assert_array_equal(args[1], batch["sketches"])
        for picture, changed in paired(seen[1][:2], result):
            np.testing.assert_array_equal(picture, changed)
    assert len(augmented) == len(judged) == 4
    assert len({tuple(args[3].numpy()) for args, _ in augmented}) == 4
    np.testing.assert_array_equal(supervised[0][0][1], batch["photos"])


def test_penalty_is_the_slope_at_the_augmented_points(eagerly, state, monkeypatch):
    augmented = spied(monkeypatch, differentiable_augmentation, "augment")
    measured = {name: spied(monkeypatch, penalties, name) for name in ("dragan", "r1")}
    batch = _batch(BATCH)
    scalars = _step(state, batch, r1_weight=2.0, diffaugment=["cutout"])
    (mixed, _), (of_penalty, _), (of_photos, _), *_ = (result for _, result in augmented)
    np.testing.assert_array_equal(measured["dragan"][0][0][1], mixed)
    np.testing.assert_array_equal(measured["r1"][0][0][1], of_photos)
    np.testing.assert_array_equal(of_penalty, of_photos)
    assert float(scalars["discriminator/r1"]) == pytest.approx(
        float(tf.reduce_mean(measured["r1"][0][1])), rel=1e-5
    )


def test_augmentation_lets_the_generators_gradient_through(eagerly, state):
    """Trained by the discriminator alone."""
    before = [variable.numpy() for variable in state.generator.trainable_variables]
    _step(
        state, _batch(BATCH), supervised_weight=0.0, diffaugment=["colour", "translation", "cutout"]
    )
    moved = [np.abs(v - b).max() for v, b in zip(state.generator.trainable_variables, before)]
    assert np.mean(np.array(moved) > 1e-7) > 0.9 and max(moved) > 5e-5


# --- All at once


@pytest.mark.slow
def test_function_equals_eager_with_every_option(shared, state):
    """Traced, the lazy penalty is a branch of the graph, and the rates are written in it."""
    options = dict(
        gan_loss="hinge",
        focal_gamma=2.0,
        dragan_every_steps=2,
        r1_weight=1.0,
        discriminator_steps=2,
        train_steps=4,
        final_learning_rate_fraction=0.0,
        diffaugment=["colour", "translation", "cutout"],
    )
    step = TrainStep(_config(**options), state, STATISTICS)
    found = []
    for eager in (False, True):
        for variable, value in paired(_variables(state), shared[1]):
            variable.assign(value)
        tf.config.run_functions_eagerly(eager)
        try:
            found.append(
                [{name: float(v) for name, v in step(_batch(2 * BATCH)).items()} for _ in range(3)]
            )
        finally:
            tf.config.run_functions_eagerly(False)
    for in_graph, eagerly in paired(*found):
        assert eagerly == pytest.approx(in_graph, rel=1e-3, abs=1e-5)
    for penalty in ("dragan", "r1"):
        assert [scalars[f"discriminator/{penalty}"] > 0 for scalars in found[0]] == [
            True,
            False,
            True,
        ]
