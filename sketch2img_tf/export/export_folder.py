"""The folder that export.py writes; this reads it without TensorFlow."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import Any

from sketch2img_tf.errors import UserError
from sketch2img_tf.run_folder.run_card import Card

CARD_PATH = os.path.join("assets.extra", "card.json")
SAVED_MODEL_FILE = "saved_model.pb"
LITE_MODEL_FILE = "model.tflite"

# Beginning of the name of a version's folder, before the step
_PREFIXES = {SAVED_MODEL_FILE: "", LITE_MODEL_FILE: "tflite-"}


def version_name(file: str, step: int) -> str:
    """The name of a version's folder that has `file`, SAVED_MODEL_FILE or LITE_MODEL_FILE."""
    return f"{_PREFIXES[file]}{step}"


def newest_version(directory: str, files: tuple[str, ...] = (SAVED_MODEL_FILE,)) -> str:
    """The absolute path of the folder of one version.

    It is `directory` itself, whatever its name, or the folder of the highest step in it.

    Args:
      directory: one version, or a folder of several.
      files: what it may have, SAVED_MODEL_FILE and LITE_MODEL_FILE; if versions of the same step
        have different ones, the first of `files` counts.

    Raises:
      UserError: there is no export.
    """
    inside = os.listdir(directory) if os.path.isdir(directory) else []
    if not set(files).isdisjoint(inside):
        return os.path.abspath(directory)
    versions = [
        (step, -rank, name)
        for rank, file in enumerate(files)
        for step, name in _versions(inside, file)
    ]
    if not versions:
        raise UserError(f"--model={directory}: no exported model there; write one with export.py")
    return os.path.abspath(os.path.join(directory, max(versions)[-1]))


def _versions(names: list[str], file: str) -> list[tuple[int, str]]:
    """The steps and names of those names that are names of a version's folder."""
    prefix = _PREFIXES[file]
    steps = [(name[len(prefix) :], name) for name in names if name.startswith(prefix)]
    return [(int(step), name) for step, name in steps if step.isdecimal()]


def read_card(version: str) -> Card:
    """The card of an export, from its version's folder.

    Raises:
      UserError: the card is missing or damaged.
    """
    return _read(version, Card.from_json)


def read_step(version: str) -> int:
    """The training step of an export's weights, from its card, since its folder may have any name.

    Raises:
      UserError: the card is missing or damaged.
    """
    return _read(version, lambda text: int(json.loads(text)["step"]))


def read_class_results(version: str) -> dict[str, dict[str, Any]]:
    """The model's evaluation of each class, as from `scoring.by_class`; {} if there is none.

    Raises:
      UserError: the card is missing or damaged.
    """
    evaluation = _read(version, lambda text: dict(json.loads(text).get("evaluation", {})))
    return evaluation.get("by_class", {}).get("classes", {})


def _read(version: str, parse: Callable[[str], Any]) -> Any:
    """Parses the card's text. The model that ships has its card beside its other files."""
    path = os.path.join(version, os.path.basename(CARD_PATH))
    path = path if os.path.exists(path) else os.path.join(version, CARD_PATH)
    try:
        with open(path, encoding="utf-8") as file:
            return parse(file.read())
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{path}: missing or damaged ({error}); export the model again, with export.py"
        ) from None
