"""A damaged, short or missing file of TFRecords is named; none is skipped."""

from __future__ import annotations

import json
import os
import shutil

import pytest
import tensorflow as tf

from datasets.sketchy.records import dataset_dir
from sketch2img_tf.config import from_dict
from sketch2img_tf.data import input_pipeline, tfrecord_integrity
from sketch2img_tf.errors import UserError
from sketch2img_tf.training import preparation
from tests.faults.commands import SUPERVISED, last_line, run, training

pytestmark = pytest.mark.ci

RENDERINGS = ("tx_000100000000", "tx_000000000010")
NAME = "sketchy-train.tfrecord-00000-of-00001"


@pytest.fixture
def data_dir(dummy_data_dir, tmp_path):
    return shutil.copytree(dummy_data_dir, tmp_path / "data")


@pytest.fixture
def directory(data_dir):
    return dataset_dir(str(data_dir), *RENDERINGS)


def records(path):
    return [len(record) + 16 for record in tf.data.TFRecordDataset(str(path)).as_numpy_iterator()]


def opened(data_dir, **values):
    small = {"data_dir": str(data_dir), "global_batch_size": 2, "perceptual_weight": 0.0}
    return preparation.open_data(from_dict({**small, **values}))


CUTS = {
    "between records": (
        lambda path: os.truncate(path, sum(records(path)[:7])),
        "has 7 records of 12",
    ),
    "within a record": (
        lambda path: os.truncate(path, sum(records(path)[:7]) + 50),
        "ends within record 8 of 12",
    ),
    "within a length": (
        lambda path: os.truncate(path, sum(records(path)[:7]) + 5),
        "ends within record 8 of 12",
    ),
    "emptied": (lambda path: os.truncate(path, 0), "has 0 records of 12"),
    "deleted": (lambda path: path.unlink(), "is missing"),
    "longer": (lambda path: path.write_bytes(2 * path.read_bytes()), "has 24 records of 12"),
}


@pytest.mark.parametrize("damage, message", CUTS.values(), ids=CUTS.keys())
def test_a_file_that_is_not_as_it_was_written_is_named_before_the_training(
    data_dir, directory, damage, message
):
    opened(data_dir)
    damage(directory / NAME)
    with pytest.raises(
        UserError, match=f"^{directory}/{NAME} {message}: delete {directory} and build it again$"
    ):
        opened(data_dir)


def flip(path, record):
    content = bytearray(path.read_bytes())
    content[sum(records(path)[:record]) + 300] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("record", [0, 5, 11])
def test_a_flipped_bit_is_found_where_it_is_read_and_named(data_dir, directory, record):
    flip(directory / NAME, record)
    sketchy = opened(data_dir)
    message = (
        f"^{directory}/{NAME} is damaged in record {record + 1}:"
        f" delete {directory} and build it again$"
    )
    with (
        pytest.raises(UserError, match=message),
        tfrecord_integrity.naming_damage(sketchy.directory),
    ):
        for _ in input_pipeline.training_batches(sketchy, 2, seed=0).take(6):
            pass


def test_a_flipped_length_is_named_before_the_training(data_dir, directory):
    content = bytearray((directory / NAME).read_bytes())
    content[3] ^= 1
    (directory / NAME).write_bytes(content)
    tfrecord_integrity.check(str(directory))  # the sizes are right
    sketchy = opened(data_dir)
    naming = tfrecord_integrity.naming_damage(sketchy.directory)
    with pytest.raises(UserError, match="is damaged in record 1: "), naming:
        next(iter(input_pipeline.training_batches(sketchy, 2, seed=0)))


def change(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


@pytest.mark.parametrize(
    "name, old, new",
    [
        ("dataset_info.json", '"name": "sketchy"', '"name": "sketchy", "aFieldOfTomorrow": 1'),
        ("dataset_info.json", '"tfrecord"', '"parquet_of_tomorrow"'),
        ("features.json", "features.scalar.Scalar", "features.scalar.ScalarOfTomorrow"),
        ("dataset_info.json", "{", ""),
    ],
)
def test_a_description_by_a_newer_tfds_is_one_line(data_dir, directory, name, old, new):
    change(directory / name, old, new)
    message = (
        f"^{directory}: TFDS .* cannot read its description .*; a newer TFDS may have built it"
    )
    with pytest.raises(UserError, match=message) as raised:
        opened(data_dir)
    assert "\n" not in str(raised.value)


@pytest.mark.slow
@pytest.mark.parametrize("command", ["train", "dry_run"])
def test_the_command_ends_with_one_line(data_dir, directory, tmp_path, command):
    if command == "train":
        flip(directory / NAME, 3)
    else:
        os.truncate(directory / NAME, 1000)
    flags = ["--dry_run"] if command == "dry_run" else []
    code, _, stderr = run(
        *training(data_dir, tmp_path / "run", *SUPERVISED, "--train_steps=4", *flags)
    )
    assert code == 1 and "Traceback" not in stderr
    assert last_line(stderr).startswith(f"error: {directory}/{NAME} ")


# --- Too little of something


def recount(directory, **by_class):
    metadata = json.loads((directory / "metadata.json").read_text())
    metadata["examples"]["train"].update(by_class)
    (directory / "metadata.json").write_text(json.dumps(metadata))


def test_an_empty_class_is_named(data_dir, directory):
    recount(directory, apple={"error": 4})
    message = (
        "^1 of 3 classes have no training example left, such as apple,"
        " with --drop_sketches=error: drop fewer, or "
    )
    with pytest.raises(UserError, match=message):
        opened(data_dir)
    opened(data_dir, drop_sketches=[])


def test_one_class_needs_no_classifier(data_dir):
    with pytest.raises(
        UserError,
        match="^the data have only 1 class, apple: .* or give --classification_weight=0, ",
    ):
        opened(data_dir, classes=["apple"])
    opened(data_dir, classes=["apple"], classification_weight=0.0)


def test_all_sketches_dropped(data_dir, directory):
    recount(
        directory, **{name: {"error": 4} for name in ("apple", "car_(sedan)", "hot-air_balloon")}
    )
    with pytest.raises(
        UserError, match="no training example is left of 3 classes with --drop_sketches=error; drop"
    ):
        opened(data_dir)


def test_fewer_examples_than_a_batch(data_dir):
    with pytest.raises(
        UserError,
        match="^--global_batch_size=99 is more than the 10 training examples of 3 classes$",
    ):
        opened(data_dir, global_batch_size=99)
