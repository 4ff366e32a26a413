"""Which pictures a trained model is measured on."""

from __future__ import annotations

import dataclasses

import pytest
import tensorflow as tf

from sketch2img_tf.config import Config, DataConfig
from sketch2img_tf.errors import UserError
from sketch2img_tf.evaluation import held_out
from sketch2img_tf.run_folder.run_card import Card


@pytest.fixture
def card(dummy_data_dir, sketchy):
    return Card.of_run(Config(DataConfig(data_dir=str(dummy_data_dir), num_classes=2)), sketchy)


def test_classes_are_those_of_the_model_in_its_order(card):
    assert held_out.open_paired_dataset(card, "").class_names == card.class_names
    fewer = dataclasses.replace(card, class_names=card.class_names[1:])
    assert held_out.open_paired_dataset(fewer, "").class_names == fewer.class_names


@pytest.mark.parametrize(
    "written", [("apple", "car (sedan)", "hot-air_balloon"), ("car_(sedan)", "apple")]
)
def test_other_data_whose_labels_would_mean_others_are_refused(card, written):
    with pytest.raises(UserError, match="the data have the classes .*, the model has"):
        held_out.open_paired_dataset(dataclasses.replace(card, class_names=written), "")


def test_one_of_every_class_is_found_by_reading_no_further_than_needed():
    labels = [2, 0, 2, 1, 1, 0, 0, 2]
    read = []

    def batches():
        for at in range(0, len(labels), 2):
            read.append(at)
            yield {
                "labels": tf.constant(labels[at : at + 2]),
                "photos": tf.range(at, at + 2),
                "sketches": -tf.range(at, at + 2),
            }

    def chosen(classes, most):
        read.clear()
        found = held_out.one_per_class(batches(), classes, most)
        assert found["sketches"].numpy().tolist() == (-found["photos"]).numpy().tolist()
        return found["photos"].numpy().tolist(), len(read)

    assert chosen(3, 2) == ([1, 3], 2)
    assert chosen(3, 3) == ([1, 3, 0], 2)
    assert chosen(3, 5) == ([1, 3, 0, 5, 4], 3)
    assert chosen(4, 5) == ([1, 3, 0, 5, 4], 4)  # of one class there is none
    assert chosen(3, 99) == ([1, 3, 0, 5, 4, 2, 6, 7], 4)
