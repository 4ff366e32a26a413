"""What holds of every value that an option can be given."""

from __future__ import annotations

import dataclasses
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sketch2img_tf.config import Config, from_dict
from sketch2img_tf.errors import UserError

SETTINGS = settings(max_examples=150, deadline=None, derandomize=True)
FIELDS = {
    field.name: field
    for group in dataclasses.fields(Config)
    for field in dataclasses.fields(group.default)
}
NUMBERS = [name for name, field in FIELDS.items() if type(field.default) in (int, float)]
WORDS = [
    name
    for name, field in FIELDS.items()
    if field.metadata["choices"] and isinstance(field.default, str)
]


@st.composite
def _a_number(draw) -> tuple[str, int | float]:
    """An option and any number of its type, about its bounds more often."""
    name = draw(st.sampled_from(NUMBERS))
    field = FIELDS[name]
    bounds = [
        value for value in (field.metadata["lower"], field.metadata["upper"]) if value is not None
    ]
    if type(field.default) is int:
        near = [value + step for value in bounds for step in (-1, 0, 1)]
        return name, draw(st.one_of(st.integers(), *map(st.just, map(int, near))))
    near = [
        math.nextafter(value, way) for value in bounds for way in (-math.inf, math.inf)
    ] + bounds
    return name, draw(st.one_of(st.floats(), *map(st.just, map(float, near))))


def _within(field: dataclasses.Field, value: float) -> bool:
    lower, upper = (field.metadata[name] for name in ("lower", "upper"))
    return (
        math.isfinite(value)
        and (lower is None or value >= lower)
        and (upper is None or value <= upper)
    )


@SETTINGS
@given(_a_number())
def test_a_number_is_taken_within_its_bounds_and_else_refused_by_name(given_number):
    """Of those within, some do not go with the other options'
    defaults: they are refused in one line too.
    """
    name, value = given_number
    try:
        config = from_dict({name: value})
    except UserError as error:
        assert "\n" not in str(error)
        assert _within(FIELDS[name], value) or str(error).startswith(
            f"--{name}={value}: should be "
        )
    else:
        assert _within(FIELDS[name], value)
        assert from_dict(config.to_dict()) == config
        assert f"--{name}={value}\n" in config.to_flagfile()


@SETTINGS
@given(st.sampled_from(WORDS), st.text())
def test_a_word_that_is_no_choice_is_quoted(name, word):
    if word in FIELDS[name].metadata["choices"]:
        assert from_dict({name: word}).to_dict()[name] == word
    else:
        with pytest.raises(UserError) as refused:
            from_dict({name: word})
        assert str(refused.value).startswith(f"--{name}={word}: should be one of ")


@SETTINGS
@given(st.text(), st.integers())
def test_an_option_that_there_is_not_is_named(name, value):
    if name not in FIELDS:
        with pytest.raises(UserError, match="unknown option"):
            from_dict({name: value})
