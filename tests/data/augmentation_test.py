"""Jitter, flips and crops: within their bounds, all over them, and from their seeds alone."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from sketch2img_tf.data.augmentation import crop_pair, flip_pair, jitter_photo

SEEDS = tf.stack([tf.range(400), tf.zeros([400], tf.int32)], 1)


@pytest.fixture(scope="module")
def lines() -> np.ndarray:
    """Contrast and brightness of 400 jitters of one photo: each pixel becomes contrast * pixel + offset."""
    photo = np.linspace(0.45, 0.55, 48).reshape(4, 4, 3).astype(np.float32)  # too grey to be clipped
    jittered = tf.map_fn(lambda seed: jitter_photo(photo, seed), SEEDS, fn_output_signature=tf.float32)
    channels = photo.reshape(16, 3)[:, 0], jittered.numpy().reshape(400, 16, 3)[:, :, 0]
    contrast, offset = np.polyfit(channels[0], channels[1].T, 1)
    mean = channels[0].mean()
    return np.stack([contrast, contrast * mean + offset - mean])


def test_contrast_is_uniform_within_a_fifth(lines):
    contrast = lines[0]
    assert 0.8 - 1e-3 <= contrast.min() < 0.82 and 1.18 < contrast.max() <= 1.2 + 1e-3
    np.testing.assert_allclose([contrast.mean(), contrast.std()], [1.0, 0.4 / 12**0.5], atol=0.02)


def test_brightness_is_uniform_within_three_tenths(lines):
    brightness = lines[1]
    assert -0.3 - 1e-3 <= brightness.min() < -0.28 and 0.28 < brightness.max() <= 0.3 + 1e-3
    np.testing.assert_allclose([brightness.mean(), brightness.std()], [0.0, 0.6 / 12**0.5], atol=0.03)


def test_brightness_and_contrast_are_drawn_apart(lines):
    assert abs(np.corrcoef(lines)[0, 1]) < 0.15


def test_contrast_keeps_the_mean_of_every_channel():
    """A photo of one colour has no contrast to change: only its brightness moves, in all channels alike."""
    photo = tf.broadcast_to(tf.constant([0.4, 0.5, 0.6]), [4, 4, 3])
    change = jitter_photo(photo, tf.constant([3, 0])) - photo
    np.testing.assert_allclose(change, np.full([4, 4, 3], change[0, 0, 0]), atol=1e-6)
    assert abs(float(change[0, 0, 0])) > 0.01


def test_result_stays_a_photograph():
    photo = tf.constant(np.random.default_rng(0).uniform(size=[16, 16, 3]), tf.float32)
    jittered = np.stack([jitter_photo(photo, seed) for seed in SEEDS[:40]])
    assert jittered.min() == 0.0 and jittered.max() == 1.0


def test_same_seed_gives_the_same_change():
    photo = tf.constant(np.random.default_rng(0).uniform(size=[4, 4, 3]), tf.float32)
    np.testing.assert_array_equal(jitter_photo(photo, SEEDS[5]), jitter_photo(photo, SEEDS[5]))
    assert np.abs(jitter_photo(photo, SEEDS[5]) - jitter_photo(photo, SEEDS[6])).max() > 0.01


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
    for picture, before in zip(flip_pair(*once, 1.0, SEEDS[0]), pair):
        np.testing.assert_array_equal(picture, before)


@pytest.mark.parametrize("probability", [0.0, 0.5, 1.0])
def test_a_share_is_flipped(probability):
    photo, sketch = _pair(2, 2)
    flipped = [np.array_equal(flip_pair(photo, sketch, probability, seed)[0], photo[:, ::-1]) for seed in SEEDS]
    assert abs(np.mean(flipped) - probability) < 0.06
    assert np.mean(flipped) == probability or probability == 0.5


def test_crops_are_squares_of_all_sizes_and_places():
    """Rows and columns of the photo tell where a crop is from."""
    rows, columns = tf.meshgrid(tf.range(100.0), tf.range(100.0), indexing="ij")
    photo = tf.stack([rows, columns, rows], -1)
    crops = [crop_pair(photo, photo[..., :1], 0.2, seed)[0].numpy() for seed in SEEDS[:200]]
    sides = np.array([crop.shape[:2] for crop in crops])
    firsts = np.array([crop[0, 0, :2] for crop in crops])
    assert np.abs(sides[:, 0] - sides[:, 1]).max() <= 1  # a corner at half a pixel rounds up, with the side
    assert sides.min() in (80, 81) and sides.max() in (99, 100)
    assert np.all(firsts >= 0) and np.all(firsts + sides <= 100)
    free = (firsts / np.maximum(100 - sides, 1))[sides[:, 0] < 95]
    assert free.min() < 0.05 and free.max() > 0.95 and abs(np.corrcoef(free.T)[0, 1]) < 0.2
    for crop, first in zip(crops, firsts):
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
