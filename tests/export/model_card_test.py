"""What an export says of itself."""

from __future__ import annotations

import dataclasses
import json
import re

import tensorflow as tf

from sketch2img_tf.config import DataConfig
from sketch2img_tf.export import model_card, training_data
from sketch2img_tf.export.export_folder import CARD_PATH, read_card
from sketch2img_tf.run_folder.run_card import Card
from tests.export.exports import CARD, CLASSES, STEP


def test_the_machine_card_is_the_runs_and_more(exported):
    assert read_card(str(exported)) == CARD
    values = json.loads((exported / "assets.extra" / "card.json").read_text())
    assert Card.from_json(json.dumps(values)) == CARD
    assert values["step"] == STEP
    assert values["data"] == {
        "dataset": "sketchy",
        "version": "1.0.0",
        "config": "tx_000100000000-tx_000000000010",
    }
    assert set(values["versions"]) == {"python", "tensorflow", "keras", "numpy"}
    assert values["versions"]["tensorflow"] == tf.__version__
    assert values["versions"]["keras"].startswith("2.")


EDGE_MAPS = DataConfig(dataset="edge_maps")


def test_of_edge_maps_the_cards_say_so(tmp_path):
    card = dataclasses.replace(CARD, config=dataclasses.replace(CARD.config, data=EDGE_MAPS))
    model_card.write(str(tmp_path), card, STEP)
    values = json.loads((tmp_path / CARD_PATH).read_text())
    assert values["data"] == {"dataset": "edge_maps", "version": "1.0.0"}
    text = (tmp_path / model_card.MODEL_CARD_PATH).read_text()
    assert "Sketchy" not in text and "no person drew them" in " ".join(text.split())
    assert not re.search(r"\$\w", text)


def test_the_source_of_mixed_pictures_is_both():
    assert "Sketchy" in training_data.source(
        DataConfig()
    ) and "mixed in" not in training_data.source(DataConfig())
    mixed = training_data.source(DataConfig(edge_maps_share=0.9))
    assert "Sketchy" in mixed and "mixed in" in mixed


def test_the_human_card_says_what_it_is_for_and_what_not(exported):
    text = (exported / "assets.extra" / "MODEL_CARD.md").read_text()
    headings = re.findall("^## (.*)", text, re.MULTILINE)
    assert headings == [
        "Intended use",
        "What goes in and comes out",
        "Classes (3)",
        "Limits",
        "Data, and its licence",
    ]
    assert ", ".join(CLASSES) in text
    assert f"step {STEP}" in text
    assert not re.search(r"\$\w", text)  # nothing was left to fill in
