"""What an export says of itself."""

from __future__ import annotations

import json
import re

from sketch2img_tf.card import Card
from sketch2img_tf.serving.export_folder import read_card
from tests.serving.exports import CARD, CLASSES, STEP


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
    assert values["versions"]["tensorflow"].startswith("2.15")


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
