"""The record of a run's best checkpoint, in `best/best.json` of the run's folder."""

from __future__ import annotations

import json
import os

FOLDER = "best"
FILE = "best.json"


def directory(workdir: str) -> str:
    """The folder of a run's best checkpoint; it has the structure of a run's folder."""
    return os.path.join(workdir, FOLDER)


def write(workdir: str, best: dict) -> None:
    """Writes the record, in place of the earlier one; `directory` must exist.

    Args:
      workdir: the run's folder.
      best: `step`, `metric`, `value`, `metrics` and `protocol`, as JSON can hold them.
    """
    path = os.path.join(directory(workdir), FILE)
    with open(path + ".tmp", "w", encoding="utf-8") as file:
        json.dump(best, file)
    os.replace(path + ".tmp", path)


def read(workdir: str) -> dict | None:
    """The record that `write` wrote for the run; None if there is none."""
    try:
        with open(os.path.join(directory(workdir), FILE), encoding="utf-8") as file:
            return json.load(file)
    except FileNotFoundError:
        return None


def is_by(workdir: str, protocol: dict) -> bool:
    """Whether the record is by this protocol, or names no protocol, or there is none."""
    best = read(workdir)
    return best is None or best.get("protocol", protocol) == protocol
