"""Checkpoints that a process was killed over, or that a disk spoilt: the
newest whole one is used, and it is said.
"""

from __future__ import annotations

import itertools
import multiprocessing
import os
import pathlib
import random
import shutil
import time

import numpy as np
import pytest
import tensorflow as tf

from sketch2img_tf.errors import UserError
from sketch2img_tf.run_folder import checkpoint_files

STEPS = (10, 20, 30)
DATA = ".data-00000-of-00001"
KILLS = 50


def checkpoint_of(value):
    """A checkpoint with many values, all of them equal."""
    values = {f"values_{i}": tf.Variable(tf.fill([50, 7], float(value))) for i in range(20)}
    return tf.train.Checkpoint(**values, name=tf.Variable(f"of {value}"))


def manager_of(checkpoint, workdir):
    return tf.train.CheckpointManager(
        checkpoint, checkpoint_files.directory(str(workdir)), max_to_keep=len(STEPS)
    )


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A run's folder with three checkpoints, each full of its step."""
    workdir = tmp_path_factory.mktemp("run")
    checkpoint = checkpoint_of(0)
    manager = manager_of(checkpoint, workdir)
    for step in STEPS:
        for i in range(20):
            getattr(checkpoint, f"values_{i}").assign(tf.fill([50, 7], float(step)))
        manager.save(checkpoint_number=step)
    return workdir


@pytest.fixture
def workdir(made, tmp_path):
    """One's own copy."""
    return pathlib.Path(shutil.copytree(made, tmp_path / "run"))


def path(workdir, name):
    return workdir / "checkpoints" / name


def found(workdir):
    """The step of the checkpoint that is used, once the folder is
    mended, and all of whose values are of it.
    """
    before = sorted(workdir.rglob("*"))
    newest = checkpoint_files.newest(str(workdir))
    assert sorted(workdir.rglob("*")) == before  # to read is not to mend
    checkpoint_files.mend(str(workdir))
    assert (
        tf.train.latest_checkpoint(str(workdir / "checkpoints"))
        == newest
        == checkpoint_files.newest(str(workdir))
    )
    values = {
        float(tf.train.load_variable(newest, f"values_{i}/.ATTRIBUTES/VARIABLE_VALUE")[3, 3])
        for i in range(20)
    }
    (step,) = values
    assert newest.endswith(f"ckpt-{int(step)}")
    return int(step)


def flip_bit(file, position):
    content = bytearray(file.read_bytes())
    content[int(position * len(content))] ^= 4
    file.write_bytes(content)


def test_what_is_whole_is_left_alone(workdir, capfd):
    before = {file: file.stat().st_mtime_ns for file in workdir.rglob("*")}
    assert found(workdir) == 30
    assert {file: file.stat().st_mtime_ns for file in workdir.rglob("*")} == before
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    "damage, reason",
    [
        (lambda w: path(w, "ckpt-30" + DATA).unlink(), "ckpt-30.data-00000-of-00001 is missing"),
        (lambda w: path(w, "ckpt-30.index").unlink(), "ckpt-30.index is missing"),
        (lambda w: os.truncate(path(w, "ckpt-30" + DATA), 9000), "damaged ("),
        (lambda w: os.truncate(path(w, "ckpt-30" + DATA), 0), "damaged ("),
        (lambda w: os.truncate(path(w, "ckpt-30.index"), 300), "damaged ("),
        (lambda w: os.truncate(path(w, "ckpt-30.index"), 0), "damaged ("),
        *[
            (lambda w, s=suffix, p=position: flip_bit(path(w, "ckpt-30" + s), p), "damaged (")
            for suffix in (DATA, ".index")
            for position in (0.0, 0.2, 0.5, 0.7)
        ],
    ],
    ids=itertools.count(),
)
def test_a_damaged_newest_one_is_said_and_set_aside(workdir, capfd, damage, reason):
    names = {file.name for file in path(workdir, "").iterdir() if "ckpt-30" in file.name}
    damage(workdir)
    left = names & {file.name for file in path(workdir, "").iterdir()}
    assert found(workdir) == 20
    reader, mender = capfd.readouterr().err.splitlines()
    assert reader.startswith(f"{path(workdir, 'ckpt-30')}: {reason}") and mender.startswith(
        reader.split(";")[0]
    )
    assert mender.endswith(f"moved to {path(workdir, 'damaged')}, the one before it is used")
    assert {file.name for file in path(workdir, "damaged").iterdir()} == left


def test_a_flipped_bit_anywhere_is_found(made, tmp_path):
    """Whatever bit of the data it is."""
    for position in np.random.default_rng(0).random(100):
        folder = tmp_path / str(position)
        folder.mkdir()
        for suffix in (DATA, ".index"):
            shutil.copy(path(made, "ckpt-30" + suffix), folder)
        flip_bit(folder / ("ckpt-30" + DATA), position)
        assert checkpoint_files._problem(str(folder), 30).startswith("damaged ("), position


@pytest.mark.parametrize(
    "content",
    [None, "", "garbage", 'model_checkpoint_path: "ckpt-99"\n', "\x00" * 100],
    ids=itertools.count(),
)
def test_the_list_is_written_anew_from_the_folder(workdir, content, capfd):
    path(workdir, "checkpoint").unlink()
    if content is not None:
        path(workdir, "checkpoint").write_text(content)
    assert found(workdir) == 30
    assert "is used" not in capfd.readouterr().err
    assert manager_of(checkpoint_of(0), workdir).checkpoints == [
        str(path(workdir, f"ckpt-{step}")) for step in STEPS
    ]


