"""What a drawing encloses against SciPy's reading of the same, on
shapes by hand, at random and drawn.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import tensorflow as tf
from scipy import ndimage

from sketch2img_tf.data import distance_field, preprocessing, silhouette
from sketch2img_tf.data.statistics import Statistics
from tests.export import exports

SIGNED = Statistics((0.5, 0.4, 0.3), 0.7, (0.1,), 0.9, "signed_distance")
SQUARE = np.ones([3, 3], bool)


def _outside(lines: np.ndarray) -> np.ndarray:
    return silhouette.outside(tf.constant(lines)[tf.newaxis, ..., tf.newaxis])[0, ..., 0].numpy()


def _truth(lines: np.ndarray) -> np.ndarray:
    """Holes of the widened lines, in a frame of paper; what is left is widened back."""
    reach = lines.shape[1] // 64
    walls = ndimage.binary_dilation(lines, SQUARE, reach) if reach else lines
    around = ~ndimage.binary_fill_holes(np.pad(walls, 1))[1:-1, 1:-1]
    return (ndimage.binary_dilation(around, SQUARE, reach) if reach else around) & ~lines


def _ring(size: int, gap: int) -> np.ndarray:
    """The outline of a square, with a gap in its right side."""
    lines = np.zeros([size, size], bool)
    lines[10:31, 10:31] = True
    lines[11:30, 11:30] = False
    lines[20 : 20 + gap, 30] = False
    return lines


def _corridors() -> np.ndarray:
    """To and fro between walls, each with a door at its other end: 15 times the picture's width."""
    lines = np.zeros([32, 32], bool)
    lines[::2] = lines[:, 0] = lines[:, 31] = True
    lines[0:30:4, 1] = lines[2:30:4, 30] = False
    return lines


@pytest.mark.parametrize("size", [32, 64, 128])
def test_a_ring_encloses_its_inside_unless_its_gap_is_wide(size):
    inside = ndimage.binary_fill_holes(_ring(size, 0)) & ~_ring(size, 0)
    closed = size // 64 * 2
    for gap in (0, closed):
        lines = _ring(size, gap)
        assert not _outside(lines)[12:29, 12:29].any() and not _outside(lines)[inside].any()
        np.testing.assert_array_equal(_outside(lines)[:10], True)
    assert _outside(_ring(size, closed + 1))[12:29, 12:29].all()


def test_lines_that_touch_at_corners_hold():
    diamond = np.abs(np.arange(32)[:, None] - 16) + np.abs(np.arange(32) - 16) == 9
    assert not _outside(diamond)[16, 16] and _outside(diamond)[0, 0]


def test_a_long_way_in_is_gone_to_its_end():
    lines = _corridors()
    np.testing.assert_array_equal(_outside(lines), ~lines)
    lines[0, 1] = True
    assert not _outside(lines)[:30].any()


def _drawings(size: int) -> np.ndarray:
    pages = [np.asarray(exports.drawing(number, 256)) for number in range(8)]
    ink = [
        preprocessing.resize(preprocessing.sketch_intensities(page[..., None]), size)
        for page in pages
    ]
    return np.stack([np.zeros_like(ink[0]), *ink])


def test_it_is_scipys():
    """Every picture by itself, whatever is beside it in the batch."""
    random = np.random.default_rng(0)
    lines = np.concatenate(
        [
            random.uniform(size=[8, 64, 64])
            < np.array([0.0, 0.01, 0.03, 0.05, 0.1, 0.4, 0.9, 1.0])[:, None, None],
            _drawings(64)[..., 0] > 0.25,
        ]
    )
    found = silhouette.outside(tf.constant(lines)[..., tf.newaxis])[..., 0]
    np.testing.assert_array_equal(found, np.stack([_truth(each) for each in lines]))
    assert 0.05 < np.mean(~found.numpy() & ~lines) < 0.95


def test_xla_compiles_it():
    """As a compiled step reads its pictures."""
    lines = tf.constant(_drawings(64) > 0.25)
    compiled = tf.function(silhouette.outside, autograph=False, jit_compile=True)
    np.testing.assert_array_equal(compiled(lines), silhouette.outside(lines))


def test_signed_distances_by_hand():
    """Across a ring at columns 10 and 30: to the lines' outer
    edges, in units of a quarter of the side.
    """
    ink = _ring(64, 0)[np.newaxis, ..., np.newaxis].astype(np.float32)
    row = 16 * preprocessing.normalize_sketches(tf.constant(ink), SIGNED)[0, 20, :, 0].numpy()
    np.testing.assert_allclose(row[[9, 10, 11, 15, 20]], [-0.5, 0.5, 1.5, 5.5, 10.5], atol=1e-5)
    np.testing.assert_allclose(
        row[[0, 31, 46, 47, 63]], [-9.5, -0.5, -15.5, -16.0, -16.0], atol=1e-5
    )


@pytest.mark.parametrize("size", [64, 128])
def test_training_and_export_see_the_same_and_show_the_lines_that_were_drawn(size):
    ink = tf.constant(_drawings(size))
    encoded = preprocessing.normalize_sketches(ink, SIGNED)
    on_host = np.stack([preprocessing.normalize_sketch_on_host(each, SIGNED) for each in ink])
    np.testing.assert_allclose(on_host, encoded, atol=1e-6)
    # 0 is what augmentation moves in
    assert encoded.numpy().min() == -1.0 and not np.any(encoded == 0)
    paper = preprocessing.paper_intensities(encoded, SIGNED)
    of_fields = dataclasses.replace(SIGNED, sketch_encoding="distance_field")
    fields = preprocessing.normalize_sketches(ink, of_fields)
    np.testing.assert_array_equal(paper, preprocessing.paper_intensities(fields, of_fields))
    np.testing.assert_array_equal(preprocessing.normalize_sketches(1.0 - paper, SIGNED), encoded)
    lines = (paper == 0.0).numpy()
    np.testing.assert_allclose(
        np.abs(encoded)[~lines], np.minimum(_off_the_lines(lines, encoded) / (size / 4), 1)
    )


def _off_the_lines(lines: np.ndarray, encoded: tf.Tensor) -> np.ndarray:
    distances = distance_field.distances(tf.constant(lines)).numpy()
    return (distances + np.where(encoded > 0, 0.5, -0.5))[~lines]
