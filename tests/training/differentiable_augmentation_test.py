"""DiffAugment: what it changes, by how much, alike in photo and sketch, and
what of the gradient comes through.
"""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from sketch2img_tf.options.option import AUGMENTATIONS
from sketch2img_tf.training import differentiable_augmentation as diffaugment
from tests.paired import paired

SEED = tf.constant([3, 4])
COUNT = 400
PICTURES = tf.constant(np.random.default_rng(0).uniform(-1, 1, size=[COUNT, 16, 16, 3]), tf.float32)


@pytest.mark.parametrize("kinds", [("translation",), ("cutout",), ("translation", "cutout")])
def test_photo_and_sketch_move_alike(kinds):
    """Of a picture and itself as its sketch."""
    photos, sketches = diffaugment.augment(PICTURES, PICTURES[..., :1], kinds, SEED)
    np.testing.assert_array_equal(photos[..., :1], sketches)
    assert np.mean(np.any(photos != PICTURES, axis=(1, 2, 3))) > 0.9


def test_colour_leaves_the_sketch_and_the_places_alone():
    photos, sketches = diffaugment.augment(PICTURES, PICTURES[..., :1], ("colour",), SEED)
    np.testing.assert_array_equal(sketches, PICTURES[..., :1])
    for changed, photo in paired(photos[:20].numpy(), PICTURES[:20].numpy()):
        # Greys go to greys
        coefficients = np.polyfit(photo.mean(-1).ravel(), changed.mean(-1).ravel(), 1)
        np.testing.assert_allclose(
            np.polyval(coefficients, photo.mean(-1)), changed.mean(-1), atol=1e-5
        )


def test_strength_of_colour_changes():
    """Means tell the brightness; the spread of greys the contrast; that
    around the greys, saturation x contrast.
    """
    changed, photos = diffaugment.change_colours(PICTURES, SEED).numpy(), PICTURES.numpy()
    brightness = changed.mean((1, 2, 3)) - photos.mean((1, 2, 3))
    contrast = changed.mean(-1).std((1, 2)) / photos.mean(-1).std((1, 2))
    saturation = changed.std(-1).mean((1, 2)) / photos.std(-1).mean((1, 2)) / contrast
    for values, low, high in (
        (brightness, -0.5, 0.5),
        (contrast, 0.5, 1.5),
        (saturation, 0.0, 2.0),
    ):
        span = high - low
        assert (
            low - 1e-3 <= values.min() < low + 0.02 * span
            and high - 0.02 * span < values.max() <= high + 1e-3
        )
        np.testing.assert_allclose(
            [values.mean(), values.std()], [(low + high) / 2, span / 12**0.5], atol=0.05 * span
        )
    assert np.abs(np.corrcoef([brightness, contrast, saturation]) - np.eye(3)).max() < 0.15


def test_translation_is_by_up_to_an_eighth_and_moves_zeros_in():
    points = np.zeros([COUNT, 16, 16, 1], np.float32)
    points[:, 8, 8] = 1.0
    moved = diffaugment.translate(tf.constant(points), SEED).numpy()[..., 0]
    assert np.all(moved.sum((1, 2)) == 1)
    shifts = np.argwhere(moved)[:, 1:] - 8
    assert {tuple(shift) for shift in shifts} == {
        (i, j) for i in range(-2, 3) for j in range(-2, 3)
    }
    ones = diffaugment.translate(tf.ones([COUNT, 16, 16, 1]), SEED).numpy()[..., 0]
    kept = [(16 - abs(i)) * (16 - abs(j)) for i, j in shifts]
    np.testing.assert_array_equal(ones.sum((1, 2)), kept)


def test_cutout_is_a_square_of_half_the_side_around_any_pixel():
    cut = diffaugment.cut_out(tf.ones([4 * COUNT, 16, 16, 1]), SEED).numpy()[..., 0] == 0
    rows, columns = cut.any(2), cut.any(1)
    np.testing.assert_array_equal(cut, rows[:, :, np.newaxis] & columns[:, np.newaxis])
    ranges = {(int(row.argmax()), int(row.sum())) for row in np.concatenate([rows, columns])}
    assert ranges == {(max(c - 4, 0), min(c + 4, 16) - max(c - 4, 0)) for c in range(16)}


@pytest.mark.parametrize("kinds", [(kind,) for kind in AUGMENTATIONS] + [AUGMENTATIONS])
def test_gradient_is_that_of_the_changes(kinds):
    """Along a random direction, against the difference quotient."""
    rng = np.random.default_rng(1)
    photos, sketches = PICTURES[:4], PICTURES[:4, ..., :1]
    weights, direction = (tf.constant(rng.normal(size=photos.shape), tf.float32) for _ in range(2))

    def value(x):
        return tf.reduce_sum(weights * diffaugment.augment(x, sketches, kinds, SEED)[0])

    with tf.GradientTape() as tape:
        tape.watch(photos)
        gradient = tape.gradient(value(photos), photos)
    slope = float(tf.reduce_sum(gradient * direction))
    # The changes are linear
    quotient = float(value(photos + 0.5 * direction) - value(photos - 0.5 * direction))
    assert abs(slope) > 1.0
    assert slope == pytest.approx(quotient, rel=1e-3)


def test_examples_and_seeds_have_changes_of_their_own():
    same = tf.repeat(PICTURES[:1], 8, axis=0)
    photos, _ = diffaugment.augment(same, same[..., :1], AUGMENTATIONS, SEED)
    again, _ = diffaugment.augment(same, same[..., :1], AUGMENTATIONS, SEED)
    other, _ = diffaugment.augment(same, same[..., :1], AUGMENTATIONS, SEED + 1)
    np.testing.assert_array_equal(photos, again)
    pictures = np.concatenate([photos, other])
    assert len(np.unique(pictures.reshape(16, -1).round(4), axis=0)) == 16
