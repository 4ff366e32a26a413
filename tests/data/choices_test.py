"""Classes and seeds as people type them."""

from __future__ import annotations

import unicodedata

import pytest

from sketch2img_tf.data.choices import find_class, parse_seeds
from sketch2img_tf.errors import UserError

CLASSES = (
    "alarm_clock",
    "ape",
    "apple",
    "car_(sedan)",
    "hot-air_balloon",
    "jack-o-lantern",
    "zebra",
)


def find(text, class_names=CLASSES):
    return find_class(text, class_names, "--label", "the model")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("apple", "apple"),
        (" Apple ", "apple"),
        ("alarm clock", "alarm_clock"),
        ("Hot air balloon", "hot-air_balloon"),
        ("car (sedan)", "car_(sedan)"),
        ("jack_o_lantern", "jack-o-lantern"),
    ],
)
def test_class_names_as_people_write_them(text, name):
    assert find(text) == name


def test_another_word_for_a_class():
    names = ("couch", "pistol", "rifle", "songbird", "starfish")
    assert find("Sofa", names) == "couch" and find("sea star", names) == "starfish"
    assert find("gun", ("apple", "rifle")) == "rifle"
    with pytest.raises(
        UserError, match="=gun: the model has no such class; nearest: pistol, rifle$"
    ):
        find("gun", names)
    with pytest.raises(UserError, match="=sofa: the model has no such class; it has apple$"):
        find("sofa", ("apple",))


@pytest.mark.parametrize("typed, there", [("NFC", "NFD"), ("NFD", "NFC")])
def test_accents_may_be_written_either_way(typed, there):
    """As keyboards and macOS's file names have them."""
    names = ("café", "crème brûlée", "cafe")
    names = tuple(unicodedata.normalize(there, name) for name in names)
    for label, text in enumerate(("Café", "crème_BRÛLÉE", "cafe")):
        assert find(unicodedata.normalize(typed, text), names) == names[label]


def test_of_classes_that_differ_in_nothing_else_the_exact_one_is_found():
    names = ("Ant", "ant", "a b", "a_b")
    typed = ("Ant", "ant", "ANT", "a_b", "a-b")
    assert [find(text, names) for text in typed] == ["Ant", "ant", "Ant", "a_b", "a b"]


@pytest.mark.parametrize(
    ("text", "suggestion"),
    [
        ("aple", "nearest: apple, ape"),
        ("zerba", "nearest: zebra"),
        ("clock", "nearest: alarm_clock"),
        ("car", "nearest: car_(sedan)"),
        ("balloon", "nearest: hot-air_balloon"),
        (
            "qqq",
            "it has alarm_clock, ape, apple, car_(sedan), hot-air_balloon, jack-o-lantern, zebra",
        ),
        ("", "it has alarm_clock, "),
    ],
)
def test_other_names_are_answered_with_the_nearest(text, suggestion):
    with pytest.raises(UserError) as error:
        find(text)
    assert str(error.value).startswith(f"--label={text}: the model has no such class; {suggestion}")


def test_many_classes_are_not_all_listed():
    with pytest.raises(UserError, match="class_9 and 115 more$"):
        find("zzz", tuple(f"class_{i}" for i in range(125)))


@pytest.mark.parametrize(
    ("text", "seeds"),
    [
        ("3", [3]),
        ("0-7", [0, 1, 2, 3, 4, 5, 6, 7]),
        ("1,5,9", [1, 5, 9]),
        ("9, 1 - 3 ,2", [9, 1, 2, 3]),
        ("5-5", [5]),
        (str(2**63 - 1), [2**63 - 1]),
    ],
)
def test_seeds(text, seeds):
    assert parse_seeds(text) == seeds


@pytest.mark.parametrize(
    "text", ["", "a", "-1", "1.5", "3-", "7-0", "1,,2", "0-1000", "0-99999999999999", str(2**63)]
)
def test_what_are_no_seeds(text):
    with pytest.raises(UserError, match=f"^--seeds={text}: "):
        parse_seeds(text)