def test_old_ones_are_still_deleted_after_the_list_was_lost(workdir):
    path(workdir, "checkpoint").unlink()
    checkpoint_files.mend(str(workdir))
    manager_of(checkpoint_of(0), workdir).save(checkpoint_number=40)
    assert sorted(file.stem for file in workdir.rglob("*.index")) == [
        "ckpt-20",
        "ckpt-30",
        "ckpt-40",
    ]


def test_two_faults_at_once(workdir):
    path(workdir, "checkpoint").unlink()
    flip_bit(path(workdir, "ckpt-30" + DATA), 0.5)
    path(workdir, "ckpt-20.index").unlink()
    assert found(workdir) == 10


def test_a_run_without_a_whole_checkpoint_stops_and_is_never_started_over(workdir):
    for step in STEPS:
        os.truncate(path(workdir, f"ckpt-{step}" + DATA), 100)
    message = (
        f"^--workdir={workdir}: none of its checkpoints can be read .*;"
        " restore one from a backup into "
    )
    for _ in range(2):  # the second time all of them are set aside
        with pytest.raises(UserError, match=message):
            checkpoint_files.newest(str(workdir))
        with pytest.raises(UserError, match=message):
            checkpoint_files.mend(str(workdir))
    assert {file.name for file in path(workdir, "damaged").iterdir()} >= {
        f"ckpt-{step}.index" for step in STEPS
    }


def test_a_lost_list_and_lost_indices_do_not_start_over_either(workdir):
    path(workdir, "checkpoint").unlink()
    for step in STEPS:
        path(workdir, f"ckpt-{step}.index").unlink()
    with pytest.raises(UserError, match="none of its checkpoints can be read"):
        checkpoint_files.mend(str(workdir))


def test_a_new_folder_has_none(tmp_path):
    checkpoint_files.mend(str(tmp_path))
    assert checkpoint_files.newest(str(tmp_path)) is None
    assert not list(tmp_path.iterdir())


def test_one_that_was_never_listed_is_what_a_kill_left_and_is_removed(workdir, capfd):
    """TensorFlow lists a checkpoint when all of it is there, and
    writes its index under its own name.
    """
    for suffix in (DATA, ".index"):
        shutil.copy(path(workdir, "ckpt-30" + suffix), path(workdir, "ckpt-40" + suffix))
    os.truncate(path(workdir, "ckpt-40.index"), 300)
    checkpoint_files.mend(str(workdir))
    assert capfd.readouterr().err == ""
    assert not list(path(workdir, "").rglob("ckpt-40*")) and found(workdir) == 30


def _write_for_ever(workdir, first):
    """Checkpoints as fast as they can be written; a child process does nothing else."""
    checkpoint_files.mend(str(workdir))
    checkpoint = checkpoint_of(0)
    manager = manager_of(checkpoint, workdir)
    checkpoint.restore(manager.latest_checkpoint)
    (workdir / "writing").touch()
    for step in range(first, 10**9):
        for i in range(20):
            getattr(checkpoint, f"values_{i}").assign(tf.fill([50, 7], float(step)))
        manager.save(checkpoint_number=step)


def _is_being_written(workdir) -> bool:
    return any("temp" in name for name in os.listdir(workdir / "checkpoints"))


@pytest.mark.slow
def test_a_kill_while_a_checkpoint_is_written_loses_nothing_else(tmp_path, capfd):
    """At random moments: half of the kills anywhere between two
    checkpoints, half soon after a write has begun.
    """
    moments, step, leftovers = random.Random(0), 0, 0
    for number in range(KILLS):
        (tmp_path / "writing").unlink(missing_ok=True)
        writer = multiprocessing.get_context("spawn").Process(
            target=_write_for_ever, args=(tmp_path, step)
        )
        writer.start()
        while not (tmp_path / "writing").exists():
            time.sleep(0.005)
        time.sleep(moments.uniform(0, 0.2))
        while number % 2 and not _is_being_written(tmp_path):
            pass
        time.sleep(moments.uniform(0, 0.004) if number % 2 else 0)
        writer.kill()
        writer.join()
        leftovers += _is_being_written(tmp_path)
        if checkpoint_files.newest(str(tmp_path)):
            before, step = step, found(tmp_path) + 1
            assert step >= before
        checkpoint_files.mend(str(tmp_path))
        names = sorted(os.listdir(tmp_path / "checkpoints"))
        kept = {name.split(".")[0] for name in names if name != "checkpoint"}
        assert len(names) == 2 * len(kept) + bool(kept), names  # and no leftovers
    assert step > KILLS and leftovers > KILLS / 5  # many of the kills came during a write
    assert "damaged" not in capfd.readouterr().err
    # A kill between a write and the deletion of an older one leaves one
    # more; the next write deletes them all.
    manager_of(checkpoint_of(step), tmp_path).save(checkpoint_number=step)
    assert len(os.listdir(tmp_path / "checkpoints")) == 2 * len(STEPS) + 1
