"""Reads the classes and the seeds that a person types."""

from __future__ import annotations

import difflib
import re
import unicodedata

from sketch2img_tf.data import class_words
from sketch2img_tf.errors import UserError

MAX_SEEDS = 1000
_LARGEST_SEED = 2**63 - 1
_SHOWN = 10


def find_class(text: str, class_names: tuple[str, ...], flag: str, owner: str) -> str:
    """The class that `text` names.

    Case does not matter; spaces and hyphens count as underscores; accents may be composed or
    decomposed (macOS decomposes them in file names, keyboards compose them). If two classes differ
    in nothing else, an exact match wins, otherwise the first class. A synonym of exactly one class
    names that class.

    Args:
      text: as it was typed.
      class_names: the existing classes.
      flag: the flag with the text, for the message.
      owner: what has these classes, for the message.

    Raises:
      UserError: there is no such class; the message names the nearest ones.
    """
    if text in class_names:
        return text
    by_name = {plain(name): name for name in reversed(class_names)}
    wanted = plain(text)
    if wanted in by_name:
        return by_name[wanted]
    meant = [name for name in class_words.named(wanted) if name in class_names]
    if len(meant) == 1:
        return meant[0]
    containing = [name for name in by_name if wanted and wanted in name]
    near = meant or [
        by_name[name] for name in containing or difflib.get_close_matches(wanted, by_name, n=5)
    ]
    raise UserError(f"{flag}={text}: {owner} has no such class; {_suggestion(near, class_names)}")


def plain(name: str) -> str:
    """`hot_air_balloon` for " Hot-air balloon"; accents are composed (NFC)."""
    return re.sub(r"[\s_-]+", "_", unicodedata.normalize("NFC", name).strip().lower())


def parse_seeds(text: str) -> list[int]:
    """Parses seeds such as `3`, `1,5,9`, `0-7` or a mixture, in this order, without repetitions.

    Raises:
      UserError: the text has another form, or gives too many seeds.
    """
    seeds: dict[int, None] = {}
    for item in text.split(","):
        match = re.fullmatch(r"\s*(\d+)\s*(?:-\s*(\d+)\s*)?", item)
        if not match:
            raise UserError(f"--seeds={text}: should be whole numbers such as 3, 1,5,9 or 0-7")
        first, last = int(match[1]), int(match[2] or match[1])
        if not first <= last <= _LARGEST_SEED:
            raise UserError(
                f"--seeds={text}: {item.strip()} should go up, to {_LARGEST_SEED} at most"
            )
        seeds.update(dict.fromkeys(range(first, min(last, first + MAX_SEEDS) + 1)))
        if len(seeds) > MAX_SEEDS:
            raise UserError(f"--seeds={text}: give at most {MAX_SEEDS} seeds")
    return list(seeds)


def _suggestion(near: list[str], class_names: tuple[str, ...]) -> str:
    if near:
        return f"nearest: {', '.join(near[:_SHOWN])}"
    more = f" and {len(class_names) - _SHOWN} more" if len(class_names) > _SHOWN else ""
    return f"it has {', '.join(class_names[:_SHOWN])}{more}"
