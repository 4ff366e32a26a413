"""Pictures to features: the same whatever is in the batch, named
after the network that they are of.
"""

from __future__ import annotations

import hashlib
import pathlib

import numpy as np
import pytest
import tensorflow as tf

from sketch2img_tf.errors import UserError
from sketch2img_tf.evaluation import features
from sketch2img_tf.evaluation.features import FeatureFlags, FeatureNetwork


def random_pictures(count, seed=0):
    """Soft ones, as photos are, uint8 [count, 64, 64, 3]."""
    coarse = np.random.default_rng(seed).integers(0, 256, [count, 8, 8, 3])
    return np.kron(coarse, np.ones([1, 8, 8, 1])).astype(np.uint8)


@pytest.fixture(scope="module")
def network():
    tf.keras.utils.set_random_seed(0)
    return FeatureNetwork(FeatureFlags("MobileNet", "random"))


def test_features_do_not_depend_on_the_batch(network):
    pictures = random_pictures(18)  # a full batch and two more
    together = network.pooled(pictures, "")
    alone = np.concatenate([network.pooled(pictures[i : i + 1], "") for i in (0, 15, 17)])
    assert together.shape == (18, 1024)
    np.testing.assert_allclose(together[[0, 15, 17]], alone, atol=1e-5 * np.abs(together).max())


def test_perceptual_distance_is_none_to_itself_and_more_to_what_differs_more(network):
    pictures, others = random_pictures(3), random_pictures(3, seed=1)
    nearer = ((pictures * 0.9) + others * 0.1).astype(np.uint8)
    distances = [
        network.perceptual_distances(pictures, these) for these in (pictures, nearer, others)
    ]
    assert np.all(distances[0] == 0)
    assert np.all(distances[1] > 0) and np.all(distances[1] < distances[2])
    np.testing.assert_allclose(
        distances[2], network.perceptual_distances(others, pictures), rtol=1e-4
    )


def test_metrics_are_named_after_the_network(network):
    assert network.distance_names == (
        "frechet_MobileNet_conv_pw_12_relu",
        "kernel_MobileNet_conv_pw_12_relu",
    )
    assert network.description["weights_sha256"] == "random"


def test_fid_is_that_of_inceptions_own_imagenet_weights_alone(tmp_path, monkeypatch):
    file = tmp_path / "weights.h5"
    file.write_bytes(b"some weights")
    others = FeatureFlags("InceptionV3", str(file))
    assert features.distance_names(others) == (
        "frechet_InceptionV3_mixed10",
        "kernel_InceptionV3_mixed10",
    )
    monkeypatch.setattr(
        features, "_INCEPTION_IMAGENET_MD5", hashlib.md5(b"some weights").hexdigest()
    )
    assert features.distance_names(others) == ("fid", "kid")
    assert (
        features.distance_names(FeatureFlags("MobileNet", str(file)))[0]
        == "frechet_MobileNet_conv_pw_12_relu"
    )
    assert (
        features.distance_names(FeatureFlags("InceptionV3", "random"))[0]
        == "frechet_InceptionV3_mixed10"
    )


def test_the_known_hash_is_the_one_that_keras_checks():
    source = pathlib.Path(
        tf.keras.applications.inception_v3.preprocess_input.__code__.co_filename
    ).read_text()
    weights = source.split("else:")
    assert any(
        features._INCEPTION_IMAGENET_MD5 in part and "WEIGHTS_PATH_NO_TOP" in part
        for part in weights
    )


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(
        UserError, match=f"^--features_weights={tmp_path}/none.h5: no such file; give imagenet, "
    ):
        features.check_weights(FeatureFlags("MobileNet", str(tmp_path / "none.h5")))
    features.check_weights(FeatureFlags("", str(tmp_path / "none.h5")))


def test_real_weights_tell_apart_what_people_do(shared_dir):
    """A picture a little darker is nearer, to ImageNet's features,
    than the same pixels in another order.
    """
    weights = shared_dir / "weights" / "mobilenet_1_0_224_tf_no_top.h5"
    network = FeatureNetwork(FeatureFlags("MobileNet", str(weights)))
    assert network.description["weights_sha256"] == hashlib.sha256(weights.read_bytes()).hexdigest()
    pictures = random_pictures(2)
    darker, shuffled = (pictures * 0.9).astype(np.uint8), np.flip(pictures, (1, 2))
    first, second = (network.perceptual_distances(pictures, these) for these in (darker, shuffled))
    assert np.all(first < 0.5 * second)


def test_another_judge_names_its_metrics_and_weights(shared_dir):
    """Pixels as they are saved, through the network that another implementation describes."""
    weights = shared_dir / "weights" / "efficientnet_lite0_imagenet.npz"
    check = np.load(shared_dir / "weights" / "efficientnet_lite0_check.npz")
    network = FeatureNetwork(FeatureFlags("EfficientNetLite0", str(weights)))
    assert network.distance_names == (
        "frechet_EfficientNetLite0_head",
        "kernel_EfficientNetLite0_head",
    )
    assert network.description["weights_sha256"] == hashlib.sha256(weights.read_bytes()).hexdigest()
    pixels = np.round(255 * check["pictures"].astype(np.float64)).astype(np.uint8)
    pooled = network.pooled(pixels, "")
    # The pictures are so smooth that the network sees how they are rounded to pixels.
    assert np.abs(pooled - check["pooled"]).mean() < 0.1 * check["pooled"].std()
