"""Jitter, flips and crops: within their bounds, all over them, and from their seeds alone."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image, ImageEnhance

from sketch2img_tf.config import DataConfig
from sketch2img_tf.data import augmentation
from sketch2img_tf.data.augmentation import crop_pair, flip_pair, jitter_photo, relight
from tests.paired import paired

SEEDS = tf.stack([tf.range(400), tf.zeros([400], tf.int32)], 1)
LUMA = np.array([0.299, 0.587, 0.114])


def _photo(low: float = 0.0, high: float = 1.0, side: int = 16) -> np.ndarray:
    return np.random.default_rng(0).uniform(low, high, [side, side, 3]).astype(np.float32)


# --- The light of the photo


@pytest.mark.parametrize(
    "brightness, contrast", [(0.7, 0.8), (0.7, 1.2), (1.3, 0.8), (1.3, 1.2), (0.85, 1.1)]
)
def test_photo_is_relit_as_pillow_does_it(brightness, contrast):
    """In either order; Pillow rounds to a level after each, and the mean to one too."""
    pixels = np.round(_photo(0.3, 0.6) * 255).astype(np.uint8)
    found = 255 * relight(tf.constant(pixels / np.float32(255)), brightness, contrast).numpy()
    steps = [(ImageEnhance.Brightness, brightness), (ImageEnhance.Contrast, contrast)]
    for order in (steps, steps[::-1]):
        picture = Image.fromarray(pixels)
        for enhance, factor in order:
            picture = enhance(picture).enhance(factor)
        np.testing.assert_allclose(found, np.asarray(picture), atol=2.5)


def test_photo_is_relit_about_its_mean_grey():
    """Of a red and a grey pixel, (0.299 * 0.8 + 0.4) / 2 = 0.3196: 1.5 *
    (0.3196 + 0.5 * (0.8 - 0.3196)) = 0.8397.
    """
    photo = np.array([[[0.8, 0.0, 0.0], [0.4, 0.4, 0.4]]], np.float32)
    expected = [[[0.8397, 0.2397, 0.2397], [0.5397, 0.5397, 0.5397]]]
    np.testing.assert_allclose(relight(tf.constant(photo), 1.5, 0.5), expected, atol=1e-6)


def test_factors_of_1_change_nothing():
    photo = _photo()
    np.testing.assert_allclose(relight(tf.constant(photo), 1.0, 1.0), photo, atol=1e-6)


def test_no_contrast_is_the_mean_grey_all_over():
    photo = _photo()
    grey = np.full(photo.shape, (photo @ LUMA).mean())
    np.testing.assert_allclose(relight(tf.constant(photo), 1.0, 0.0), grey, atol=1e-6)


def test_what_is_clipped_is_clipped_once():
    """Twice as bright and then half the contrast: 0.8 becomes 0.4 + 0.8, and
    not half of 1 and half of the mean.
    """
    photo = np.full([2, 2, 3], 0.4, np.float32)
    photo[0, 0] = 0.6
    np.testing.assert_allclose(
        relight(tf.constant(photo), 2.0, 0.5)[0, 0], np.full(3, 1.0), atol=1e-6
    )
    np.testing.assert_allclose(
        relight(tf.constant(photo), 1.7, 0.5)[0, 0], np.full(3, 1.7 * 0.525), atol=1e-6
    )
    assert relight(tf.constant(photo), 3.0, 1.0).numpy().max() == 1.0
    assert relight(tf.constant(_photo()), 1.0, 1.2).numpy().min() == 0.0


def _of_each_seed(change) -> tf.Tensor:
    """What `change` makes of each of `SEEDS`, in a graph, which is faster than 400 calls."""
    return tf.function(lambda: tf.map_fn(change, SEEDS, fn_output_signature=tf.float32))()


@pytest.fixture(scope="module")
def factors() -> np.ndarray:
    """Brightness and contrast of 400 jitters of a photo: a pixel
    becomes their product times it + offset.
    """
    # Too grey to be clipped
    photo = np.linspace(0.45, 0.55, 48).reshape(4, 4, 3).astype(np.float32)
    jittered = _of_each_seed(lambda seed: jitter_photo(tf.constant(photo), 0.3, 0.2, seed))
    channels = photo.reshape(16, 3)[:, 0], jittered.numpy().reshape(400, 16, 3)[:, :, 0]
    product, offset = np.polyfit(channels[0], channels[1].T, 1)
    mean = (photo @ LUMA).mean()
    brightness = (product * mean + offset) / mean
    return np.stack([brightness, product / brightness])


@pytest.mark.parametrize("number, most", [(0, 0.3), (1, 0.2)], ids=["brightness", "contrast"])
def test_a_factor_is_uniform_within_its_bounds(factors, number, most):
    of_photo = factors[number]
    assert 1 - most - 1e-3 <= of_photo.min() < 1 - 0.95 * most
    assert 1 + 0.95 * most < of_photo.max() <= 1 + most + 1e-3
    np.testing.assert_allclose(
        [of_photo.mean(), of_photo.std()], [1.0, 2 * most / 12**0.5], atol=0.1 * most
    )


def test_brightness_and_contrast_are_drawn_apart(factors):
    assert abs(np.corrcoef(factors)[0, 1]) < 0.15


def test_same_seed_same_change():
    photo = tf.constant(_photo(side=4))
    np.testing.assert_array_equal(
        jitter_photo(photo, 0.3, 0.2, SEEDS[5]), jitter_photo(photo, 0.3, 0.2, SEEDS[5])
    )
    difference = jitter_photo(photo, 0.3, 0.2, SEEDS[5]) - jitter_photo(photo, 0.3, 0.2, SEEDS[6])
    assert np.abs(difference).max() > 0.01


def test_no_jitter_leaves_a_photo_as_it_is():
    photo, sketch = _pair()
    still = DataConfig(brightness_jitter=0.0, contrast_jitter=0.0)
    np.testing.assert_array_equal(augmentation.augment(photo, sketch, still, SEEDS[5])[0], photo)
    for option in ("brightness_jitter", "contrast_jitter"):
        changed = augmentation.augment(
            photo, sketch, dataclasses.replace(still, **{option: 0.3}), SEEDS[5]
        )
        assert np.abs(changed[0] - photo).max() > 0.01
        np.testing.assert_array_equal(changed[1], sketch)


# --- Photo and sketch together


def _pair(height: int = 24, width: int = 24) -> tuple[tf.Tensor, tf.Tensor]:
    """A photo, and its first channel as its sketch."""
    photo = tf.constant(np.random.default_rng(0).uniform(size=[height, width, 3]), tf.float32)
    return photo, photo[..., :1]


@pytest.mark.parametrize("change", [flip_pair, crop_pair])
def test_photo_and_sketch_change_alike(change):
    for seed in SEEDS[:10]:
        photo, sketch = change(*_pair(), 0.5, seed)
        np.testing.assert_array_equal(photo[..., :1], sketch)


def test_flipped_twice_is_as_before():
    pair = _pair()
    once = flip_pair(*pair, 1.0, SEEDS[0])
    np.testing.assert_array_equal(once[0], pair[0][:, ::-1])
    for picture, before in paired(flip_pair(*once, 1.0, SEEDS[0]), pair):
        np.testing.assert_array_equal(picture, before)


@pytest.mark.parametrize("probability", [0.0, 0.5, 1.0])
def test_a_share_is_flipped(probability):
    photo, sketch = _pair(2, 2)
    photos = _of_each_seed(lambda seed: flip_pair(photo, sketch, probability, seed)[0])
    flipped = [np.array_equal(each, photo[:, ::-1]) for each in photos.numpy()]
    assert abs(np.mean(flipped) - probability) < 0.06
    assert np.mean(flipped) == probability or probability == 0.5


def test_crops_are_squares_of_all_sizes_and_places():
    """Rows and columns of the photo tell where a crop is from."""
    rows, columns = tf.meshgrid(tf.range(100.0), tf.range(100.0), indexing="ij")
    photo = tf.stack([rows, columns, rows], -1)
    cropped = tf.function(lambda seed: crop_pair(photo, photo[..., :1], 0.2, seed)[0])
    crops = [cropped(seed).numpy() for seed in SEEDS[:200]]
    sides = np.array([crop.shape[:2] for crop in crops])
    firsts = np.array([crop[0, 0, :2] for crop in crops])
    # A corner at half a pixel rounds up, with the side
    assert np.abs(sides[:, 0] - sides[:, 1]).max() <= 1
    assert sides.min() in (80, 81) and sides.max() in (99, 100)
    assert np.all(firsts >= 0) and np.all(firsts + sides <= 100)
    free = (firsts / np.maximum(100 - sides, 1))[sides[:, 0] < 95]
    assert free.min() < 0.05 and free.max() > 0.95 and abs(np.corrcoef(free.T)[0, 1]) < 0.2
    for crop, first in paired(crops, firsts):
        np.testing.assert_array_equal(crop[:, 0, 0], first[0] + np.arange(len(crop)))


def test_crops_of_other_sizes_are_of_the_same_view():
    """A sketch of twice the photo's size: its crop is twice as large and begins twice as far."""
    far = tf.range(200.0)[:, tf.newaxis, tf.newaxis] * tf.ones([1, 200, 1])
    near = tf.repeat(tf.range(100.0)[:, tf.newaxis, tf.newaxis] * tf.ones([1, 100, 1]), 3, -1)
    for seed in SEEDS[:20]:
        photo, sketch = crop_pair(near, far, 0.3, seed)
        assert abs(2 * photo.shape[0] - sketch.shape[0]) <= 2
        assert abs(2 * float(photo[0, 0, 0]) - float(sketch[0, 0, 0])) <= 2


def test_nothing_to_crop():
    photo, sketch = _pair()
    np.testing.assert_array_equal(crop_pair(photo, sketch, 0.0, SEEDS[0])[0], photo)
