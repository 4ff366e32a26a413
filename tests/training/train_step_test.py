"""One training step against a plain reading of its equations,
and what it costs, draws and learns.
"""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from sketch2img_tf import config
from sketch2img_tf.data.statistics import Statistics
from sketch2img_tf.devices import graph_cost, stateless_random
from sketch2img_tf.layers import operations as layer_operations
from sketch2img_tf.layers.spectral_norm import SpectralConv2D
from sketch2img_tf.networks.discriminator import Discriminator
from sketch2img_tf.networks.frozen_features import FrozenFeatures
from sketch2img_tf.networks.generator import Generator
from sketch2img_tf.training import losses, penalties
from sketch2img_tf.training.train_state import TrainState
from sketch2img_tf.training.train_step import TrainStep
from tests.paired import paired
from tests.training.spying import spied

pytestmark = pytest.mark.usefixtures("graphs_as_traced")
BATCH, CLASSES = 3, 4
STATISTICS = Statistics((0.47, 0.45, 0.4), 0.6, (0.04,), 0.96)
NARROW = dict(
    base_width=4,
    global_batch_size=BATCH,
    perceptual_network="MobileNet",
    perceptual_weights="random",
    perceptual_size=32,
    perceptual_layers=("conv_pw_1_relu", "conv_pw_3_relu"),
)
SUPERVISED = dict(
    gan_weight=0.0,
    classification_weight=0.0,
    dragan_weight=0.0,
    perceptual_weight=0.0,
    diversity_weight=0.0,
)
ADVERSARIAL = dict(supervised_weight=0.0, perceptual_weight=0.0, diversity_weight=0.0)


def _config(**values) -> config.Config:
    return config.from_dict({**NARROW, **values})


def _make_state(**values) -> TrainState:
    return TrainState(_config(**values), CLASSES)


@pytest.fixture(scope="module")
def fresh() -> TrainState:
    """A state that no test changes."""
    return _make_state()


@pytest.fixture(scope="module")
def again() -> tuple[TrainState, list[np.ndarray]]:
    """The same again, and what its generator's trained variables are at first."""
    state = _make_state()
    return state, [variable.numpy() for variable in state.generator.trainable_variables]


@pytest.fixture(scope="module")
def shared(again) -> TrainState:
    """A state that tests may change: making one takes seconds. Its shapes depend on no loss."""
    return again[0]


RATES = dict(generator_learning_rate=3e-4, discriminator_learning_rate=5e-4, adam_beta_1=0.5)


@pytest.fixture(scope="module")
def another() -> TrainState:
    """A state of another seed and other learning rates."""
    return _make_state(seed=1, **RATES)


@pytest.fixture
def state(shared, fresh) -> TrainState:
    """The shared state, at its start again."""
    _restart(shared, fresh)
    return shared


def _restart(state: TrainState, fresh: TrainState) -> None:
    for variable, value in paired(_all_variables(state), _all_variables(fresh)):
        variable.assign(value)


def _all_variables(state: TrainState) -> list[tf.Variable]:
    """Keras' optimizers are not modules: their variables are not among the state's."""
    return [
        *state.variables,
        *state.generator_optimizer.variables,
        *state.discriminator_optimizer.variables,
    ]


def _step(state: TrainState, **values) -> TrainStep:
    return TrainStep(_config(**values), state, STATISTICS)


@pytest.fixture(scope="module")
def batch() -> dict[str, tf.Tensor]:
    generator = np.random.default_rng(0)
    return {
        "photos": tf.constant(generator.uniform(-0.8, 0.9, size=[BATCH, 64, 64, 3]), tf.float32),
        "sketches": tf.constant(generator.uniform(size=[BATCH, 64, 64, 1]) < 0.1, tf.float32)
        - 0.04,
        "labels": tf.constant([3, 0, 2], tf.int64),
    }


# --- The equations


def _descend(variables, gradients, rate: float) -> None:
    for variable, gradient in paired(variables, gradients):
        variable.assign_sub(rate * tf.convert_to_tensor(gradient))


