"""What is noted of a run's best checkpoint, in `best/best.json` of the run's folder."""

from __future__ import annotations

import json
import os

FOLDER = "best"
FILE = "best.json"


def directory(workdir: str) -> str:
    """Where the best checkpoint of a run is: a folder like a run's."""
    return os.path.join(workdir, FOLDER)


def write(workdir: str, best: dict) -> None:
    """Notes it in place of the one before; its folder is there.

    Args:
      workdir: the run's folder.
      best: `step`, `metric`, `value`, `metrics` and `protocol`, as JSON can hold them.
    """
    path = os.path.join(directory(workdir), FILE)
    with open(path + ".tmp", "w", encoding="utf-8") as file:
        json.dump(best, file)
    os.replace(path + ".tmp", path)


def read(workdir: str) -> dict | None:
    """What `write` noted for the run; None before the first."""
    try:
        with open(os.path.join(directory(workdir), FILE), encoding="utf-8") as file:
            return json.load(file)
    except FileNotFoundError:
        return None


def is_by(workdir: str, protocol: dict) -> bool:
    """Whether the run evaluates by this protocol while it trains, as far as its best says."""
    best = read(workdir)
    return best is None or best.get("protocol", protocol) == protocol
