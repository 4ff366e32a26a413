"""The critic: a plain reading of its equations, what is fixed of it, and what it needs."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from sketch2img_tf import config as config_lib
from sketch2img_tf.config import LossConfig
from sketch2img_tf.data.statistics import Statistics
from sketch2img_tf.errors import UserError
from sketch2img_tf.layers.spectral_norm import SpectralConv2D
from sketch2img_tf.networks import critic
from sketch2img_tf.networks.critic import CHANNELS, Projection, line_lengths, make_critic
from sketch2img_tf.networks.frozen_features import FrozenFeatures
from sketch2img_tf.networks.sight import Sight
from tests.paired import paired

pytestmark = pytest.mark.usefixtures("frozen_networks_made_once")
STATISTICS = Statistics((0.47, 0.45, 0.4), 0.6, (0.04,), 0.96)
SHAPES = [[8, 8, 5], [4, 4, 6], [2, 2, 7], [1, 1, 8]]
CLASSES, BATCH = 3, 2


def _features(seed: int = 0) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [rng.normal(size=[BATCH, *shape]).astype(np.float32) for shape in SHAPES]


def _sketches(seed: int = 0) -> np.ndarray:
    """Normalised."""
    ink = np.random.default_rng(seed).uniform(size=[BATCH, 16, 16, 1]) < 0.2
    return ((ink - STATISTICS.sketch_mean[0]) / STATISTICS.sketch_scale).astype(np.float32)


def _project(seed: int = 0, units=(1.0, 2.0, 3.0, 4.0)) -> Projection:
    return Projection(SHAPES, units, STATISTICS, seed)


# --- What the heads see


def _convolved(x: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """By Keras' own layer."""
    layer = tf.keras.layers.Conv2D(
        kernel.shape[-1], kernel.shape[0], padding="same", use_bias=False
    )
    layer.build(x.shape)
    layer.set_weights([kernel])
    return layer(x).numpy()


def _doubled(x: np.ndarray) -> np.ndarray:
    return tf.keras.layers.UpSampling2D(interpolation="bilinear")(x).numpy()


def test_projection_is_what_its_equations_say():
    projection, features = _project(), _features()
    y, expected = None, []
    for f, ccm, csm in list(zip(features, projection.across_channels, projection.across_scales))[
        ::-1
    ]:
        x = np.einsum("bhwi,io->bhwo", f, ccm[0, 0])
        x = x if y is None else (x + _doubled(y)) / np.sqrt(2)
        y = _convolved(x, csm)
        expected.insert(0, y)
    seen = projection([tf.constant(values) for values in features], tf.constant(_sketches()))
    assert [values.shape for values in seen] == [
        (BATCH, *shape[:2], CHANNELS + 1) for shape in SHAPES
    ]
    for values, of_scale in paired(seen, expected):
        np.testing.assert_allclose(values[..., :CHANNELS], of_scale, atol=1e-5)


def test_mixed_features_are_of_one_size_whatever_their_units():
    """The kernels are N(0, 1 / inputs), and undo the units."""
    features = [values * unit for values, unit in zip(_features(), (1.0, 2.0, 3.0, 4.0))]
    for values in _project()([tf.constant(each) for each in features], tf.constant(_sketches())):
        # Of 3x3 places in a scale of 1x1 one is inside.
        inside = {8: 0.8, 4: 0.7, 2: 4 / 9, 1: 1 / 9}[values.shape[1]]
        assert 0.5 * inside**0.5 < np.std(values[..., :CHANNELS]) < 1.6 * inside**0.5


def test_the_seed_makes_the_mixing():
    first, same, other = _project(0), _project(0), _project(1)
    for name in ("across_channels", "across_scales"):
        for kernel, again, another in paired(
            *(getattr(each, name) for each in (first, same, other))
        ):
            np.testing.assert_array_equal(kernel, again)
            assert np.abs(kernel - another).mean() > 0.5 * np.abs(kernel).mean()
    assert not first.variables


