"""The model that ships draws, from a fresh clone, what it says that it knows."""

from __future__ import annotations

import pathlib

import numpy as np
import pytest
from PIL import Image, ImageDraw

import sketch2img_tf.inference as s2i

PRETRAINED = pathlib.Path(__file__).resolve().parents[1] / "pretrained"


@pytest.fixture(scope="module")
def drawer():
    return s2i.load()


def test_it_is_whole_and_small(drawer):
    assert {path.name for path in PRETRAINED.iterdir()} >= {
        "README.md",
        "card.json",
        "labels.txt",
        "model.tflite",
    }
    assert sum(path.stat().st_size for path in PRETRAINED.iterdir()) < 100e6
    assert tuple((PRETRAINED / "labels.txt").read_text().splitlines()) == drawer.class_names


def test_a_circle_is_a_red_strawberry_or_a_balloon_in_the_sky_as_it_is_called(drawer, tmp_path):
    page = Image.new("L", (200, 200), "white")
    ImageDraw.Draw(page).ellipse([30, 40, 170, 170], outline="black", width=3)
    page.save(tmp_path / "circle.png")
    strawberry, again = (
        np.asarray(drawer.draw(tmp_path / "circle.png", "strawberry")[0], float) for _ in range(2)
    )
    balloon = np.asarray(drawer.draw(tmp_path / "circle.png", "hot-air balloon")[0], float)
    np.testing.assert_array_equal(strawberry, again)
    red, green, blue = strawberry[20:44, 20:44].mean((0, 1))
    assert red > 2 * green and red > 2 * blue
    red, green, blue = balloon[:8].mean((0, 1))
    assert blue > green > red and blue > 200
