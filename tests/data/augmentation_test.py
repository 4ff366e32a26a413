"""Jitter: within its bounds, all over them, and from its seed alone."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from sketch2img_tf.data.augmentation import jitter_photo

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
