"""Files of JSON lines, to which a run adds: one object per line."""

from __future__ import annotations

import json
import os


def append(path: str, line: dict) -> None:
    """Adds a line; makes the file if it is missing."""
    with open(path, "a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")


def read(path: str) -> list[dict]:
    """The lines in their order; [] without a file. Leaves out a last line that is not complete."""
    if not os.path.exists(path):
        return []
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file if line.endswith("\n")]
