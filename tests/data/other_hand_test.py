"""Lines drawn again by another hand: what each change promises, by as much as is
asked for, and from the seed alone.
"""

from __future__ import annotations

import numpy as np
import pytest
import scipy.ndimage
import tensorflow as tf

from sketch2img_tf.config import DataConfig
from sketch2img_tf.data import augmentation, other_hand

SEEDS = [tf.constant([number, 0]) for number in range(24)]
SIDE = 256


@pytest.fixture(scope="module")
def lines() -> tf.Tensor:
    """Lines three wide, 16 apart, all over the page."""
    page = np.zeros([SIDE, SIDE, 1], np.float32)
    for row in range(8, SIDE, 16):
        page[row - 1 : row + 2] = 1.0
    return tf.constant(page)


@pytest.fixture(scope="module")
def several(lines):
    """A function: what a change makes of the lines, float [24, 256, 256]."""

    def several(change, *arguments):
        traced = tf.function(lambda seed: change(lines, *arguments, seed))
        return np.stack([traced(seed).numpy()[..., 0] for seed in SEEDS])

    return several


def pieces(page: np.ndarray) -> int:
    return scipy.ndimage.label(page > 0.5, np.ones([3, 3]))[1]


@pytest.mark.parametrize("grid", [other_hand._STROKE, other_hand._GAP])
def test_what_is_lost_is_up_to_a_share(several, lines, grid):
    lost = 1 - several(other_hand.without, 0.4, grid).sum((1, 2)) / lines.numpy().sum()
    assert lost.max() < 0.45 and lost.min() < 0.06
    assert lost.mean() == pytest.approx(0.2, abs=0.05)  # half of it: U(0, 0.4)


def test_gaps_are_many_and_missing_strokes_few(several):
    dropped, broken = (
        several(other_hand.without, 0.4, grid) for grid in (other_hand._STROKE, other_hand._GAP)
    )
    of_strokes, of_gaps = (np.mean([pieces(page) for page in pages]) for pages in (dropped, broken))
    assert of_gaps > 2 * of_strokes > 2 * 16  # 16 lines, some of them cut


def test_what_is_left_is_as_it_was(several, lines):
    page = several(other_hand.without, 0.4, other_hand._STROKE)
    kept = np.isclose(page, lines.numpy()[..., 0]) | np.isclose(page, 0)
    assert kept.all()


def test_a_second_stroke_lies_beside_the_first(several, lines):
    pages, once = several(other_hand.doubled, 1.0), lines.numpy()[..., 0]
    assert (pages >= once).all()
    added = pages.sum((1, 2)) / once.sum() - 1
    assert 0.1 < added.mean() < 0.6 and added.min() < 0.15
    distance = scipy.ndimage.distance_transform_edt(once < 0.5)
    far = other_hand._BESIDE * SIDE
    assert 1 < distance[np.any(pages - once > 0.5, 0)].max() < 5 * far


def test_lines_are_wider_here_and_thinner_there_but_never_gone(several, lines):
    pages, once = several(other_hand.of_other_width, 1.0), lines.numpy()[..., 0]
    middle = once * (np.roll(once, 1, 0) * np.roll(once, -1, 0))
    assert (pages[:, middle > 0.5] == 1).all()
    widths = pages.reshape(len(SEEDS), 16, 16, SIDE).sum(2)  # of every line, in every column
    assert 1 <= widths.min() < 1.3 and 4.7 < widths.max() <= 5
    assert widths.mean() == pytest.approx(3, abs=0.3)


def test_a_trembling_line_stays_one_line_of_its_width(several, lines):
    pages, once = several(other_hand.wobbled, 0.006), lines.numpy()[..., 0]
    np.testing.assert_allclose(pages.sum(1) / 16, 3, atol=0.5)
    rows = np.arange(SIDE)[:, np.newaxis]
    first = slice(0, 16)  # the first line alone
    centres = (pages[:, first] * rows[first]).sum(1) / pages[:, first].sum(1)
    assert 0.25 < (centres - 8).std() / (0.006 * SIDE) < 1.0
    turns = [count_turns(centre) for centre in centres]
    assert 4 < np.mean(turns) < 16  # over the page's width: it trembles, and is no noise
    assert np.abs(pages - once).max() > 0.5


def count_turns(centre: np.ndarray) -> int:
    """How often a line turns up or down, by more than a trace."""
    steps = np.diff(centre)
    signs = np.sign(steps[np.abs(steps) > 1e-3])
    return np.count_nonzero(signs[1:] != signs[:-1])


def test_flags_decide_and_the_photo_stays_as_it_is(lines):
    photo = tf.random.stateless_uniform([SIDE, SIDE, 3], [1, 2])
    still = dict(brightness_jitter=0.0, contrast_jitter=0.0)
    flags = {
        "sketch_wobble_fraction": 0.01,
        "sketch_double_fraction": 0.8,
        "sketch_width_pixels": 1.0,
        "sketch_break_fraction": 0.4,
        "sketch_drop_fraction": 0.4,
    }
    for one in ({}, *({name: value} for name, value in flags.items()), flags):
        config = DataConfig(**still, **one)
        first, again, other = (
            augmentation.augment(photo, lines, config, SEEDS[number]) for number in (3, 3, 4)
        )
        np.testing.assert_array_equal(first[0], photo)
        np.testing.assert_array_equal(first[1], again[1])
        assert first[1].shape == lines.shape
        assert 0 <= first[1].numpy().min() and first[1].numpy().max() <= 1 + 1e-6
        assert (np.abs(first[1] - lines).max() > 0.2) == bool(one)
        assert (np.abs(first[1] - other[1]).max() > 0.2) == bool(one)
