"""Synonyms and groups of the release's classes."""

from __future__ import annotations

import pathlib

from sketch2img_tf.data import class_words
from sketch2img_tf.data.choices import plain

NAMES = (
    pathlib.Path(__file__)
    .resolve()
    .parents[2]
    .joinpath("datasets", "sketchy", "labels.txt")
    .read_text()
    .split()
)


def test_every_class_is_in_one_group():
    grouped = [name for names in class_words.GROUPS.values() for name in names.split()]
    assert sorted(grouped) == sorted(NAMES) and len(NAMES) == 125


def test_synonyms_are_other_words_of_classes_that_there_are():
    assert class_words.SYNONYMS.keys() <= set(NAMES)
    for name, words in class_words.SYNONYMS.items():
        assert not [word for word in words if plain(word) in plain(name)]
    assert class_words.named("sofa") == ["couch"]
    assert class_words.named("sea_star") == ["starfish"]
    assert class_words.named("gun") == ["pistol", "rifle"]


def test_groups_of_some_classes():
    groups = class_words.by_group(("apple", "unicorn", "cat", "pear"))
    assert groups == {
        "animals": ["cat"],
        "food": ["apple", "pear"],
        class_words.OTHERS: ["unicorn"],
    }
