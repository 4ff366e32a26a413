"""The starters, read by fontTools, which has a reader of SVG paths."""

from __future__ import annotations

import pathlib

import pytest
from fontTools.pens.boundsPen import BoundsPen
from fontTools.svgLib.path import parse_path

from datasets.miniature import release as miniature
from sketch2img_tf.config import DataConfig
from sketch2img_tf.data import drawing_size
from sketch2img_tf.data.starter_sketches import STARTERS, starters_for

ROOT = pathlib.Path(__file__).resolve().parents[2]


def test_they_are_classes_of_the_release_and_some_of_the_miniature():
    release = (ROOT / "datasets" / "sketchy" / "labels.txt").read_text().split()
    assert set(STARTERS) <= set(release)
    assert len(set(STARTERS) & set(miniature.CLASSES)) >= 8
    assert list(STARTERS) == sorted(STARTERS)


@pytest.mark.parametrize("name", STARTERS)
def test_they_are_in_the_middle_and_as_large_as_drawings_in_training(name):
    pen = BoundsPen(None)
    parse_path(STARTERS[name], pen)
    left, top, right, bottom = pen.bounds
    fill = drawing_size.training_fill(DataConfig())
    assert max(right - left, bottom - top) == pytest.approx(256 * fill, rel=0.02)
    assert ((left + right) / 2, (top + bottom) / 2) == pytest.approx((128, 128), abs=2)


def test_a_model_is_offered_those_that_it_knows():
    known = {name: STARTERS[name] for name in ("fish", "umbrella")}
    assert starters_for(("geyser", "umbrella", "fish")) == known
    assert starters_for(("geyser",)) == STARTERS
