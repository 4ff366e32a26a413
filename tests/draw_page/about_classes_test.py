"""What a model's folder says of its classes, and what the page says of that."""

from __future__ import annotations

import base64
import io
import json

import numpy as np
import pytest
from PIL import Image

import sketch2img_tf.inference as s2i
from sketch2img_tf.data.starter_sketches import starters_for
from sketch2img_tf.draw_page import about_classes, page_requests
from sketch2img_tf.draw_page.about_classes import AboutClass
from sketch2img_tf.errors import UserError
from sketch2img_tf.inference.models import PRETRAINED

NAMES = ("apple", "pear", "cup", "tree", "fish")


def result(metrics: float, sketches: int = 8) -> dict:
    return {"sketches": sketches, "metrics": metrics, "mean_colour": 0.5}


def test_who_is_before_others_draws_better_and_equal_ones_do_not(tmp_path):
    numbers = {"tree": 0.9, "apple": 0.7, "cup": 0.7, "pear": 0.7, "fish": 0.1}
    classes = {name: result(number, 7 if name == "cup" else 8) for name, number in numbers.items()}
    (tmp_path / "card.json").write_text(
        json.dumps({"evaluation": {"by_class": {"classes": classes}}})
    )
    (tmp_path / about_classes.PICTURES_FILE).write_text(
        json.dumps({"cup": "data:image/webp;base64,AA=="})
    )
    about = about_classes.read(str(tmp_path), NAMES)
    better = {name: (one.better, one.judged) for name, one in about.items()}
    # Of the cup there are too few sketches.
    assert better == {
        "apple": (1, 4),
        "pear": (1, 4),
        "cup": (None, 4),
        "tree": (0, 4),
        "fish": (3, 4),
    }
    assert page_requests.about(about["fish"]) == {
        "src": "",
        "text": "By its own evaluation it draws 3 of 4 things better.",
    }
    said = {
        "src": "data:image/webp;base64,AA==",
        "text": "What it makes of our own drawing of one.",
    }
    assert page_requests.about(about["cup"]) == said


@pytest.mark.parametrize("card", [{}, {"evaluation": {}}])
def test_where_nothing_is_known_nothing_is_said(card, tmp_path):
    (tmp_path / "card.json").write_text(json.dumps(card))
    about = about_classes.read(str(tmp_path), NAMES)
    assert about == dict.fromkeys(NAMES, AboutClass())
    assert page_requests.about(about["cup"]) == page_requests.about(None) == {"src": "", "text": ""}


def test_a_damaged_file_is_one_line(tmp_path):
    (tmp_path / "card.json").write_text("{}")
    (tmp_path / about_classes.PICTURES_FILE).write_text("[1")
    with pytest.raises(UserError, match=f"{about_classes.PICTURES_FILE}: damaged"):
        about_classes.read(str(tmp_path), NAMES)


def test_the_pictures_that_ship_are_the_shipped_models(tmp_path):
    from sketch2img_tf.evaluation import as_drawn

    drawer = s2i.load(PRETRAINED)
    about = about_classes.read(PRETRAINED, drawer.class_names)
    drawn = {name for name, one in about.items() if one.picture}
    starters = starters_for(drawer.class_names)
    assert drawn == set(starters) and sum(len(one.picture) for one in about.values()) < 200_000
    for name in sorted(drawn)[:3]:
        as_drawn.drawn(starters[name]).save(tmp_path / "drawing.png")
        [photo] = drawer.draw(tmp_path / "drawing.png", name, [0])
        encoded = base64.b64decode(about[name].picture.removeprefix("data:image/webp;base64,"))
        found, expected = (
            np.asarray(each, float)
            for each in (Image.open(io.BytesIO(encoded)).convert("RGB"), photo)
        )
        assert found.shape == expected.shape and np.abs(found - expected).mean() < 5
