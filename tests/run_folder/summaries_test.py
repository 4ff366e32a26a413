"""Scalars and grids of a run, in TensorBoard and in files, over several sessions."""

from __future__ import annotations

import json

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from sketch2img_tf.run_folder.summaries import FOLDERS, Summaries, read_scalars


def events(workdir):
    """TensorBoard's values of `workdir` as (step, tag, value or picture)."""
    found = []
    for path in sorted((workdir / "tensorboard").iterdir()):
        for record in tf.data.TFRecordDataset(str(path)):
            event = tf.compat.v1.Event.FromString(record.numpy())
            found += [
                (event.step, value.tag, tf.make_ndarray(value.tensor))
                for value in event.summary.value
            ]
    return found


def picture(colour):
    return Image.new("RGB", (5, 4), colour)


def test_scalars_are_the_same_in_both(tmp_path):
    summaries = Summaries(str(tmp_path), 0)
    summaries.scalars(10, {"generator/gan": 0.5, "steps_per_second": 2.0})
    summaries.scalars(20, {"held_out_l1": 0.25})
    assert read_scalars(str(tmp_path)) == [
        {"step": 10, "generator/gan": 0.5, "steps_per_second": 2.0},
        {"step": 20, "held_out_l1": 0.25},
    ]
    assert [(step, tag, float(value)) for step, tag, value in events(tmp_path)] == [
        (10, "generator/gan", 0.5),
        (10, "steps_per_second", 2.0),
        (20, "held_out_l1", 0.25),
    ]


@pytest.mark.parametrize("folder", FOLDERS)
def test_sheets_are_the_same_in_both(tmp_path, folder):
    path = Summaries(str(tmp_path), 0).sheet(30, picture((255, 128, 0)), folder)
    assert path == str(tmp_path / folder / "00000030.png")
    ((step, tag, (width, height, encoded)),) = events(tmp_path)
    assert (step, tag, int(width), int(height)) == (30, folder, 5, 4)
    np.testing.assert_array_equal(tf.io.decode_png(encoded), np.asarray(Image.open(path)))
    np.testing.assert_array_equal(np.asarray(Image.open(path))[2, 3], (255, 128, 0))


def test_a_run_that_goes_on_forgets_what_came_after_its_checkpoint(tmp_path):
    before = Summaries(str(tmp_path), 0)
    for step in (1, 2, 3):
        before.scalars(step, {"a": float(step)})
        for folder in FOLDERS:
            before.sheet(step, picture("black"), folder)
    now = Summaries(str(tmp_path), 2)
    now.scalars(3, {"a": 33.0})
    assert [line["a"] for line in read_scalars(str(tmp_path))] == [1, 2, 33]
    for folder in FOLDERS:
        assert sorted(path.name for path in (tmp_path / folder).iterdir()) == [
            "00000001.png",
            "00000002.png",
        ]


def test_a_line_that_was_cut_short_is_left_out_and_overwritten(tmp_path):
    Summaries(str(tmp_path), 0).scalars(1, {"a": 1.0})
    file = tmp_path / "scalars.jsonl"
    file.write_text(file.read_text() + '{"step": 2, "a')
    assert read_scalars(str(tmp_path)) == [{"step": 1, "a": 1.0}]
    Summaries(str(tmp_path), 1).scalars(2, {"a": 2.0})
    assert [json.loads(line)["a"] for line in file.read_text().splitlines()] == [1.0, 2.0]


def test_no_run_has_no_scalars(tmp_path):
    assert read_scalars(str(tmp_path)) == []
