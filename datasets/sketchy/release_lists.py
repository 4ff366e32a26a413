"""The release's lists: photos to hold out, invalid sketches, and statistics of each sketch."""

from __future__ import annotations

import csv
import dataclasses
import io
import itertools
import pathlib
import unicodedata
from collections.abc import Collection

from sketch2img_tf.data.names import MARKS
from sketch2img_tf.errors import UserError

_MOST_DIGITS = 9  # of a number in stats.csv


@dataclasses.dataclass(frozen=True)
class Stats:
    """A row of stats.csv; -1: the value is unknown, is no number or is too large to be a count."""

    difficulty: int = -1
    stroke_count: int = -1


@dataclasses.dataclass(frozen=True)
class Info:
    """The rows of the lists.

    Attributes:
      test_photos: rows of testset.txt, `class/photo.jpg`; None if there is no such file.
      invalid: for each of `MARKS`, the sketch IDs of its list.
      stats: rows of stats.csv by sketch ID; empty if there is no such file.
    """

    test_photos: list[str] | None
    invalid: dict[str, frozenset[str]]
    stats: dict[str, Stats]


def read(folder: pathlib.Path) -> Info:
    """Reads the lists in `folder`; testset.txt and stats.csv may be missing.

    Raises:
      UserError: an invalid-*.txt is missing, a list is not text, or stats.csv lacks a column.
    """
    testset, stats = folder / "testset.txt", folder / "stats.csv"
    return Info(
        test_photos=_rows(testset) if testset.is_file() else None,
        invalid={flag: _invalid(folder, flag) for flag in MARKS},
        stats=_stats(stats) if stats.is_file() else {},
    )


def merged(lists: Collection[Info]) -> Info:
    """The rows of all lists, each once; parts of one release mostly have the same lists."""
    testsets = [info.test_photos for info in lists if info.test_photos is not None]
    return Info(
        test_photos=list(dict.fromkeys(itertools.chain(*testsets))) if testsets else None,
        invalid={
            flag: frozenset().union(*(info.invalid[flag] for info in lists)) for flag in MARKS
        },
        stats={sketch_id: stats for info in lists for sketch_id, stats in info.stats.items()},
    )


def photo_id(row: str) -> str:
    """`n02691156_10151` of the testset.txt row `airplane/n02691156_10151.jpg`."""
    return pathlib.PurePosixPath(row).stem


def _rows(path: pathlib.Path) -> list[str]:
    return [line.strip() for line in _text(path).splitlines() if line.strip()]


def _text(path: pathlib.Path) -> str:
    """The text of a list, without byte order mark; accents are composed as in `Picture`.

    A list in another encoding than UTF-8 keeps its ASCII, which is enough for the release's names.
    """
    text = path.read_text(encoding="utf-8-sig", errors="replace")
    if "\0" in text:  # UTF-16, whose rows would match no name
        raise UserError(f"{path} is not plain text: save it as UTF-8, or extract the archive again")
    return unicodedata.normalize("NFC", text)


def _invalid(folder: pathlib.Path, flag: str) -> frozenset[str]:
    path = folder / f"invalid-{flag}.txt"
    if not path.is_file():
        raise UserError(
            f"{path} is missing: without it every sketch would count as valid; extract the archive"
            " again"
        )
    return frozenset(_rows(path))


def _stats(path: pathlib.Path) -> dict[str, Stats]:
    reader = csv.DictReader(io.StringIO(_text(path)), restval="", skipinitialspace=True)
    try:
        missing = {"SketchID", "ImageNetID", "Difficulty", "Stroke_Count"} - set(
            reader.fieldnames or ()
        )
        if missing:
            raise UserError(
                f"{path} has no column {min(missing)}: mend it, or remove it (it is optional)"
            )
        return dict(map(_stats_row, reader))
    except csv.Error as error:
        raise UserError(
            f"{path}, line {reader.line_num}: {error}; mend it, or remove it (it is optional)"
        ) from None


def _stats_row(row: dict[str, str]) -> tuple[str, Stats]:
    return f"{row['ImageNetID']}-{row['SketchID']}", Stats(
        _number(row["Difficulty"]), _number(row["Stroke_Count"])
    )


def _number(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) <= _MOST_DIGITS else Stats.difficulty
