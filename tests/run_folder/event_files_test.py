"""A run that goes on shows no step twice in TensorBoard."""

from __future__ import annotations

import os

import pytest
import tensorflow as tf
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from sketch2img_tf.run_folder.summaries import Summaries


def session(workdir, after, steps):
    summaries = Summaries(str(workdir), after)
    for step in steps:
        summaries.scalars(step, {"loss": float(step)})
    summaries.sheet(steps[-1], Image.new("RGB", (3, 4)), "samples")
    return summaries


def shown_values(workdir):
    """What TensorBoard itself shows, by tag: pairs of step and value, sorted; of times, nothing.

    Files of one second are read in the order of a counter as text.
    """
    accumulator = EventAccumulator(str(workdir / "tensorboard"), size_guidance={"tensors": 0})
    accumulator.Reload()
    tags = set(accumulator.Tags()["tensors"]) - {"steps_per_second"}
    events = {tag: accumulator.Tensors(tag) for tag in tags}
    return {
        tag: sorted((e.step, tf.make_ndarray(e.tensor_proto).tolist()) for e in events[tag])
        for tag in tags
    }


def shown(workdir):
    """The steps that TensorBoard itself shows for a scalar and for pictures."""
    values = shown_values(workdir)
    return [[step for step, _ in values[tag]] for tag in ("loss", "samples")]


def test_a_run_that_goes_on_shows_no_step_twice(tmp_path):
    before = session(tmp_path, -1, [1, 2, 3, 4])
    del before  # killed
    session(tmp_path, 2, [3, 4, 5]).close()
    assert shown(tmp_path) == [[1, 2, 3, 4, 5], [5]]
    session(tmp_path, 5, [6]).close()
    assert shown(tmp_path) == [[1, 2, 3, 4, 5, 6], [5, 6]]


def test_a_session_without_a_step_that_counts_leaves_no_file(tmp_path):
    session(tmp_path, -1, [1, 2]).close()
    session(tmp_path, 0, [1]).close()
    assert shown(tmp_path) == [[1], [1]]
    assert len(list((tmp_path / "tensorboard").iterdir())) == 1


@pytest.mark.parametrize("cut", [1, 9, 30])
def test_an_event_that_was_cut_short_does_not_hide_others(tmp_path, cut):
    session(tmp_path, -1, [1, 2, 3]).close()
    (file,) = (tmp_path / "tensorboard").iterdir()
    os.truncate(file, file.stat().st_size - cut)
    session(tmp_path, 3, [4]).close()
    assert shown(tmp_path)[0] == [1, 2, 3, 4]
    for path in (tmp_path / "tensorboard").iterdir():
        assert list(tf.data.TFRecordDataset(str(path)))  # whole again
