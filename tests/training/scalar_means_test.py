"""Scalars between two lines of the log."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from sketch2img_tf.training.scalar_means import StepMeans


def step(**values):
    return {
        tag.replace("_", "/", 1): tf.constant(value, tf.float32) for tag, value in values.items()
    }


def test_means_of_what_is_finite_and_the_number_of_skipped_updates():
    means = StepMeans()
    for loss, skipped in ((1.0, 0.0), (np.nan, 1.0), (np.inf, 1.0), (4.0, 0.0)):
        means.add(step(d_loss=loss, d_skipped_updates=skipped))
    assert means.take() == {"d/loss": 2.5, "d/skipped_updates": 2.0}
    means.add(step(d_loss=np.nan, d_skipped_updates=1.0))
    assert means.take() == {"d/skipped_updates": 1.0}


def test_a_checkpoint_between_two_lines_changes_no_bit_of_the_next(tmp_path):
    random = np.random.default_rng(0).normal(size=7).astype(np.float32)
    straight, stopped, resumed = StepMeans(), StepMeans(), StepMeans()
    for value in random:
        straight.add(step(d_loss=value))
    for value in random[:4]:
        stopped.add(step(d_loss=value))
    path = tf.train.Checkpoint(means=stopped).write(str(tmp_path / "ckpt"))
    tf.train.Checkpoint(means=resumed).read(path).assert_existing_objects_matched()
    for value in random[4:]:
        resumed.add(step(d_loss=value))
    assert resumed.take() == straight.take()


def test_steps_of_one_call_count_one_by_one(tmp_path):
    """A NaN takes nothing from the other steps of its call; a
    checkpoint holds the calls as they were.
    """
    means, resumed = StepMeans(), StepMeans()
    means.add(step(d_loss=1.0, d_skipped_updates=0.0))
    means.add(step(d_loss=[2.0, np.nan, 6.0], d_skipped_updates=[0.0, 1.0, 0.0]))
    means.add(step(d_loss=[np.nan, 7.0], d_skipped_updates=[1.0, 0.0]))
    assert means.last() == {"d/loss": 7.0, "d/skipped_updates": 0.0}
    path = tf.train.Checkpoint(means=means).write(str(tmp_path / "ckpt"))
    tf.train.Checkpoint(means=resumed).read(path).assert_existing_objects_matched()
    assert means.take() == resumed.take() == {"d/loss": 4.0, "d/skipped_updates": 2.0}
