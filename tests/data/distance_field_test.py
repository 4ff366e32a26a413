"""Distance fields: two implementations against the definition, on
drawn, random, real and blank sketches.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from datasets.sketchy import records
from sketch2img_tf.config import DataConfig
from sketch2img_tf.data import distance_field, preprocessing
from sketch2img_tf.data.input_pipeline import (
    evaluation_batches,
    open_paired_dataset,
    training_batches,
)
from sketch2img_tf.data.names import DEFAULT_PHOTO_VARIANT, DEFAULT_SKETCH_VARIANT
from sketch2img_tf.data.statistics import Statistics
from sketch2img_tf.evaluation.evaluator import draw_mean_colour
from sketch2img_tf.evaluation.held_out import HeldOut
from sketch2img_tf.sheets import picture_grid
from tests.export import exports

FIELDS = Statistics((0.5, 0.4, 0.3), 0.7, (0.1,), 0.9, "distance_field")


def _truth(lines: np.ndarray) -> np.ndarray:
    """By the definition: every pixel to every line's pixel; float64 [H, W]."""
    pixels = np.argwhere(np.ones_like(lines))
    to_all = np.linalg.norm(pixels[:, None] - np.argwhere(lines), axis=-1)
    return to_all.min(1, initial=distance_field.NOWHERE).reshape(lines.shape)


def _random_lines() -> np.ndarray:
    """From one pixel to nearly all, and one picture not square."""
    random = np.random.default_rng(0)
    return [
        random.uniform(size=shape) < share
        for shape, share in [((40, 40), s) for s in _SHARES] + [((9, 31), 0.02)]
    ]


_SHARES = (0.0007, 0.003, 0.02, 0.3, 0.95)
CASES = [
    *_random_lines(),
    np.zeros([40, 40], bool),
    np.ones([40, 40], bool),
    np.eye(40, dtype=bool),
]


@pytest.mark.parametrize("lines", CASES, ids=lambda lines: f"{lines.sum()} of {lines.size}")
def test_both_are_the_definition(lines):
    field = distance_field.distances(tf.constant(lines)[tf.newaxis, ..., tf.newaxis])
    on_host = distance_field.distances_on_host(tf.constant(lines)[..., tf.newaxis])
    np.testing.assert_allclose(field[0, ..., 0], _truth(lines), rtol=1e-6)
    np.testing.assert_allclose(on_host[..., 0], _truth(lines), rtol=1e-6)


def _drawings(count: int, size: int = 64) -> np.ndarray:
    """Intensities of free shapes with the greys of antialiasing, the first
    one blank: float32 [count, S, S, 1].
    """
    pages = [np.asarray(exports.drawing(number, 256)) for number in range(count)]
    ink = [
        preprocessing.resize(preprocessing.sketch_intensities(page[..., None]), size)
        for page in pages
    ]
    return np.stack([np.zeros_like(ink[0]), *ink[1:]])


def _assert_equal_paths(sketches: np.ndarray) -> None:
    exported = preprocessing.normalize_sketches(tf.constant(sketches), FIELDS).numpy()
    on_host = np.stack(
        [preprocessing.normalize_sketch_on_host(tf.constant(sketch), FIELDS) for sketch in sketches]
    )
    np.testing.assert_allclose(on_host, exported, atol=1e-6)
    assert exported.min() == -1.0 and exported.max() == 1.0


@pytest.mark.parametrize("size", [64, 128])
def test_training_and_export_see_the_same(size):
    _assert_equal_paths(_drawings(12, size))


def test_training_and_export_see_the_same_of_real_sketches(shared_dir):
    files = sorted((shared_dir / "sketchy" / "256x256" / "sketch").rglob("*.png"))[::90]
    decoded = [preprocessing.decode_sketch(tf.io.read_file(str(path))) for path in files]
    _assert_equal_paths(np.stack([preprocessing.resize(sketch, 64) for sketch in decoded]))


