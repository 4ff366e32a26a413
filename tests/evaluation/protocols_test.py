"""Protocols: a name means one thing for ever."""

from __future__ import annotations

import dataclasses

import pytest

from sketch2img_tf.errors import UserError
from sketch2img_tf.evaluation import protocols


def test_what_a_name_means_does_not_change():
    """Results of other days are compared by these names: a change needs a new name."""
    meant = {
        name: dataclasses.astuple(protocol)[1:] for name, protocol in protocols.PROTOCOLS.items()
    }
    assert meant == {
        "test_256": ("test", 256, 256, 32, 4),
        "test_all": ("test", None, 256, 32, 4),
        "validation_256": ("validation", 256, 256, 32, 4),
        "validation_all": ("validation", None, 256, 32, 4),
        "train_256": ("train", 256, 256, 32, 4),
    }


def with_examples(sketchy, **examples):
    return dataclasses.replace(sketchy, examples=examples)


@pytest.mark.parametrize(
    "examples, split",
    [
        (dict(train=5, test=3), "test"),
        (dict(train=5, test=0), "train"),
        (dict(train=5, test=3, validation=2), "validation"),
    ],
)
def test_a_run_is_watched_by_its_validation_part_if_it_has_one(sketchy, examples, split):
    data = with_examples(sketchy, **examples)
    assert protocols.held_out_split(data) == split
    assert protocols.find("", data).name == f"{split}_256"


def test_a_part_that_is_not_there(sketchy):
    message = (
        "^--protocol=validation_all: there is no validation part; the run held no photos back"
        " .--validation_share.; give one of test_256, test_all, train_256$"
    )
    with pytest.raises(UserError, match=message):
        protocols.find("validation_all", sketchy)
