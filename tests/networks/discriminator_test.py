"""The discriminator: its variables at full width, and what its logits depend on."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import tensorflow as tf

from sketch2img_tf.devices import precision
from sketch2img_tf.layers.spectral_norm import SpectralConv2D, power_iteration
from sketch2img_tf.networks.discriminator import Discriminator
from sketch2img_tf.networks.encoder import pyramid
from tests.paired import paired

pytestmark = pytest.mark.usefixtures("seeded")

GENERATOR = np.random.default_rng(0)
PHOTOS = tf.constant(GENERATOR.uniform(-1, 1, size=[2, 64, 64, 3]), tf.float32)
SKETCHES = tf.constant(GENERATOR.uniform(-0.1, 1, size=[2, 64, 64, 1]), tf.float32)

# Path, channels of x, channels of the output. The image is the picture
# and the sketch, of four channels.
MRUS = [("mru_64", 4, 64), ("mru_128", 64, 128), ("mru_256", 128, 256), ("mru_512", 256, 512)]


def _made(num_classes: int, base_width: int) -> Discriminator:
    discriminator = Discriminator(num_classes, base_width)
    discriminator((PHOTOS, SKETCHES))
    return discriminator


@pytest.fixture(scope="module")
def made_once() -> Discriminator:
    """Of three classes and width 2."""
    tf.keras.utils.set_random_seed(0)
    return _made(3, 2)


@pytest.fixture
def small(made_once) -> Iterator[Discriminator]:
    """The same for all tests, with the weights that it began with."""
    before = made_once.get_weights()
    yield made_once
    made_once.set_weights(before)


def test_variables_at_full_width(mru_shapes, shapes_of):
    expected = {}
    for name, x, filters in MRUS:
        expected.update(mru_shapes(f"encoder/{name}", x, 4, filters, scale=[filters]))
    for channels in (64, 128, 256):
        expected[f"encoder/down_{channels}/kernel"] = [2, 2, channels, channels]
        expected[f"encoder/down_{channels}/bias"] = [channels]
    expected.update({"real_head/kernel": [8 * 8 * 512, 1], "real_head/bias": [1]})
    expected.update({"class_head/kernel": [8 * 8 * 512, 125], "class_head/bias": [125]})
    discriminator = _made(125, 64)
    assert shapes_of(discriminator) == expected
    assert (
        sum(int(tf.size(variable)) for variable in discriminator.trainable_variables) == 9_990_114
    )


def test_kernels_outside_the_mrus_start_where_pytorch_starts(assert_outside_mrus_as_pytorch):
    """By how many values an output is summed from."""
    heads = dict.fromkeys(("real_head", "class_head"), 8 * 8 * 128)
    assert_outside_mrus_as_pytorch(
        _made(3, 16), heads | {f"encoder/down_{n}": 4 * n for n in (16, 32, 64)}
    )


def test_for_larger_pictures_the_heads_alone_are_larger(small, shapes_of):
    large = Discriminator(3, 2)
    large((tf.image.resize(PHOTOS, [128, 128]), tf.image.resize(SKETCHES, [128, 128])))
    heads = {"real_head/kernel": [16 * 16 * 16, 1], "class_head/kernel": [16 * 16 * 16, 3]}
    assert shapes_of(large) == {**shapes_of(small), **heads}


def test_all_convolutions_and_nothing_else_are_spectrally_normalised(small):
    modules = small.submodules
    assert sum(isinstance(module, SpectralConv2D) for module in modules) == 4 * 4 + 3
    assert not any(isinstance(module, tf.keras.layers.Conv2D) for module in modules)
    assert {type(head) for head in (small.real_head, small.class_head)} == {tf.keras.layers.Dense}


def test_logits_are_for_one_and_for_each_class(small):
    logits, class_logits = small((PHOTOS, SKETCHES))
    assert logits.shape == [2] and class_logits.shape == [2, 3]


def test_heads_are_linear_in_the_features(small):
    """Doubled weights and biases of a head double its logits; nothing bounds them."""
    logits, class_logits = small((PHOTOS, SKETCHES))
    for head in (small.real_head, small.class_head):
        head.set_weights([1000.0 * weight for weight in head.get_weights()])
    scaled, scaled_class = small((PHOTOS, SKETCHES))
    np.testing.assert_allclose(scaled, 1000.0 * logits, rtol=1e-4)
    np.testing.assert_allclose(scaled_class, 1000.0 * class_logits, rtol=1e-4)


def test_projection_adds_the_class_vectors_product_with_the_mean_features():
    """w . phi + v_class . phi, Miyato and Koyama's equation 4."""
    labels = np.array([2, 0])
    discriminator = Discriminator(3, 2, head="projection")
    logits, class_logits = discriminator((PHOTOS, SKETCHES, labels))
    pictures = tf.concat([PHOTOS, SKETCHES], -1)
    features = discriminator.encoder((pictures, pyramid(pictures)))[-1].numpy()  # [2, 8, 8, 16]
    (kernel, bias) = discriminator.real_head.get_weights()
    (vectors,) = discriminator.class_head.get_weights()
    assert class_logits is None and vectors.shape == (16, 3)
    unconditional = features.reshape(2, -1) @ kernel[:, 0] + bias
    of_class = np.einsum("bc,cb->b", features.mean((1, 2)), vectors[:, labels])
    np.testing.assert_allclose(logits, unconditional + of_class, rtol=1e-4, atol=1e-6)
    assert np.abs(of_class).min() > 1e-3