def test_a_blank_sketch_is_far_from_everything():
    blank = tf.zeros([1, 64, 64, 1])
    np.testing.assert_array_equal(preprocessing.normalize_sketches(blank, FIELDS), -1.0)
    np.testing.assert_array_equal(preprocessing.normalize_sketch_on_host(blank[0], FIELDS), -1.0)


@pytest.mark.parametrize("size", [64, 128])
def test_normalised_by_hand(size):
    """A vertical line at column 3: 1 on it, 0 at an eighth of
    the side, -1 at a quarter and beyond.
    """
    ink = np.zeros([1, size, size, 1], np.float32)
    ink[:, :, 3] = 1.0
    row = preprocessing.normalize_sketches(tf.constant(ink), FIELDS)[0, 20, :, 0].numpy()
    near, half, far = size // 64, size // 8, size // 4
    columns = [3, 3 + near, 3 + half, 3 + far, size - 1]
    np.testing.assert_allclose(row[columns], [1.0, 0.875, 0.0, -1.0, -1.0], atol=1e-6)
    assert row[2] == row[4]


def test_rounding_to_pixels_changes_no_line():
    """What `tensors` of an export gets are pixels; training had intensities."""
    ink = tf.random.stateless_uniform([4, 64, 64, 1], [0, 0], 0.2, 0.3)  # all about the threshold
    rounded = tf.image.convert_image_dtype(preprocessing.to_pixels(ink), tf.float32)
    fields = [preprocessing.normalize_sketches(sketches, FIELDS) for sketches in (ink, rounded)]
    assert np.ptp(fields[0]) > 0
    np.testing.assert_array_equal(*fields)


@pytest.mark.parametrize("size", [64, 128])
def test_shown_as_lines_which_give_the_field_again(size):
    ink = _drawings(6, size)
    field = preprocessing.normalize_sketches(tf.constant(ink), FIELDS)
    paper = preprocessing.paper_intensities(field, FIELDS)
    assert set(np.unique(paper)) == {0.0, 1.0}
    # Of 256 levels, a quarter
    np.testing.assert_array_equal(paper == 0.0, np.round(255 * ink) >= 64)
    np.testing.assert_array_equal(preprocessing.normalize_sketches(1.0 - paper, FIELDS), field)


def _opened(data_dir, encoding):
    directory = records.dataset_dir(data_dir, DEFAULT_PHOTO_VARIANT, DEFAULT_SKETCH_VARIANT)
    return open_paired_dataset(str(directory), DataConfig(sketch_encoding=encoding))


def test_grids_show_lines(dummy_data_dir, monkeypatch):
    columns = []
    monkeypatch.setattr(
        picture_grid, "picture_grid", lambda pictures, names: columns.append(pictures)
    )
    for encoding in ("lines", "distance_field"):
        HeldOut(_opened(dummy_data_dir, encoding)).grid(draw_mean_colour)
    (of_lines, *photos), (of_fields, *same_photos) = columns
    np.testing.assert_array_equal(of_fields, np.where(of_lines < 255 * 0.75, 0, 255))
    np.testing.assert_array_equal(photos, same_photos)


def test_a_run_with_distance_fields_gets_them(dummy_data_dir):
    """Both in training and held out, where they are those of the
    lines that a run without them gets.
    """
    lines, fields = (_opened(dummy_data_dir, encoding) for encoding in ("lines", "distance_field"))
    assert fields.statistics == dataclasses.replace(
        lines.statistics, sketch_encoding="distance_field"
    )
    for read in (
        lambda data: training_batches(data, 6, seed=0),
        lambda data: evaluation_batches(data, "test", 6),
    ):
        of_lines, of_fields = (next(iter(read(data))) for data in (lines, fields))
        ink = 1.0 - preprocessing.paper_intensities(of_lines["sketches"], lines.statistics)
        expected = preprocessing.normalize_sketches(ink, fields.statistics)
        np.testing.assert_allclose(of_fields["sketches"], expected, atol=1e-6)
        np.testing.assert_array_equal(of_fields["photos"], of_lines["photos"])
