"""Perceptual features: of the real weights where they are, and one line where they are not."""

from __future__ import annotations

import dataclasses
import inspect
import re
import urllib.request

import numpy as np
import pytest
import tensorflow as tf

from sketch2img_tf.config import LossConfig
from sketch2img_tf.data import preprocessing
from sketch2img_tf.data.statistics import Statistics
from sketch2img_tf.devices import hardware
from sketch2img_tf.errors import UserError
from sketch2img_tf.networks import frozen_features, perceptual, pretrained
from sketch2img_tf.networks.frozen_features import FrozenFeatures
from sketch2img_tf.networks.perceptual import check_weights
from sketch2img_tf.training import losses
from tests.paired import paired

pytestmark = pytest.mark.usefixtures("frozen_networks_made_once")
STATISTICS = Statistics((0.47, 0.45, 0.4), 0.6, (0.04,), 0.96)
RANDOM_MOBILENET = LossConfig(
    perceptual_network="MobileNet",
    perceptual_weights="random",
    perceptual_size=64,
    perceptual_layers=("conv_pw_1_relu", "activation:0"),
)


def _features(options: LossConfig, precision: str = "float32") -> FrozenFeatures:
    return FrozenFeatures(perceptual.look(options), STATISTICS, precision)


def _normalized(intensities) -> tf.Tensor:
    return preprocessing.normalize_photos(tf.cast(intensities, tf.float32), STATISTICS)


