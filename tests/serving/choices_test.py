"""Classes and seeds as people type them."""

from __future__ import annotations

import pytest

from sketch2img_tf.errors import UserError
from sketch2img_tf.serving.choices import find_class, parse_seeds

CLASSES = ("alarm_clock", "ape", "apple", "car_(sedan)", "hot-air_balloon", "jack-o-lantern", "zebra")


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
    assert find_class(text, CLASSES) == name


@pytest.mark.parametrize(
    ("text", "suggestion"),
    [
        ("aple", "nearest: apple, ape"),
        ("zerba", "nearest: zebra"),
        ("clock", "nearest: alarm_clock"),
        ("car", "nearest: car_(sedan)"),
        ("balloon", "nearest: hot-air_balloon"),
        ("qqq", "it has alarm_clock, ape, apple, car_(sedan), hot-air_balloon, jack-o-lantern, zebra"),
        ("", "it has alarm_clock, "),
    ],
)
def test_other_names_are_answered_with_the_nearest(text, suggestion):
    with pytest.raises(UserError) as error:
        find_class(text, CLASSES)
    assert str(error.value).startswith(f"--label={text}: the model has no such class; {suggestion}")


def test_many_classes_are_not_all_listed():
    with pytest.raises(UserError, match="class_9 and 115 more$"):
        find_class("zzz", tuple(f"class_{i}" for i in range(125)))


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


@pytest.mark.parametrize("text", ["", "a", "-1", "1.5", "3-", "7-0", "1,,2", "0-1000", "0-99999999999999", str(2**63)])
def test_what_are_no_seeds(text):
    with pytest.raises(UserError, match=f"^--seeds={text}: "):
        parse_seeds(text)