def _iterate_power(discriminator) -> None:
    for conv in discriminator.submodules:
        if isinstance(conv, SpectralConv2D):
            matrix = conv.kernel.numpy().reshape(-1, conv.filters)
            u = matrix.T @ (matrix @ conv.u.numpy())
            conv.u.assign(u / np.linalg.norm(u))


def _plain_discriminator_update(
    judge, batch, fakes, mixed, weights, variables, rate
) -> dict[str, tf.Tensor]:
    """Equations of the discriminator's losses, with probabilities instead of logits."""
    rows = tf.range(BATCH, dtype=tf.int64)
    with tf.GradientTape() as tape:
        # The order of the three passes shows in the moving statistics alone, of
        # which the discriminator makes no use.
        with tf.GradientTape() as inner:
            inner.watch(mixed)
            score = judge(mixed)[0]
        real, real_classes = judge(batch["photos"])
        fake, _ = judge(fakes)
        slopes = tf.norm(tf.reshape(inner.gradient(score, mixed), [BATCH, -1]), axis=1)
        probabilities = tf.gather_nd(
            tf.nn.softmax(real_classes), tf.stack([rows, batch["labels"]], 1)
        )
        terms = {
            "gan": tf.reduce_mean(
                -tf.math.log(tf.sigmoid(real)) - tf.math.log(1 - tf.sigmoid(fake))
            ),
            "classification": tf.reduce_mean(-tf.math.log(probabilities)),
            "dragan": tf.reduce_mean((slopes - 1) ** 2),
        }
        total = sum(getattr(weights, f"{name}_weight") * term for name, term in terms.items())
    _descend(variables, tape.gradient(total, variables), rate)
    accuracies = {
        "class_accuracy": np.mean(np.argmax(real_classes, 1) == batch["labels"]),
        "real_accuracy": np.mean(real > 0),
        "fake_accuracy": np.mean(fake < 0),
    }
    return {f"discriminator/{name}": value for name, value in {**terms, **accuracies}.items()}


def _plain_generator_terms(judge, phi, batch, fakes, others) -> dict[str, tf.Tensor]:
    rows = tf.range(BATCH, dtype=tf.int64)
    logits, classes = judge(fakes)
    probabilities = tf.gather_nd(tf.nn.softmax(classes), tf.stack([rows, batch["labels"]], 1))
    of_fakes, of_photos = phi(fakes), phi(batch["photos"])
    return {
        "gan": tf.reduce_mean(-tf.math.log(tf.sigmoid(logits))),
        "classification": tf.reduce_mean(-tf.math.log(probabilities)),
        "supervised": tf.reduce_mean(tf.abs(fakes - batch["photos"])),
        "perceptual": sum(tf.reduce_mean(tf.abs(a - b)) for a, b in zip(of_fakes, of_photos)),
        "diversity": -tf.reduce_mean(tf.abs(fakes - others)),
    }


def _plain_step(state, phi, batch, noise, mixed, weights, rate: float) -> dict[str, tf.Tensor]:
    """Two whole passes of the generator as one batch, one tape from the
    losses to its weights, plain descent.
    """
    generator, discriminator = state.generator, state.discriminator
    twice = [tf.concat([batch[name], batch[name]], 0) for name in ("sketches", "labels")]

    def judge(photos):
        return discriminator((photos, batch["sketches"]), training=True)

    _iterate_power(discriminator)
    with tf.GradientTape() as tape:
        fakes, others = tf.split(generator((*twice, noise), training=True), 2)
        with tape.stop_recording():
            variables = discriminator.trainable_variables
            scalars = _plain_discriminator_update(
                judge, batch, fakes, mixed, weights, variables, rate
            )
        terms = _plain_generator_terms(judge, phi, batch, fakes, others)
        total = sum(getattr(weights, f"{name}_weight") * term for name, term in terms.items())
    _descend(
        generator.trainable_variables, tape.gradient(total, generator.trainable_variables), rate
    )
    pictures = fakes.numpy().reshape(BATCH, -1)
    collapse = {"fakes/mean": pictures.mean(), "fakes/deviation": pictures.std(1).mean()}
    skipped = {f"{network}/skipped_updates": 0.0 for network in ("generator", "discriminator")}
    return {
        **scalars,
        **{f"generator/{name}": term for name, term in terms.items()},
        **collapse,
        **skipped,
    }


