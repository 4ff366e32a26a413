"""A validation part of the training photos: no photo on both
sides, and the same ones every time.
"""

from __future__ import annotations

import dataclasses

import pytest
import tensorflow as tf

from datasets.sketchy import records
from sketch2img_tf.config import DataConfig
from sketch2img_tf.data import validation_split
from sketch2img_tf.data.input_pipeline import (
    evaluation_batches,
    open_paired_dataset,
    training_batches,
)
from sketch2img_tf.data.names import DEFAULT_PHOTO_VARIANT, DEFAULT_SKETCH_VARIANT
from sketch2img_tf.errors import UserError

SHARE = 0.3  # of the six training photos with hashes 52, 279, 295, 401, 555 and 694 in a thousand


@pytest.fixture(scope="module")
def directory(dummy_data_dir):
    return str(records.dataset_dir(dummy_data_dir, DEFAULT_PHOTO_VARIANT, DEFAULT_SKETCH_VARIANT))


def pictures(batches, key):
    return {picture.tobytes() for batch in batches.as_numpy_iterator() for picture in batch[key]}


def of_split(sketchy, split, key):
    return pictures(evaluation_batches(sketchy, split, 4), key)


@pytest.fixture(scope="module")
def whole(directory):
    return open_paired_dataset(directory, DataConfig())


@pytest.fixture(scope="module")
def parted(directory):
    return open_paired_dataset(directory, DataConfig(validation_share=SHARE))


def test_a_photo_is_on_one_side_with_all_its_sketches(whole, parted):
    train, held_back = (of_split(parted, split, "photos") for split in ("train", "validation"))
    assert train and held_back and not train & held_back
    assert train | held_back == of_split(whole, "train", "photos")
    sketches = [of_split(parted, split, "sketches") for split in ("train", "validation")]
    assert sketches[0] | sketches[1] == of_split(whole, "train", "sketches")
    assert [len(part) for part in sketches] == [
        parted.examples["train"],
        parted.examples["validation"],
    ]


def test_the_training_never_sees_it(parted):
    epoch = training_batches(parted, parted.examples["train"], seed=0).take(3)
    assert pictures(epoch, "sketches") == of_split(parted, "train", "sketches")


def test_the_test_part_stays_as_it_is(whole, parted):
    assert of_split(parted, "test", "sketches") == of_split(whole, "test", "sketches")
    assert "validation" not in whole.examples


def test_the_choice_of_classes_does_not_move_a_photo(directory, parted):
    held_back = of_split(parted, "validation", "photos")
    found = set()
    for name in parted.class_names:
        try:
            alone = open_paired_dataset(
                directory, dataclasses.replace(parted.config, classes=(name,))
            )
        except UserError:
            continue  # all or none of this class's photos are held back
        found |= of_split(alone, "validation", "photos")
    assert found and found <= held_back


def test_the_hash_is_that_of_other_days_and_fills_its_share():
    names = [f"n{number:08d}_{number * 7}" for number in range(4000)]
    held_back = validation_split.is_held_back(tf.constant(names), 0.1).numpy()
    assert held_back[:40].nonzero()[0].tolist() == [5, 14, 25, 32]
    assert held_back.mean() == pytest.approx(0.1, abs=0.015)
    assert not (held_back & ~validation_split.is_held_back(tf.constant(names), 0.2).numpy()).any()


def test_a_share_that_holds_nothing_back(directory):
    with pytest.raises(
        UserError,
        match="^--validation_share=0.001: holds back 0 of the 10 training examples; give mo",
    ):
        open_paired_dataset(directory, DataConfig(validation_share=0.001))
