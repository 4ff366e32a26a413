"""The generator: its variables at full width, and what its pictures depend on."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from sketch2img_tf.config import Config, DataConfig, EvaluationConfig, NetworkConfig
from sketch2img_tf.devices import precision
from sketch2img_tf.layers.normalization import EPSILON
from sketch2img_tf.networks.generator import Generator, make_generator
from tests.paired import paired

CLASSES = 3
SKETCHES = tf.constant(np.random.default_rng(0).uniform(-0.1, 1.0, size=[2, 64, 64, 1]), tf.float32)
LABELS = tf.constant([2, 0], tf.int64)

# Path, channels of x, channels of the output. The image is the sketch, of one channel.
MRUS = [
    ("encoder/mru_64", 1, 64),
    ("encoder/mru_128", 64, 128),
    ("encoder/mru_256", 128, 256),
    ("encoder/mru_512", 256, 512),
    ("mru_512", 1024, 512),  # 512 features and 512 of noise
    ("mru_256", 512, 256),  # 256 of the encoder and 256 from below, and so on
    ("mru_128", 256, 128),
    ("mru_64", 128, 64),
]
# Kernels and biases; a transposed convolution has its outputs before its inputs.
CONVS = {
    "encoder/down_64": ([2, 2, 64, 64], [64]),
    "encoder/down_128": ([2, 2, 128, 128], [128]),
    "encoder/down_256": ([2, 2, 256, 256], [256]),
    "up_256": ([2, 2, 256, 512], [256]),
    "up_128": ([2, 2, 128, 256], [128]),
    "up_64": ([2, 2, 64, 128], [64]),
    "to_rgb": ([3, 3, 64, 3], [3]),
}


def made(network: NetworkConfig, image_size: int = 64, noise_deviation: float = 1.0) -> Generator:
    evaluation = EvaluationConfig(noise_deviation=noise_deviation)
    config = Config(DataConfig(image_size=image_size), network, evaluation=evaluation)
    return make_generator(config, CLASSES)


def test_variables_at_full_width(mru_shapes, shapes_of):
    generator = make_generator(Config(), num_classes=125)
    expected = {"initial_label/embeddings": [125, 64 * 64]}
    for name, x, filters in MRUS:
        expected.update(mru_shapes(name, x, 1, filters, scale=[125, filters]))
    for name, (kernel, bias) in CONVS.items():
        expected.update({f"{name}/kernel": kernel, f"{name}/bias": bias})
    assert shapes_of(generator) == expected
    assert (
        sum(np.prod(shape) for shape in expected.values())
        == generator.count_params() - 2 * 2 * 2 * 960
    )
    assert sum(int(tf.size(variable)) for variable in generator.trainable_variables) == 39_322_134


VARIANTS = {
    "residual": dict(generator_norm="conditional_residual"),
    "batch": dict(generator_norm="batch"),
    "instance": dict(generator_norm="instance"),
    "sketch": dict(initial_features="sketch"),
}


@pytest.mark.parametrize("variant", VARIANTS.values(), ids=VARIANTS.keys())
def test_variables_of_the_variants(variant, mru_shapes, shapes_of):
    """At width 2: what is not the default changes the norms' scales,
    or the first layer and what sees it.
    """
    network = NetworkConfig(base_width=2, **variant)
    of_class = "conditional" in network.generator_norm
    residual = "residual" in network.generator_norm
    initial = 8 if network.initial_features == "sketch" else 1
    expected = {}
    for name, x, filters in MRUS:
        path, number = name.rsplit("_", 1)
        x, filters = (initial if x == 1 else x // 32), filters // 32
        scale = [CLASSES, filters] if of_class else [filters]
        shapes = mru_shapes(f"{path}_{int(number) // 32}", x, 1, filters, scale)
        norms = [each.rsplit("/", 1) for each in shapes if each.endswith(("/gamma", "/beta"))]
        expected.update(
            shapes | {f"{norm}/shared_{part}": [filters] for norm, part in norms if residual}
        )
    found = shapes_of(made(network))
    mrus = {name: shape for name, shape in found.items() if "mru_" in name}
    first = {name: shape for name, shape in found.items() if name.startswith("initial")}
    assert mrus == expected
    if network.initial_features == "sketch":
        assert first == {"initial_sketch/kernel": [3, 3, 1, 8], "initial_sketch/bias": [8]}
    else:
        assert first == {"initial_label/embeddings": [CLASSES, 64 * 64]}


def test_resizing_doubles_with_3x3_convolutions(shapes_of):
    """Three in place of the transposed 2x2 ones; all else has the same shapes."""
    found, default = (shapes_of(made(NetworkConfig(2, upsampling=u))) for u in UPSAMPLINGS)
    changed = {name: shape for name, shape in found.items() if default.get(name) != shape}
    ups = [(8, 16), (4, 8), (2, 4)]
    assert changed == {f"up_{out}/conv/kernel": [3, 3, given, out] for out, given in ups} | {
        f"up_{out}/conv/bias": [out] for out, _ in ups
    }
    assert len(found) == len(default)


UPSAMPLINGS = ("resize", "transposed")


@pytest.mark.parametrize("detail, block", [("half", 2), ("quarter", 4)])
def test_a_sketch_of_less_detail_is_what_a_smaller_one_says(detail, block):
    """Every pixel of a block is its mean, for encoder and
    decoder and what the encoder starts from.
    """
    network = NetworkConfig(2, initial_features="sketch")
    fine, coarse = made(network), made(dataclasses.replace(network, sketch_detail=detail))
    coarse.set_weights(fine.get_weights())
    blocks = SKETCHES.numpy().reshape(2, 64 // block, block, 64 // block, block, 1).mean((2, 4))
    enlarged = np.repeat(np.repeat(blocks, block, 1), block, 2)
    noise = _noise(0, 2)
    found, of_enlarged = coarse((SKETCHES, LABELS, noise)), fine((enlarged, LABELS, noise))
    np.testing.assert_allclose(found, of_enlarged, atol=1e-5)
    assert np.abs(found - fine((SKETCHES, LABELS, noise))).max() > 1e-4


def test_a_noise_vector_is_the_same_noise_at_every_place():
    network = NetworkConfig(2)
    spatial, vector = made(network), made(dataclasses.replace(network, noise="vector"))
    vector.set_weights(spatial.get_weights())
    assert (spatial.noise_shape, vector.noise_shape) == ((8, 8, 16), (1, 1, 16))
    noise = np.random.default_rng(0).standard_normal((2, 1, 1, 16), np.float32)
    everywhere = np.tile(noise, (1, 8, 8, 1))
    found = vector((SKETCHES, LABELS, noise), training=True).numpy()
    of_places = spatial((SKETCHES, LABELS, everywhere), training=True)
    np.testing.assert_allclose(found, of_places, atol=1e-5)
    of_others = spatial((SKETCHES, LABELS, _noise(0, 2)), training=True)
    assert np.abs(found - of_others).max() > 1e-3
    seeds = tf.constant([3, 4], tf.int64)
    of_seeds = [tf.random.stateless_normal([1, 1, 16], [seed, 0], alg="philox") for seed in (3, 4)]
    drawn = vector.draw(SKETCHES, LABELS, seeds)
    expected = vector((SKETCHES, LABELS, tf.stack(of_seeds)), training=False)
    np.testing.assert_allclose(drawn, expected, atol=1e-6)


def test_drawing_scales_the_noise_and_training_does_not():
    network = NetworkConfig(2)
    plain = made(network)
    scaled = made(network, noise_deviation=0.25)
    scaled.set_weights(plain.get_weights())
    noise, seeds = 100 * _noise(0, 1), tf.constant([0, 1], tf.int64)
    of_quarter = plain((SKETCHES, LABELS, noise / 4), training=False)
    np.testing.assert_allclose(scaled.draw_from_noise(SKETCHES, LABELS, noise), of_quarter)
    assert np.abs(of_quarter - plain((SKETCHES, LABELS, noise), training=False)).max() > 1e-4
    drawn = tf.stack(
        [tf.random.stateless_normal([8, 8, 16], [seed, 0], alg="philox") for seed in (0, 1)]
    )
    expected = plain((SKETCHES, LABELS, drawn / 4), training=False)
    np.testing.assert_allclose(scaled.draw(SKETCHES, LABELS, seeds), expected, atol=1e-6)
    found = scaled((SKETCHES, LABELS, noise), training=True)
    np.testing.assert_array_equal(found, plain((SKETCHES, LABELS, noise), training=True))


@pytest.mark.usefixtures("seeded")
def test_class_planes_start_as_standard_normal():
    planes = made(NetworkConfig(2)).initial.embeddings.numpy()
    np.testing.assert_allclose([planes.mean(), planes.std()], [0, 1], atol=0.03)
    assert abs(np.corrcoef(planes)[0, 1]) < 0.05


@pytest.mark.usefixtures("seeded")
@pytest.mark.parametrize("initial_features", ["label", "sketch"])
@pytest.mark.parametrize("base_width", [2, 16])
def test_what_the_encoder_starts_from_is_heard_by_its_first_norm(initial_features, base_width):
    """Behind the first shortcut's convolution it varies by far more
    than the norm's epsilon adds to it.
    """
    generator = made(NetworkConfig(base_width, initial_features=initial_features))
    sketches = np.zeros([2, 64, 64, 1], np.float32)
    # Thin lines, 2 % of the paper, as drawn ones
    sketches[0, 10:50, 30:32], sketches[1, 40:42, 5:60] = 1, 1
    shortcut = generator.encoder.mrus[0].shortcut(
        generator._initial_features(tf.constant(sketches), LABELS)
    )
    assert np.var(shortcut, axis=(0, 1, 2)).mean() > 10 * EPSILON


@pytest.mark.usefixtures("seeded")
def test_kernels_outside_the_mrus_start_where_pytorch_starts(assert_outside_mrus_as_pytorch):
    """By how many values an output is summed from; of a transposed convolution
    PyTorch counts outputs, not inputs.
    """
    halved_and_doubled = {
        f"{name}_{n}": 4 * n for name in ("encoder/down", "up") for n in (16, 32, 64)
    }
    counts = {"initial_sketch": 9, "to_rgb": 9 * 16, **halved_and_doubled}
    assert_outside_mrus_as_pytorch(made(NetworkConfig(16, initial_features="sketch")), counts)


def test_a_larger_picture_has_a_larger_plane_a_class_and_noise_at_more_places(shapes_of):
    """All else has the same shapes: the blocks know no size."""
    large, small = made(NetworkConfig(2), 128), made(NetworkConfig(2))
    assert shapes_of(large) == {
        **shapes_of(small),
        "initial_label/embeddings": [CLASSES, 128 * 128],
    }
    assert (large.noise_shape, small.noise_shape) == ((16, 16, 16), (8, 8, 16))
    sketch_first = NetworkConfig(2, initial_features="sketch")
    assert shapes_of(made(sketch_first, 128)) == shapes_of(made(sketch_first))


@pytest.mark.parametrize("upsampling, kinds", [("resize", 1), ("transposed", 4)])
def test_resizing_leaves_no_checkerboard(upsampling, kinds):
    """Even features double to even ones, far from the border; a
    transposed convolution has a value a parity.
    """
    doubling = made(NetworkConfig(2, upsampling=upsampling)).ups[0]
    doubled = doubling(tf.ones([1, 4, 4, 16])).numpy()[0, 2:-2, 2:-2]
    assert doubled.shape == (4, 4, 8)
    assert len(np.unique(doubled.reshape(16, 8).round(6), axis=0)) == kinds


@pytest.fixture(scope="module")
def generator() -> Generator:
    """Of width 2, moved away from its start, where all pictures are nearly grey."""
    tf.keras.utils.set_random_seed(0)
    generator = made(NetworkConfig(base_width=2))
    for variable in generator.trainable_variables:
        variable.assign_add(tf.random.normal(variable.shape, stddev=0.3))
    return generator


def _noise(*seeds: int) -> tf.Tensor:
    return tf.stack([tf.random.stateless_normal([8, 8, 16], [seed, 0]) for seed in seeds])


def _distance(a, b) -> float:
    return float(np.abs(np.asarray(a) - np.asarray(b)).mean())


def test_pictures_are_within_tanh(generator):
    pictures = generator((100.0 * SKETCHES, LABELS, 100.0 * _noise(0, 1)), training=True).numpy()
    assert pictures.shape == (2, 64, 64, 3) and pictures.dtype == np.float32
    assert np.abs(pictures).max() <= 1.0 and pictures.std() > 0.1


def test_pictures_depend_on_sketch_class_and_noise(generator):
    picture = generator((SKETCHES, LABELS, _noise(0, 1)))
    assert _distance(picture, generator((SKETCHES[:, ::-1], LABELS, _noise(0, 1)))) > 1e-3
    assert (
        _distance(
            picture, generator((SKETCHES, LABELS - 1 + tf.constant([0, 2], tf.int64), _noise(0, 1)))
        )
        > 1e-3
    )
    assert _distance(picture, generator((SKETCHES, LABELS, _noise(2, 3)))) > 1e-3


def test_halves_are_the_whole_and_share_one_encoding(generator):
    features = generator.encode(SKETCHES, LABELS)
    for seeds in ((0, 1), (2, 3)):
        picture = generator.decode(features, SKETCHES, LABELS, _noise(*seeds))
        np.testing.assert_allclose(
            picture, generator((SKETCHES, LABELS, _noise(*seeds))), atol=1e-5
        )


def test_class_planes_are_not_mixed_between_examples(generator):
    """The encoding of a batch is that of its examples."""
    for i in range(2):
        alone = generator.encode(SKETCHES[i : i + 1], LABELS[i : i + 1])
        for level, both in paired(alone, generator.encode(SKETCHES, LABELS)):
            np.testing.assert_allclose(level[0], both[i], atol=1e-5)


def test_drawing_depends_on_sketch_label_and_seed_alone(generator):
    """Whatever else is in the batch, and wherever in it."""
    seeds = tf.constant([7, 2**40], tf.int64)
    drawn = generator.draw(SKETCHES, LABELS, seeds)
    turned = generator.draw(SKETCHES[::-1], LABELS[::-1], seeds[::-1])
    np.testing.assert_allclose(drawn, turned[::-1], atol=1e-5)
    np.testing.assert_allclose(
        drawn[:1], generator.draw(SKETCHES[:1], LABELS[:1], seeds[:1]), atol=1e-5
    )
    assert _distance(drawn, generator.draw(SKETCHES, LABELS, seeds + 1)) > 1e-3


def test_pictures_are_float32_under_mixed_precision():
    with precision.policy("mixed_bfloat16"):
        mixed = made(NetworkConfig(base_width=2))
    assert mixed.encode(SKETCHES, LABELS)[-1].dtype == tf.bfloat16
    assert mixed((SKETCHES, LABELS, _noise(0, 1))).dtype == tf.float32
    assert {variable.dtype for variable in mixed.variables} == {tf.float32}
    assert tf.keras.mixed_precision.global_policy().name == "float32"


def test_configuration_reaches_the_network():
    """Every field of NetworkConfig that is of the generator changes the
    variables, but for the sketch's detail and the
    shape of the noise.
    """
    changed = dict(
        base_width=4, generator_norm="batch", initial_features="sketch", upsampling="resize"
    )
    fields = {field.name for field in dataclasses.fields(NetworkConfig)}
    assert set(changed) == {
        name
        for name in fields - {"sketch_detail", "noise"}
        if not name.startswith("discriminator_")
    }
    default = NetworkConfig(base_width=2)
    parameters = {made(default).count_params()}
    for name, value in changed.items():
        parameters.add(made(dataclasses.replace(default, **{name: value})).count_params())
    assert len(parameters) == 1 + len(changed)
