"""EfficientNet-Lite0: what another implementation gives for the same
weights and pictures, and its files.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from sketch2img_tf.config import LossConfig
from sketch2img_tf.data.statistics import Statistics
from sketch2img_tf.errors import UserError
from sketch2img_tf.networks import perceptual, pretrained
from sketch2img_tf.networks.efficientnet_lite import efficientnet_lite0, load_weights
from sketch2img_tf.networks.frozen_features import FrozenFeatures
from tests.paired import paired

BLOCKS = 16
PLAIN = Statistics((0.5, 0.5, 0.5), 0.5, (0.0,), 1.0)


@pytest.fixture(scope="module")
def small() -> tf.keras.Model:
    """Without its top, of random weights."""
    return efficientnet_lite0(include_top=False, input_shape=(32, 32, 3))


def _arrays(model: tf.keras.Model) -> dict[str, np.ndarray]:
    """As a weights file names them, drawn anew."""
    rng, parts = np.random.default_rng(0), {"kernel": "weight", "depthwise_kernel": "weight"}
    parts |= {
        "gamma": "weight",
        "beta": "bias",
        "moving_mean": "running_mean",
        "moving_variance": "running_var",
    }
    found = {}
    for variable in model.variables:
        layer, part = variable.name.split(":")[0].rsplit("/", 1)
        found[f"{layer}.{parts[part]}"] = rng.uniform(0.5, 1.5, variable.shape).astype(np.float32)
    return found


def test_it_is_what_the_weights_are_of(shared_dir):
    check = np.load(shared_dir / "weights" / "efficientnet_lite0_check.npz")
    model = efficientnet_lite0()
    load_weights(model, shared_dir / "weights" / "efficientnet_lite0_imagenet.npz")
    blocks = [model.get_layer(f"blocks.{number}").output for number in range(BLOCKS)]
    probe = tf.keras.Model(model.input, [model.output, model.layers[-2].output, *blocks])
    logits, pooled, *blocks = probe(2.0 * check["pictures"].astype(np.float32) - 1.0)
    np.testing.assert_allclose(logits, check["logits"], atol=1e-4)
    np.testing.assert_allclose(pooled, check["pooled"], atol=1e-4)
    np.testing.assert_array_equal([block.shape for block in blocks], check["block_shapes"])
    np.testing.assert_allclose(
        [np.mean(block) for block in blocks], check["block_means"], atol=1e-3
    )
    np.testing.assert_allclose(
        [np.std(block) for block in blocks], check["block_deviations"], rtol=1e-3
    )


def test_its_features_are_those_of_the_deepest_layer_too(shared_dir):
    """As evaluation takes them: without the top, of another builder's call."""
    check = np.load(shared_dir / "weights" / "efficientnet_lite0_check.npz")
    model = efficientnet_lite0(include_top=False, input_shape=(224, 224, 3))
    load_weights(model, shared_dir / "weights" / "efficientnet_lite0_imagenet.npz")
    pictures = 2.0 * check["pictures"].astype(np.float32) - 1.0
    outputs = tf.keras.Model(model.input, model.get_layer("head").output)(pictures)
    np.testing.assert_allclose(np.mean(outputs, (1, 2)), check["pooled"], atol=1e-4)


def test_a_file_brings_every_variable_and_its_order_does_not_matter(small, tmp_path):
    arrays = _arrays(small)
    np.savez(
        tmp_path / "weights.npz", **dict(reversed(arrays.items())), **{"fc.bias": np.zeros(1000)}
    )
    load_weights(small, tmp_path / "weights.npz")
    assert len(small.variables) == len(arrays) == 245
    for variable, expected in paired(small.variables, arrays.values()):
        np.testing.assert_array_equal(variable, expected, err_msg=variable.name)


@pytest.mark.parametrize("kind", ["not npz", "an npy", "one too few", "of another shape"])
def test_a_file_that_does_not_fit_is_named(kind, small, tmp_path, monkeypatch):
    choice = pretrained.CHOICES["EfficientNetLite0"]
    made = dataclasses.replace(choice, build=lambda **of: small)
    monkeypatch.setitem(pretrained.CHOICES, "EfficientNetLite0", made)
    path = tmp_path / "weights.npz"
    arrays = _arrays(small)
    if kind == "not npz":
        path.write_bytes(b"no archive")
    elif kind == "an npy":
        np.save(path.open("wb"), np.zeros(3))
    elif kind == "one too few":
        np.savez(
            path, **{name: value for name, value in arrays.items() if name != "blocks.3.bn1.bias"}
        )
    else:
        np.savez(path, **{**arrays, "conv_stem.weight": np.zeros([3, 3, 1, 32])})
    options = LossConfig(
        perceptual_network="EfficientNetLite0", perceptual_weights=str(path), perceptual_size=32
    )
    with pytest.raises(UserError) as error:
        FrozenFeatures(perceptual.look(options), PLAIN)
    expected = (
        f"--perceptual_weights={path} with --perceptual_size=32: does not fit EfficientNetLite0"
    )
    assert str(error.value).startswith(expected) and "\n" not in str(error.value)
