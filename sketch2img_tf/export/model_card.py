"""The cards of an export: card.json for programs, MODEL_CARD.md for people."""

from __future__ import annotations

import json
import os
import platform
import string
from typing import TYPE_CHECKING

from sketch2img_tf import versions
from sketch2img_tf.export import encoded_sketches, training_data
from sketch2img_tf.export.export_folder import CARD_PATH
from sketch2img_tf.surroundings import lanes

if TYPE_CHECKING:
    from sketch2img_tf.run_folder.run_card import Card

MODEL_CARD_PATH = os.path.join("assets.extra", "MODEL_CARD.md")
_TEMPLATE = os.path.join(os.path.dirname(__file__), "MODEL_CARD.template.md")


def write(version: str, card: Card, step: int) -> None:
    """Writes both cards into the folder of an export."""
    os.makedirs(os.path.join(version, os.path.dirname(CARD_PATH)), exist_ok=True)
    for path, text in (
        (CARD_PATH, machine_card(card, step)),
        (MODEL_CARD_PATH, human_card(card, step)),
    ):
        with open(os.path.join(version, path), "w", encoding="utf-8") as file:
            file.write(text)


def machine_card(card: Card, step: int, **more: object) -> str:
    """The text that `Card.from_json` reads, with step, data set, library versions, and `more`."""
    more |= {
        "step": step,
        "data": training_data.identity(card.config.data),
        "versions": {
            "python": platform.python_version(),
            "tensorflow": versions.installed_version("tensorflow"),
            "keras": lanes.keras_version(),
            "numpy": versions.installed_version("numpy"),
        },
    }
    return json.dumps({**json.loads(card.to_json()), **more}, indent=1) + "\n"


def human_card(card: Card, step: int) -> str:
    """The card for people, in Markdown; it begins with a heading of the first level."""
    with open(_TEMPLATE, encoding="utf-8") as file:
        template = string.Template(file.read())
    data = card.config.data
    return template.substitute(
        step=step,
        class_count=len(card.class_names),
        class_names=", ".join(card.class_names),
        sketches=training_data.sketches(data),
        photos=training_data.photos(data),
        data=training_data.source(data),
        max_side=encoded_sketches.MAX_SIDE,
        max_mebibytes=encoded_sketches.MAX_BYTES // 2**20,
        image_size=card.config.data.image_size,
        base_width=card.config.network.base_width,
        batch_size=card.config.training.global_batch_size,
    )