WEIGHTS = dict(
    gan_weight=0.7,
    classification_weight=1.3,
    dragan_weight=3.0,
    supervised_weight=5.0,
    perceptual_weight=40.0,
    diversity_weight=2.0,
)


def _snapshot(module: tf.Module) -> dict[str, np.ndarray]:
    return {f"{i} {variable.name}": variable.numpy() for i, variable in enumerate(module.variables)}


def test_step_is_what_its_equations_say(eagerly, state, batch, monkeypatch):
    """Every scalar and every variable, with all weights different and
    plain gradient descent in both networks.
    """
    plain, rate = _make_state(), 0.1
    for network in ("generator", "discriminator"):
        monkeypatch.setattr(state, f"{network}_optimizer", tf.keras.optimizers.SGD(rate))
    # With seed 0 rounding decides on which side of a kink an activation lies
    step = _step(state, seed=1, **WEIGHTS)
    before = _snapshot(state.generator)
    normal = spied(monkeypatch, stateless_random, "normal")
    perturbed = spied(monkeypatch, penalties, "perturb")
    scalars = step(batch)
    (_, drawn), (arguments, mixed) = normal[0], perturbed[0]
    # The first draw of every example, then the second
    noise = tf.reshape(drawn, [2 * BATCH, *drawn.shape[2:]])
    expected = _plain_step(plain, step.sight.perceptual, batch, noise, mixed, step.weights, rate)

    np.testing.assert_allclose(arguments[1], np.std(batch["photos"]), rtol=1e-5)
    assert set(scalars) == set(expected)
    for name, value in scalars.items():
        assert value.dtype == tf.float32 and value.shape == []
        np.testing.assert_allclose(value, expected[name], rtol=1e-3, atol=1e-6, err_msg=name)
    for network in ("generator", "discriminator"):
        ours, theirs = _snapshot(getattr(state, network)), _snapshot(getattr(plain, network))
        for name, value in ours.items():
            np.testing.assert_allclose(
                value, theirs[name], rtol=2e-3, atol=1e-5, err_msg=f"{network} {name}"
            )
    _check_averages(state, before)


def test_diversity_is_divided_by_the_distance_of_the_noises_if_the_slope_is_asked_for(shared):
    rng = np.random.default_rng(0)
    fakes, noise = (
        rng.normal(size=[2 * BATCH, *shape]).astype(np.float32) for shape in ([8, 8, 3], [2, 2, 5])
    )
    distances = np.abs(fakes[:BATCH] - fakes[BATCH:]).mean((1, 2, 3))
    lengths = np.sqrt(((noise[:BATCH] - noise[BATCH:]) ** 2).sum((1, 2, 3)))
    for kind, expected in (("distance", -distances), ("slope", -distances / lengths)):
        found = _step(shared, **SUPERVISED, diversity=kind).generator_losses._diversity(
            tf.constant(fakes), tf.constant(noise)
        )
        np.testing.assert_allclose(found, expected, rtol=1e-5)


def _check_averages(state, before) -> None:
    """After the first step the average is a tenth of the old weights and nine tenths of the new."""
    after, averages = _snapshot(state.generator), _snapshot(state.averaged_generator)
    for (name, average), old, new in paired(averages.items(), before.values(), after.values()):
        np.testing.assert_allclose(
            average, 0.1 * old + 0.9 * new, rtol=1e-4, atol=1e-6, err_msg=name
        )


# --- One traced step with every loss


@pytest.fixture(scope="module")
def traced_step(shared) -> TrainStep:
    """All losses on, Adam; traced at its first call, which takes a while."""
    return _step(shared)


@pytest.fixture
def traced(traced_step, state) -> TrainStep:
    """The same, at its start."""
    return traced_step


