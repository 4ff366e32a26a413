"""The folder that export.py writes, as far as it is read without TensorFlow."""

from __future__ import annotations

import os

from sketch2img_tf.card import Card
from sketch2img_tf.errors import UserError

CARD_PATH = os.path.join("assets.extra", "card.json")


def newest_version(directory: str) -> str:
    """The folder of one version: `directory` itself, or of the numbered ones in it the highest.

    Raises:
      UserError: there is no export.
    """
    directory = os.path.normpath(directory)
    inside = os.listdir(directory) if os.path.isdir(directory) else []
    if "saved_model.pb" in inside:
        return directory
    versions = [name for name in inside if name.isdigit()]
    if not versions:
        raise UserError(f"--model={directory}: no exported model there; write one with export.py")
    return os.path.join(directory, max(versions, key=int))


def read_card(version: str) -> Card:
    """The card of an export, from its version's folder.

    Raises:
      UserError: the card is missing or damaged.
    """
    path = os.path.join(version, CARD_PATH)
    try:
        with open(path, encoding="utf-8") as file:
            return Card.from_json(file.read())
    except (OSError, ValueError, KeyError) as error:
        raise UserError(f"{path}: missing or damaged ({error}); export the model again, with export.py") from None
