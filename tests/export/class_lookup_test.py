"""Class names that people send to a server, in a graph."""

from __future__ import annotations

import unicodedata

import pytest
import tensorflow as tf

from sketch2img_tf.data import choices
from sketch2img_tf.errors import UserError
from sketch2img_tf.export import class_lookup

CLASSES = (
    "Ant",
    "ant",
    "café",
    "car_(sedan)",
    "hot-air_balloon",
    unicodedata.normalize("NFD", "naïve"),
    "日本 料理",
)
TYPED = (
    *CLASSES,
    *(unicodedata.normalize(form, name) for form in ("NFC", "NFD") for name in CLASSES),
    "ANT",
    " Car (Sedan) ",
    "Hot  air\u00a0balloon",
    "CAFÉ",
    "日本-料理",
    "cafe",
    "cafè",
    "apple",
    "",
    " ",
    "_",
)


@pytest.fixture(scope="module")
def lookup():
    """In a graph, as in an export."""
    return tf.function(
        class_lookup.ClassLookup(CLASSES), input_signature=[tf.TensorSpec([None], tf.string)]
    )


def label(text: str) -> int:
    try:
        return CLASSES.index(choices.find_class(text, CLASSES, "--label", "the model"))
    except UserError:
        return -1


def test_a_server_finds_the_classes_that_the_commands_find(lookup):
    expected = [label(text) for text in TYPED]
    assert expected[:7] == list(range(7)) and expected[-11:] == [
        0,
        3,
        4,
        2,
        6,
        -1,
        -1,
        -1,
        -1,
        -1,
        -1,
    ]
    assert lookup(tf.constant(TYPED)).numpy().tolist() == expected


def test_bytes_that_are_no_text(lookup):
    assert lookup(tf.constant([b"ant\xff", b"\xe9"])).numpy().tolist() == [-1, -1]


@pytest.mark.parametrize(
    "name, shown",
    [
        (b"cta", "cta"),
        ("é".encode() * 150, "é" * 100),
        (b"x" + "日".encode() * 150, "x" + "日" * 99),
        (b"caf\xe9", "caf\ufffd"),
    ],
)
def test_an_unknown_name_is_told_in_whole_letters(name, shown):
    assert (
        class_lookup.unknown(tf.constant([name])).numpy()[0].decode() == f"unknown class: {shown}"
    )