def _floats(scalars: dict[str, tf.Tensor]) -> dict[str, float]:
    return {name: float(value) for name, value in scalars.items()}


def test_function_equals_eager(traced, fresh, batch):
    in_graph = _floats(traced(batch))
    _restart(traced.state, fresh)
    tf.config.run_functions_eagerly(True)
    try:
        eager = _floats(traced(batch))
    finally:
        tf.config.run_functions_eagerly(False)
    assert eager == pytest.approx(in_graph, rel=1e-4, abs=1e-6)


def test_same_seed_gives_the_same_steps(traced, fresh, batch):
    first = [_floats(traced(batch)) for _ in range(3)]
    _restart(traced.state, fresh)
    for step, scalars in enumerate(first, 1):
        assert _floats(traced(batch)) == pytest.approx(scalars, rel=1e-3, abs=1e-6)
        assert int(traced.state.step) == step


def test_draws_follow_the_step(traced, fresh, batch):
    """The same networks at another step have other noise."""
    first = _floats(traced(batch))
    _restart(traced.state, fresh)
    traced.state.step.assign(1)
    assert _floats(traced(batch))["generator/diversity"] != pytest.approx(
        first["generator/diversity"], rel=1e-3
    )


@pytest.mark.parametrize("name, rate", [("generator", 1e-4), ("discriminator", 2e-4)])
def test_first_step_of_adam_is_the_learning_rate(name, rate, traced, fresh, batch):
    traced(batch)
    trained = (getattr(state, name).trainable_variables for state in (traced.state, fresh))
    changes = np.concatenate([np.abs(after - before).ravel() for after, before in zip(*trained)])
    np.testing.assert_allclose(changes.max(), rate, rtol=1e-2)
    # The rest have gradients near Adam's epsilon, or none
    assert np.mean(changes > 0.5 * rate) > 0.5


# --- The state


def test_seed_makes_the_state(fresh, again, another):
    variables = fresh.generator.trainable_variables
    for found, equal in ((again[1], True), (another.generator.trainable_variables, False)):
        for value, variable in paired(found, variables):
            drawn = np.any(variable != 0) and np.any(variable != 1)
            assert not drawn or np.array_equal(value, variable) == equal, variable.name


def test_average_starts_as_the_generator(fresh):
    for average, variable in paired(fresh.averaged_generator.variables, fresh.generator.variables):
        np.testing.assert_array_equal(average, variable)


def test_singular_vectors_start_near_their_end(fresh):
    """So that the first steps of the discriminator are not divided by a norm far too small."""
    for conv in fresh.discriminator.submodules:
        if isinstance(conv, SpectralConv2D):
            sigma = np.linalg.svd(conv.kernel.numpy().reshape(-1, conv.filters))[1][0]
            assert 0.9 * sigma < float(conv.spectral_norm()) <= 1.0001 * sigma


def test_optimizers_are_as_configured(another):
    state = another
    assert float(state.generator_optimizer.learning_rate) == pytest.approx(3e-4)
    assert float(state.discriminator_optimizer.learning_rate) == pytest.approx(5e-4)
    assert state.generator_optimizer.beta_1 == state.discriminator_optimizer.beta_1 == 0.5
    state.set_learning_rates(_config())
    assert float(state.generator_optimizer.learning_rate) == pytest.approx(1e-4)
    assert float(state.discriminator_optimizer.learning_rate) == pytest.approx(2e-4)


# --- A loss with weight 0 costs nothing

COSTS = {
    # Weights that are 0, then calls of the discriminator: real, fake and mixed
    # for itself, fake for the generator.
    "all": ([], 4),
    "no gan": (["gan"], 3),
    "no classification": (["classification"], 4),
    "no dragan": (["dragan"], 3),
    "no gan or classification": (["gan", "classification"], 1),
    "no adversary": (["gan", "classification", "dragan"], 0),
}