@pytest.fixture(scope="module")
def pictures() -> np.ndarray:
    """Two drawn scenes, uint8 [2, 64, 64, 3]: discs on slopes of colour, with a fine texture."""
    rows, columns = np.indices([64, 64])
    stripes = 20 * ((rows + columns) % 4 < 2)
    scenes = []
    for row, column, radius in ((24, 30, 15), (40, 36, 18)):
        disc = (rows - row) ** 2 + (columns - column) ** 2 < radius**2
        scene = np.stack([60 + 2 * rows, 80 + columns, 180 - rows], -1)
        scene[disc] = [200, 60, 40]
        scenes.append(scene + stripes[..., None])
    return np.clip(scenes, 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def mobilenet(shared_dir) -> FrozenFeatures:
    weights = str(shared_dir / "weights" / "mobilenet_1_0_224_tf_no_top.h5")
    layers = ("conv_pw_1_relu", "conv_pw_3_relu", "conv_pw_12_relu")
    options = dict(perceptual_network="MobileNet", perceptual_weights=weights, perceptual_size=128)
    return _features(LossConfig(**options, perceptual_layers=layers))


@pytest.fixture(scope="module")
def inception_stem(shared_dir) -> FrozenFeatures:
    """The first four convolutions, which are real in this file."""
    weights = str(shared_dir / "weights" / "inception_v3_stem_only_no_top.h5")
    layers = ("activation:0", "activation:1", "activation:2", "activation:3")
    return _features(
        LossConfig(perceptual_weights=weights, perceptual_size=96, perceptual_layers=layers)
    )


REAL = pytest.mark.parametrize("network", ["mobilenet", "inception_stem"])


@REAL
def test_real_features_are_alive(network, pictures, request):
    """Finite, and in every layer most channels answer to one
    of the pictures, each in its own way.
    """
    for features in request.getfixturevalue(network)(_normalized(pictures / 255)):
        flat = features.numpy().reshape(-1, features.shape[-1])
        assert features.dtype == tf.float32 and np.all(np.isfinite(flat))
        assert np.mean(flat.max(0) > 0) > 0.5
        assert np.abs(features[0] - features[1]).mean() > 0.01 * np.abs(flat).mean()


def _distance(network, a, b) -> float:
    return float(
        tf.reduce_mean(losses.perceptual(network(_normalized(a)), network(_normalized(b))))
    )


@REAL
def test_blur_is_further_away_than_brightness_of_the_same_l1(network, pictures, request):
    """Equal pictures are at zero; a picture without its detail is
    not a brighter one, as it is to L1.
    """
    network = request.getfixturevalue(network)
    photos = tf.constant(pictures / 255, tf.float32)
    blurred = tf.image.resize(tf.image.resize(photos, [8, 8], antialias=True), [64, 64])
    brighter = photos + tf.reduce_mean(tf.abs(blurred - photos))
    assert _distance(network, photos, photos) == 0.0
    assert _distance(network, photos, blurred) > 2 * _distance(network, photos, brighter) > 0.0


@REAL
def test_distance_grows_with_noise_and_pulls_back(network, pictures, request):
    network = request.getfixturevalue(network)
    noise = tf.random.stateless_uniform(pictures.shape, [0, 0], -1.0, 1.0)
    photos = tf.constant(pictures / 255, tf.float32)
    distances = [_distance(network, photos, photos + share * noise) for share in (0.02, 0.1, 0.3)]
    assert 0 < distances[0] < distances[1] < distances[2]
    fakes = _normalized(photos + 0.1 * noise)
    with tf.GradientTape() as tape:
        tape.watch(fakes)
        loss = tf.reduce_mean(losses.perceptual(network(fakes), network(_normalized(photos))))
    gradient = tape.gradient(loss, fakes).numpy()
    assert np.all(np.isfinite(gradient))
    assert np.sum(gradient * noise) > 0  # down the gradient is away from the noise


@pytest.mark.parametrize(
    "name, application", [("mobilenet", "mobilenet"), ("inception_stem", "inception_v3")]
)
def test_features_are_those_of_keras_on_the_pixels(name, application, pictures, request):
    """From pixels through Keras' own `preprocess_input`: the ranges that were trained for."""
    network = request.getfixturevalue(name)
    inputs = tf.image.resize(pictures.astype(np.float32), [network.size, network.size])
    inputs = getattr(tf.keras.applications, application).preprocess_input(inputs)
    features = network(_normalized(pictures / 255))
    for ours, keras in paired(features, network.network(inputs, training=False)):
        np.testing.assert_allclose(ours, keras, atol=1e-3 * np.abs(keras).max())


def test_layers_are_the_ones_asked_for(mobilenet, inception_stem):
    assert [output.shape[-1] for output in mobilenet.network.outputs] == [64, 128, 1024]
    assert mobilenet.network.output_names == ["conv_pw_1_relu", "conv_pw_3_relu", "conv_pw_12_relu"]
    assert [output.shape[-1] for output in inception_stem.network.outputs] == [32, 32, 64, 80]


def test_first_layer_by_hand(inception_stem, pictures):
    """Convolution 3x3 by 2, batch norm (no scale, epsilon 0.001),
    ReLU, with the weights of the file.
    """
    inputs = preprocessing.application_range(_normalized(pictures / 255), STATISTICS)
    inputs = tf.image.resize(inputs, [96, 96])
    kernel, beta, mean, variance = inception_stem.network.weights[:4]
    assert [weight.name.split("/")[-1] for weight in (kernel, beta)] == ["kernel:0", "beta:0"]
    convolved = tf.nn.conv2d(inputs, kernel, 2, "VALID")
    expected = tf.nn.relu((convolved - mean) / tf.sqrt(variance + 1e-3) + beta)
    np.testing.assert_allclose(inception_stem(_normalized(pictures / 255))[0], expected, atol=1e-3)


def test_network_is_frozen():
    network = _features(RANDOM_MOBILENET)
    before = network.network.get_weights()
    network(tf.random.stateless_normal([4, 64, 64, 3], [0, 0]))
    assert network.network.trainable_variables == []
    assert all(
        np.array_equal(weight, value)
        for weight, value in zip(network.network.get_weights(), before)
    )


@pytest.mark.parametrize("faster, computed", [(True, tf.bfloat16), (False, tf.float32)])
def test_features_are_float32_whatever_they_are_computed_in(faster, computed, monkeypatch):
    monkeypatch.setattr(hardware, "multiplies_bfloat16_faster", lambda: faster)
    network = _features(RANDOM_MOBILENET, "mixed_bfloat16")
    assert network.network.outputs[0].dtype == computed
    assert {features.dtype for features in network(tf.zeros([1, 64, 64, 3]))} == {tf.float32}
    assert _features(RANDOM_MOBILENET, "mixed_float16").network.outputs[0].dtype == tf.float32


def test_in_bfloat16_the_distance_and_where_it_pulls_to_are_those_of_float32(
    pictures, shared_dir, monkeypatch
):
    monkeypatch.setattr(hardware, "multiplies_bfloat16_faster", lambda: True)
    weights = str(shared_dir / "weights" / "mobilenet_1_0_224_tf_no_top.h5")
    options = LossConfig(
        perceptual_network="MobileNet", perceptual_weights=weights, perceptual_size=64
    )
    photos = tf.constant(pictures / 255, tf.float32)
    fakes = _normalized(photos + tf.random.stateless_uniform(photos.shape, [0, 0], -0.2, 0.2))
    found = {}
    for name in ("float32", "mixed_bfloat16"):
        network = _features(options, name)
        with tf.GradientTape() as tape:
            tape.watch(fakes)
            loss = tf.reduce_mean(losses.perceptual(network(fakes), network(_normalized(photos))))
        found[name] = float(loss), tape.gradient(loss, fakes).numpy().ravel()
    (exact, gradient), (near, of_near) = found["float32"], found["mixed_bfloat16"]
    assert near == pytest.approx(exact, rel=0.02)
    # Where it is small, bfloat16 takes the sign of a difference for another.
    assert gradient @ of_near > 0.9 * np.linalg.norm(gradient) * np.linalg.norm(of_near)


# --- Layers in units of their deviations


@pytest.mark.parametrize("network, scaled", [("MobileNet", False), ("EfficientNetLite0", True)])
def test_distances_are_scaled_where_they_are_large_or_if_it_is_asked(network, scaled):
    options = LossConfig(perceptual_network=network)
    assert perceptual.is_scaled(options) == scaled
    assert perceptual.is_scaled(dataclasses.replace(options, perceptual_scaling="deviation"))
    assert not perceptual.is_scaled(dataclasses.replace(options, perceptual_scaling="none"))


def test_pictures_that_layers_are_measured_on_are_grey_at_all_scales_as_photos_are():
    """Halving them, as going away from a scene does, takes away little of
    their contrast, as of no white noise.
    """
    pictures = frozen_features.photo_like_noise(4, 64)
    assert pictures.dtype == np.float32 and pictures.shape == (4, 64, 64, 3)
    assert (
        0 <= pictures.min() < 0.05
        and 0.9 < pictures.max() <= 1
        and abs(pictures.mean() - 0.45) < 0.02
    )
    halved = pictures.reshape(4, 32, 2, 32, 2, 3).mean((2, 4))
    assert halved.std() > 0.85 * pictures.std()  # 0.5 of it in white noise
    assert np.corrcoef(pictures[..., 0].ravel(), pictures[..., 2].ravel())[0, 1] > 0.8
    np.testing.assert_array_equal(pictures, frozen_features.photo_like_noise(4, 64))


@pytest.mark.ci
def test_deviations_are_about_those_of_photos(shared_dir):
    """Within a factor of 1.6, in networks whose layers' deviations
    differ by 3 and 8 among each other.
    """
    from PIL import Image

    files = sorted((shared_dir / "photos_128").glob("*/*"))[::200]
    photos = (
        np.stack([np.asarray(Image.open(file).convert("RGB").resize([64, 64])) for file in files])
        / 255
    )
    for name, file in (
        ("MobileNet", "mobilenet_1_0_224_tf_no_top.h5"),
        ("EfficientNetLite0", "efficientnet_lite0_imagenet.npz"),
    ):
        weights = str(shared_dir / "weights" / file)
        features = _features(
            LossConfig(perceptual_network=name, perceptual_weights=weights, perceptual_size=128)
        )
        real = [np.std(values) for values in features(_normalized(photos))]
        ratios = np.array(features.deviations()) / real
        assert len(ratios) == 4 and np.all((1 / 1.6 < ratios) & (ratios < 1.6)), ratios


# At their smallest size: the channels of the layers chosen by default, from the networks' papers.
DEFAULTS = [
    pytest.param("InceptionV3", 75, [64, 192, 256, 288], id="InceptionV3", marks=pytest.mark.ci),
    pytest.param(
        "InceptionResNetV2", 75, [64, 192, 320], id="InceptionResNetV2", marks=pytest.mark.slow
    ),
    pytest.param("MobileNet", 32, [64, 128, 256, 512], id="MobileNet"),
    pytest.param("EfficientNetLite0", 32, [16, 24, 40, 112], id="EfficientNetLite0"),
]


@pytest.mark.parametrize("name, size, channels", DEFAULTS)
def test_default_layers_whatever_was_built_before(name, size, channels):
    """Keras would name the activations of a second network otherwise."""
    tf.keras.layers.Activation("relu")
    options = LossConfig(perceptual_network=name, perceptual_weights="random", perceptual_size=size)
    network = _features(options)
    assert [features.shape[-1] for features in network(tf.zeros([1, 64, 64, 3]))] == channels


def test_activation_by_position_is_that_layer():
    network = _features(RANDOM_MOBILENET).network
    assert network.output_names == ["conv_pw_1_relu", "conv1_relu"]


def _message(call) -> str:
    with pytest.raises(UserError) as error:
        call()
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize("layer", ["mixed2", "activation:99", "activation:x"])
def test_unknown_layer_is_named_with_what_there_is(layer):
    options = dataclasses.replace(RANDOM_MOBILENET, perceptual_layers=("conv_pw_1_relu", layer))
    message = _message(lambda: _features(options))
    assert message.startswith(f"--perceptual_layers={layer}: no such layer")


@pytest.mark.parametrize("content", ["of another network", "of nothing"])
def test_wrong_weights_file_is_named(content, tmp_path, monkeypatch):
    made = _features(RANDOM_MOBILENET).network
    mobilenet = dataclasses.replace(pretrained.CHOICES["MobileNet"], build=lambda **of: made)
    monkeypatch.setitem(pretrained.CHOICES, "MobileNet", mobilenet)
    path = tmp_path / "weights.h5"
    if content == "of nothing":
        path.write_bytes(b"no HDF5")
    else:
        model = tf.keras.Sequential([tf.keras.layers.Dense(2, input_shape=[3])])
        model.save_weights(path)
    options = dataclasses.replace(RANDOM_MOBILENET, perceptual_weights=str(path))
    message = _message(lambda: _features(options))
    assert message.startswith(
        f"--perceptual_weights={path} with --perceptual_size=64: does not fit MobileNet"
    )


def test_size_too_small_is_named():
    options = LossConfig(perceptual_weights="random", perceptual_size=32)
    message = _message(lambda: _features(options))
    assert "--perceptual_size=32" in message and "InceptionV3" in message


@pytest.mark.parametrize("name, suffix", [("InceptionV3", ".h5"), ("EfficientNetLite0", ".npz")])
def test_missing_weights_file_is_found_out_before_anything_is_built(
    name, suffix, tmp_path, monkeypatch
):
    monkeypatch.setitem(
        pretrained.CHOICES, name, dataclasses.replace(pretrained.CHOICES[name], build=None)
    )
    path = tmp_path / f"nowhere{suffix}"
    options = LossConfig(perceptual_network=name, perceptual_weights=str(path))
    message = _message(lambda: check_weights(options))
    assert message.startswith(
        f"--perceptual_weights={path}: no such file; give imagenet, random, or the {suffix} file"
    )


def test_weights_that_cannot_be_downloaded_are_one_line_with_the_ways_out(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    # Where urlopen keeps the proxies of its first call
    monkeypatch.setattr(urllib.request, "_opener", None)
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")  # where no server answers
    message = _message(lambda: check_weights(LossConfig(perceptual_network="MobileNet")))
    assert str(tmp_path / ".keras" / "models" / "mobilenet_1_0_224_tf_no_top.h5") in message
    assert "--perceptual_weights=random" in message and "--perceptual_weight=0" in message


def test_weights_that_nobody_serves_are_looked_for_where_keras_keeps_its_own(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    file = tmp_path / ".keras" / "models" / "efficientnet_lite0_imagenet.npz"
    options = LossConfig(perceptual_network="EfficientNetLite0")
    message = _message(lambda: check_weights(options))
    assert (
        f"are not at {file} and cannot be downloaded" in message
        and "--perceptual_weights=FILE.npz" in message
    )
    file.parent.mkdir(parents=True)
    file.touch()
    check_weights(options)


@pytest.mark.parametrize("name", ["InceptionV3", "InceptionResNetV2", "MobileNet"])
def test_weights_that_keras_has_kept_are_enough(name, tmp_path, monkeypatch):
    """The file's name is one that Keras' own source has, and
    nothing is asked for when it is there.
    """
    monkeypatch.setenv("HOME", str(tmp_path))
    choice = pretrained.CHOICES[name]
    source = re.sub(
        r'"\s*"', "", inspect.getsource(inspect.getmodule(inspect.unwrap(choice.build)))
    )
    pattern = "mobilenet_%s_%d_tf_no_top.h5" if name == "MobileNet" else choice.weights_file
    assert pattern in source and choice.weights_file in (
        pattern,
        pattern.replace("%s_%d", "1_0_224"),
    )
    monkeypatch.setitem(pretrained.CHOICES, name, dataclasses.replace(choice, build=None))
    kept = tmp_path / ".keras" / "models" / choice.weights_file
    kept.parent.mkdir(parents=True)
    kept.touch()
    check_weights(LossConfig(perceptual_network=name))


@pytest.mark.parametrize(
    "options", [dict(perceptual_weights="random"), dict(perceptual_weight=0.0)]
)
def test_nothing_is_asked_for_that_is_not_needed(options, monkeypatch):
    monkeypatch.setattr(pretrained, "CHOICES", None)
    check_weights(LossConfig(**options))