def test_the_sketch_is_seen_as_lines_whatever_its_encoding():
    """A line down one column of 16, in places of 2, 4, 8 and 16
    pixels: its length over the place's side.
    """
    ink = np.zeros([1, 16, 16, 1], np.float32)
    ink[:, :, 5] = 1
    lines = (ink - STATISTICS.sketch_mean[0]) / STATISTICS.sketch_scale
    distances = np.abs(np.arange(16) - 5)[np.newaxis, np.newaxis, :, np.newaxis] * np.ones(
        [1, 16, 1, 1]
    )
    # The range of preprocessing: 0.25 of the side is far
    field = 1 - 2 * np.minimum(distances / 4, 1)
    of_fields = dataclasses.replace(STATISTICS, sketch_encoding="distance_field")
    for statistics, sketches in ((STATISTICS, lines), (of_fields, field)):
        projection = Projection(SHAPES, (1.0,) * 4, statistics, 0)
        features = [tf.zeros([1, *shape]) for shape in SHAPES]
        for values in projection(features, tf.constant(sketches, tf.float32)):
            expected = np.zeros(values.shape[1:3])
            expected[:, 5 * values.shape[2] // 16] = 1
            np.testing.assert_allclose(values[0, ..., -1], expected, atol=1e-5)


def test_a_pixel_in_two_places_counts_in_both_by_its_parts():
    """Six pixels in four places of 1.5, all ink: 1.5 of line in
    each direction's unit; and ink is kept.
    """
    np.testing.assert_allclose(
        line_lengths(tf.ones([1, 6, 6, 1]), 4, 4), np.full([1, 4, 4, 1], 1.5), rtol=1e-6
    )
    ink = np.random.default_rng(0).uniform(size=[1, 6, 6, 1]).astype(np.float32)
    lengths = line_lengths(tf.constant(ink), 4, 4)
    assert float(tf.reduce_sum(lengths)) * 1.5 == pytest.approx(ink.sum(), rel=1e-5)


# --- The heads


@pytest.fixture(scope="module")
def heads():
    tf.keras.utils.set_random_seed(0)
    made = make_critic(CLASSES)
    for module in made.submodules:
        if isinstance(module, SpectralConv2D):
            matrix = module.kernel.numpy().reshape(-1, module.filters)
            module.u.assign(np.linalg.svd(matrix, full_matrices=False)[2][0])
    return made


def _seen(seed: int = 0) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [
        rng.normal(size=[BATCH, side, side, CHANNELS + 1]).astype(np.float32)
        for side in (8, 4, 4, 2)
    ]


def _normalized(layer: SpectralConv2D) -> np.ndarray:
    kernel = layer.kernel.numpy()
    return kernel / np.linalg.svd(kernel.reshape(-1, kernel.shape[-1]))[1][0]


def test_heads_are_what_their_equations_say(heads):
    labels = np.array([2, 0])

    def f(x):
        return np.maximum(x, 0.1 * x)

    logits = heads((_seen(), tf.constant(labels)))
    for number, (head, x, found) in enumerate(zip(heads.heads, _seen(), logits)):
        lines, x = x[..., CHANNELS:], _convolved(x, _normalized(head.first))
        if number < 2:  # "same" padding by 2 has its places at the odd ones
            x = x[:, 1::2, 1::2]
        h = f(
            _convolved(f(x + head.first.bias.numpy()), _normalized(head.second))
            + head.second.bias.numpy()
        )
        real = h @ _normalized(head.real)[0, 0, :, 0] + head.real.bias.numpy()
        of_class = _normalized(head.of_class)[0, 0]  # [K, C]
        of_lines = _convolved(lines, _normalized(head.of_lines))
        of_lines = of_lines[:, 1::2, 1::2] if number < 2 else of_lines
        expected = real + ((of_class[labels][:, np.newaxis, np.newaxis] + of_lines) * h).sum(-1)
        assert found.dtype == tf.float32
        np.testing.assert_allclose(found, expected, atol=2e-4)


def test_examples_are_judged_apart(heads):
    """There are no statistics of the batch: so replicas need not agree on any."""
    together = heads((_seen(), tf.constant([2, 0])))
    for number in range(BATCH):
        alone = heads(
            ([values[number : number + 1] for values in _seen()], tf.constant([[2, 0][number]]))
        )
        for one, all_of_them in paired(alone, together):
            np.testing.assert_allclose(one[0], all_of_them[number], atol=1e-5)


def test_all_of_a_head_is_trained_but_its_singular_vectors(heads):
    kinds = {variable.name.split("/")[-1] for variable in heads.trainable_variables}
    assert kinds == {"kernel:0", "bias:0"} and len(heads.trainable_variables) == 4 * 8
    assert {variable.name.split("/")[-1] for variable in heads.non_trainable_variables} == {"u:0"}


# --- Its eyes


OPTIONS = dict(critic="pretrained", critic_weights="random", critic_size=32, perceptual_weight=0.0)


def _sight(**values) -> Sight:
    return Sight(config_lib.from_dict({**OPTIONS, **values}), STATISTICS)


def _photos() -> tf.Tensor:
    return tf.random.stateless_uniform([BATCH, 64, 64, 3], [0, 1], -0.7, 0.8)


CHANNELS_OF = {"MobileNet": [128, 256, 512, 1024], "EfficientNetLite0": [24, 40, 112, 320]}


@pytest.mark.parametrize("network, channels", CHANNELS_OF.items())
def test_it_looks_at_strides_of_4_to_32(network, channels):
    sight = _sight(critic_network=network, critic_size=64)
    outputs = sight.critic.network.outputs
    assert [output.shape[1:] for output in outputs] == [
        [s, s, c] for s, c in zip((16, 8, 4, 2), channels)
    ]
    sketches = tf.zeros([BATCH, 64, 64, 1])
    seen = sight(_photos(), _photos(), sketches)
    assert seen.perceptual == [] and [values.shape[1] for values in seen.critic] == [16, 8, 4, 2]


def test_it_never_looks_past_what_is_trained_of_the_real_weights(shared_dir):
    """Every scale is alive, and differs from picture to picture."""
    weights = str(shared_dir / "weights" / "mobilenet_1_0_224_tf_no_top.h5")
    sight = _sight(critic_weights=weights, critic_size=64)
    for values in sight.critic(_photos()):
        assert np.std(values) > 0.1 and np.abs(values[0] - values[1]).mean() > 0.01


def test_one_pass_serves_the_perceptual_loss_too_where_both_look_alike(monkeypatch):
    passes = []
    plain = FrozenFeatures.__call__
    monkeypatch.setattr(
        FrozenFeatures, "__call__", lambda self, photos: passes.append(1) or plain(self, photos)
    )
    alike = dict(
        perceptual_weight=1.0,
        perceptual_network="MobileNet",
        perceptual_weights="random",
        perceptual_size=32,
    )
    sketches = tf.zeros([BATCH, 64, 64, 1])
    for more, count in (
        ({}, 1),
        (dict(critic_size=64), 2),
        (dict(critic_diffaugment=["colour"]), 2),
    ):
        sight, before = _sight(**alike, **more), len(passes)
        seen = sight(_photos(), _photos(), sketches)
        assert len(passes) - before == count
        assert [values.shape[-1] for values in seen.perceptual] == [64, 128, 256, 512]
        assert [values.shape[-1] for values in seen.critic] == [CHANNELS + 1] * 4


def test_what_it_sees_by_is_frozen_and_pictures_get_a_gradient():
    sight, photos = _sight(), _photos()
    before = sight.critic.network.get_weights()
    with tf.GradientTape() as tape:
        tape.watch(photos)
        seen = sight(photos, photos, tf.zeros([BATCH, 64, 64, 1]))
        total = tf.add_n([tf.reduce_sum(values**2) for values in seen.critic])
    assert float(tf.reduce_min(tf.reduce_max(tf.abs(tape.gradient(total, photos)), [1, 2, 3]))) > 0
    assert not sight.critic.network.trainable_variables
    for weight, value in paired(sight.critic.network.get_weights(), before):
        np.testing.assert_array_equal(weight, value)


def test_of_random_weights_every_scale_is_alive():
    """Without their batch norms' statistics a dozen layers would leave nothing of a picture."""
    for network in CHANNELS_OF:
        for values in _sight(critic_network=network, critic_size=64).critic(_photos()):
            assert 0.05 < np.std(values) < 20 and np.abs(values[0] - values[1]).mean() > 0.01


def test_missing_weights_are_one_line():
    with pytest.raises(
        UserError,
        match="^--critic_weights=none.h5: no such file; give imagenet, random, or the .h5",
    ):
        critic.check_weights(LossConfig(critic="pretrained", critic_weights="none.h5"))
    critic.check_weights(LossConfig(critic_weights="none.h5"))
    assert critic.weights_sha256(LossConfig(critic_weights="none.h5")) == ""