def test_without_a_norm_an_example_is_judged_alone_while_training_too(small, shapes_of):
    """Its biases are where the norms' shifts were, and its scales are gone."""
    discriminator = Discriminator(3, 2, normalization="none")
    together = discriminator((PHOTOS, SKETCHES), training=True)[0]
    alone = [
        discriminator((PHOTOS[i : i + 1], SKETCHES[i : i + 1]), training=True)[0] for i in range(2)
    ]
    np.testing.assert_allclose(tf.concat(alone, 0), together, rtol=1e-4, atol=1e-6)
    shapes = shapes_of(small)
    assert shapes_of(discriminator) == {k: v for k, v in shapes.items() if not k.endswith("/gamma")}
    assert len(discriminator.non_trainable_variables) == 4 * 4 + 3  # the spectral norms' vectors


def test_logits_depend_on_picture_and_sketch(small):
    before = small((PHOTOS, SKETCHES))
    for changed in ((PHOTOS[:, ::-1], SKETCHES), (PHOTOS, SKETCHES[:, ::-1])):
        for after, value in paired(small(changed), before):
            assert np.abs(after - value).max() > 1e-4


def test_logits_of_an_example_are_its_own_in_inference(small):
    together = small((PHOTOS, SKETCHES), training=False)
    for i in range(2):
        alone = small((PHOTOS[i : i + 1], SKETCHES[i : i + 1]), training=False)
        np.testing.assert_allclose(alone[0][0], together[0][i], atol=1e-5)
        np.testing.assert_allclose(alone[1][0], together[1][i], atol=1e-5)


def test_call_leaves_the_singular_vectors_alone(small):
    vectors = [variable for variable in small.variables if variable.name.endswith("/u:0")]
    before = [vector.numpy() for vector in vectors]
    for training in (False, True):
        small((PHOTOS, SKETCHES), training=training)
    assert all(np.array_equal(vector, value) for vector, value in zip(vectors, before))
    power_iteration(small)
    assert not any(np.allclose(vector, value, atol=1e-3) for vector, value in zip(vectors, before))


def test_logits_are_float32_under_mixed_precision():
    with precision.policy("mixed_bfloat16"):
        mixed = _made(3, 2)
    assert {output.dtype for output in mixed((PHOTOS, SKETCHES))} == {tf.float32}
    assert mixed.encoder.compute_dtype == "bfloat16"
    assert {variable.dtype for variable in mixed.variables} == {tf.float32}
