"""Which pictures a trained model is measured on."""

from __future__ import annotations

import dataclasses

import pytest

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
