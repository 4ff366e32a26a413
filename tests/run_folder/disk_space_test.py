"""A disk without room: seen before a run starts, and told in one line when it happens."""

from __future__ import annotations

import errno
import os

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from sketch2img_tf.errors import UserError
from sketch2img_tf.run_folder import checkpoint_files, disk_space
from sketch2img_tf.run_folder.summaries import Summaries, read_scalars

MEGABYTE = 2**20


def fill(folder, left):
    """Takes all but so many bytes of the disk."""
    with open(folder / "filling", "wb") as file:
        file.write(b"\0" * (os.statvfs(folder).f_bavail * os.statvfs(folder).f_frsize - left))


def numbers(megabytes):
    return tf.Variable(np.random.default_rng(0).random([megabytes, MEGABYTE // 8]))


def test_room_is_looked_for_before_the_run_starts(small_disk):
    disk = small_disk(100)
    variables = [tf.Variable(tf.zeros([MEGABYTE * 2])), tf.Variable(0, dtype=tf.int64)]
    disk_space.check(str(disk), variables, checkpoints=4)  # 32 MB, and 64 for the rest
    message = (
        f"^--workdir={disk}: 100 MB free, 104 MB needed for 5 checkpoints and summaries;"
        " make room, or lower --ch"
    )
    with pytest.raises(UserError, match=message):
        disk_space.check(str(disk), variables, checkpoints=5)


def test_a_checkpoint_without_room_leaves_the_one_before_whole(small_disk):
    disk, checkpoint = small_disk(20), tf.train.Checkpoint(numbers=numbers(6))
    manager = tf.train.CheckpointManager(
        checkpoint, checkpoint_files.directory(str(disk)), max_to_keep=3
    )
    manager.save(checkpoint_number=1)
    fill(disk, 3 * MEGABYTE)
    message = (
        rf"^--workdir={disk}: no room left on its disk \(\d+ MB free\);"
        " make room, and the same command goes on"
    )
    with pytest.raises(UserError, match=message), disk_space.writing(str(disk)):
        manager.save(checkpoint_number=2)
    os.remove(disk / "filling")
    assert checkpoint_files.newest(str(disk)).endswith("ckpt-1")
    checkpoint_files.mend(str(disk))
    assert sorted(os.listdir(disk / "checkpoints")) == [
        "checkpoint",
        "ckpt-1.data-00000-of-00001",
        "ckpt-1.index",
    ]
    manager.save(checkpoint_number=2)
    assert checkpoint_files.newest(str(disk)).endswith("ckpt-2")


def test_a_line_and_a_sample_without_room(small_disk):
    disk = small_disk(3)
    summaries = Summaries(str(disk), -1)
    summaries.scalars(1, {"a": 1.0})
    fill(disk, 0)
    with pytest.raises(UserError, match="no room left on its disk"), disk_space.writing(str(disk)):
        for step in range(2, 1000):  # what is left of the file's last block takes some lines yet
            summaries.scalars(step, {"a": 1.0})
    with pytest.raises(UserError, match="no room left on its disk"), disk_space.writing(str(disk)):
        noise = np.random.default_rng(0).integers(0, 255, [200, 200, 3], np.uint8)
        summaries.sheet(2, Image.fromarray(noise), "samples")
    # And what is there can be read
    assert [line["step"] for line in read_scalars(str(disk))][:1] == [1]


def test_other_errors_are_not_taken_for_a_full_disk(tmp_path):
    for error in (
        OSError(errno.EIO, "Input/output error"),
        tf.errors.ResourceExhaustedError(None, None, "OOM"),
    ):
        with pytest.raises(type(error)), disk_space.writing(str(tmp_path)):
            raise error
