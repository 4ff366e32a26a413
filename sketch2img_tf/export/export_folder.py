"""The folder that export.py writes, as far as it is read without TensorFlow."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import Any

from sketch2img_tf.errors import UserError
from sketch2img_tf.run_folder.run_card import Card

CARD_PATH = os.path.join("assets.extra", "card.json")


def newest_version(directory: str) -> str:
    """The absolute path of the folder of one version.

    That is `directory` itself, whatever its name, or of the numbered ones in it the highest.

    Raises:
      UserError: there is no export.
    """
    inside = os.listdir(directory) if os.path.isdir(directory) else []
    if "saved_model.pb" in inside:
        return os.path.abspath(directory)
    versions = [name for name in inside if name.isdecimal()]
    if not versions:
        raise UserError(f"--model={directory}: no exported model there; write one with export.py")
    return os.path.abspath(os.path.join(directory, max(versions, key=int)))


def read_card(version: str) -> Card:
    """The card of an export, from its version's folder.

    Raises:
      UserError: the card is missing or damaged.
    """
    return _read(version, Card.from_json)


def read_step(version: str) -> int:
    """The training step of an export's weights, from its card: its folder may have any name.

    Raises:
      UserError: the card is missing or damaged.
    """
    return _read(version, lambda text: int(json.loads(text)["step"]))


def _read(version: str, parse: Callable[[str], Any]) -> Any:
    """What `parse` makes of the card's text."""
    path = os.path.join(version, CARD_PATH)
    try:
        with open(path, encoding="utf-8") as file:
            return parse(file.read())
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path}: missing or damaged ({error}); export the model again, with export.py") from None