@pytest.mark.parametrize("zeros, judged", COSTS.values(), ids=COSTS.keys())
def test_discriminator_is_called_for_what_counts(zeros, judged, eagerly, state, batch, monkeypatch):
    weights = {f"{name}_weight": 0.0 for name in [*zeros, "perceptual", "diversity"]}
    step = _step(state, **weights)
    calls = spied(monkeypatch, Discriminator, "call")
    scalars = step(batch)
    assert len(calls) == judged
    assert not [
        name for name in scalars if name.split("/")[1] in [*zeros, "perceptual", "diversity"]
    ]


def test_noise_is_drawn_twice_for_diversity_alone_and_encoded_once(
    eagerly, state, batch, monkeypatch
):
    for weight, rows in ((0.0, BATCH), (1.0, 2 * BATCH)):
        step = _step(state, **{**SUPERVISED, "diversity_weight": weight})
        with monkeypatch.context() as patch:
            encoded, decoded = spied(patch, Generator, "encode"), spied(patch, Generator, "decode")
            step(batch)
        assert [len(args[1]) for args, _ in encoded] == [BATCH]
        assert [len(pictures) for _, pictures in decoded] == [rows]
        noise = decoded[0][0][4].numpy()
        assert noise.shape == (rows, 8, 8, 32)
        assert abs(noise.mean()) < 0.05 and abs(noise.std() - 1) < 0.05
        assert len(np.unique(noise[:, 0, 0, 0])) == rows


def test_perceptual_network_is_made_and_called_for_its_loss_alone(
    eagerly, state, batch, monkeypatch
):
    made = spied(monkeypatch, FrozenFeatures, "__init__")
    called = spied(monkeypatch, FrozenFeatures, "__call__")
    _step(state, **SUPERVISED)(batch)
    assert (len(made), len(called)) == (0, 0)
    _step(state, **{**SUPERVISED, "perceptual_weight": 1.0})(batch)
    assert (len(made), len(called)) == (1, 2)


@pytest.fixture(scope="module")
def supervised() -> TrainStep:
    values = dict(generator_learning_rate=3e-3, ema_decay=0.0)
    return _step(_make_state(**values), **SUPERVISED, **values)


def test_supervised_graph_has_the_generator_alone(supervised, batch):
    """Forward: 8 MRUs of 3 convolutions (plain: 4), 3 that halve, the last;
    backward: those of the 3 transposed.
    """
    of_a_unit = 3 if layer_operations.for_cpu() else 4
    operations = graph_cost.needed(supervised.__call__.get_concrete_function(batch).graph)
    assert sum(operation.type == "Conv2D" for operation in operations) == 8 * of_a_unit + 3 + 1 + 3


def test_supervised_learns_one_batch(supervised, batch):
    """Smooth photos of one colour each; the discriminator is left as it was."""
    colours = tf.constant([[0.6, -0.4, 0.1], [-0.5, 0.5, 0.3], [0.2, 0.0, -0.7]])
    photos = tf.broadcast_to(colours[:, tf.newaxis, tf.newaxis], [BATCH, 64, 64, 3])
    before = [variable.numpy() for variable in supervised.state.discriminator.trainable_variables]
    distances = [
        float(supervised({**batch, "photos": photos})["generator/supervised"]) for _ in range(60)
    ]
    assert distances[-1] < 0.4 * distances[0]
    for variable, value in paired(supervised.state.discriminator.trainable_variables, before):
        np.testing.assert_array_equal(variable, value)


def test_without_averaging_the_average_is_the_generator(supervised, batch):
    supervised(batch)
    state = supervised.state
    for average, variable in paired(state.averaged_generator.variables, state.generator.variables):
        np.testing.assert_allclose(average, variable, rtol=1e-5, atol=1e-6)


def test_terms_are_parts_of_the_mean_over_the_global_batch(eagerly, state, fresh, batch):
    """A replica with half of the batch has half of the mean: replicas' parts are summed."""
    whole = _step(state, **SUPERVISED)(batch)
    _restart(state, fresh)
    half = _step(state, **SUPERVISED, global_batch_size=2 * BATCH)(batch)
    for name, value in whole.items():
        np.testing.assert_allclose(half[name], value / 2, rtol=1e-5)


# --- The discriminator's targets


def _targets(state, **options) -> np.ndarray:
    """Targets of real and fake for 4,000 examples, [2, 4000]."""
    step = _step(state, **SUPERVISED, **options)
    return np.stack(step.discriminator_learning.targets(tf.zeros([4000]), tf.constant([0, 1])))


def test_targets_are_one_and_zero_by_default(shared):
    np.testing.assert_array_equal(_targets(shared), [np.ones(4000), np.zeros(4000)])


def test_label_smoothing_lowers_the_target_for_real_alone(shared):
    np.testing.assert_allclose(
        _targets(shared, label_smoothing=0.1), [np.full(4000, 0.9), np.zeros(4000)], rtol=1e-6
    )


def test_label_noise_moves_both_targets_inwards_by_up_to_its_size(shared):
    """Uniformly, so that none of it is lost at 0 or 1."""
    real, fake = _targets(shared, label_smoothing=0.1, label_noise=0.05)
    for moved in (0.9 - real, fake):
        assert -1e-6 <= moved.min() < 0.001 and 0.049 < moved.max() <= 0.05 + 1e-6
        np.testing.assert_allclose([moved.mean(), moved.std()], [0.025, 0.05 / 12**0.5], atol=0.001)
    assert abs(np.corrcoef(real, fake)[0, 1]) < 0.05


def test_targets_stay_within_zero_and_one_at_the_bounds_of_all_three_options(shared):
    targets = _targets(shared, label_smoothing=0.5, label_noise=0.5, label_flip_probability=0.5)
    assert targets.min() >= 0 and targets.max() <= 1


def test_flipped_labels_are_a_share_of_both(shared):
    real, fake = _targets(shared, label_flip_probability=0.2, label_smoothing=0.1)
    np.testing.assert_allclose(np.unique(real), [0.1, 0.9], rtol=1e-5)
    np.testing.assert_allclose(np.unique(fake), [0.0, 1.0], rtol=1e-5)
    assert abs(np.mean(real < 0.5) - 0.2) < 0.03 and abs(np.mean(fake > 0.5) - 0.2) < 0.03
    assert abs(np.corrcoef(real < 0.5, fake > 0.5)[0, 1]) < 0.05


def test_generator_aims_at_one_whatever_the_discriminator_is_told(
    eagerly, state, batch, monkeypatch
):
    step = _step(state, **ADVERSARIAL, dragan_weight=0.0, label_smoothing=0.3)
    calls = spied(monkeypatch, losses, "adversarial")
    step(batch)
    targets = [np.broadcast_to(args[1], [BATCH]) for args, _ in calls]
    np.testing.assert_allclose(targets, [[0.7] * BATCH, [0.0] * BATCH, [1.0] * BATCH], rtol=1e-6)


# --- Precision


@pytest.mark.parametrize(
    "name, dtype",
    [
        ("mixed_bfloat16", "bfloat16"),
        # CPUs are slow at it
        pytest.param("mixed_float16", "float16", marks=pytest.mark.ci),
    ],
)
def test_mixed_precision_gives_float32_close_to_that_of_float32(name, dtype, eagerly, state, batch):
    weights = dict(perceptual_weight=0.0)
    exact = _step(state, **weights)
    mixed = _step(_make_state(precision=name), **weights, precision=name)
    assert mixed.state.generator.compute_dtype == mixed.state.discriminator.compute_dtype == dtype
    scalars, expected = mixed(batch), exact(batch)
    assert {value.dtype for value in scalars.values()} == {tf.float32}
    # Neither what jumps is compared, nor whether float16's first scale is too large:
    # then its first update is left out.
    for tag in [tag for tag in expected if "accuracy" not in tag and "skipped" not in tag]:
        np.testing.assert_allclose(scalars[tag], expected[tag], rtol=0.1, atol=0.02, err_msg=tag)
    for variable in mixed.state.variables:
        assert variable.dtype in (tf.float32, tf.int64)
        assert np.all(np.isfinite(variable)), variable.name
