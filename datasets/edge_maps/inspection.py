"""Looks at every photo of a folder before anything is written: faults, outlines, splits and pixel statistics."""

from __future__ import annotations

import collections
import dataclasses
import io
import multiprocessing.pool
import os
import pathlib
import sys
import unicodedata
from typing import Callable

import numpy as np
from PIL import Image

from datasets.common import listing, pictures, statistics
from datasets.common.listing import Picture
from datasets.common.report import Report
from datasets.edge_maps import outlines, photos
from sketch2img_tf.errors import UserError
from sketch2img_tf.surroundings import file_names, progress

BAD_KINDS = ("unreadable_pictures", "classes_alike")
NOTED_KINDS = (
    *("photos_without_lines", "identical_pictures", "empty_classes", "rows_without_file"),
    *("other_pictures", "other_files"),
)


@dataclasses.dataclass(frozen=True)
class Checked:
    """What one look at a photo tells.

    Attributes:
      problem: why the file cannot be used; empty when it can. The other fields are then not set.
      photo, sketch: sums of the pixels of the 256x256 photo and of its outline.
      outline: a PNG, 1 or 2 kB; empty when there is no line.
    """

    problem: str = ""
    photo: pictures.Checked = pictures.Checked()
    sketch: pictures.Checked = pictures.Checked()
    outline: bytes = b""


@dataclasses.dataclass(frozen=True)
class Pair:
    """An example: a photo and its outline."""

    photo: Picture
    checked: Checked

    @property
    def key(self) -> str:
        """`cat/tom.jpg`: other classes, and other kinds of file, may have a `tom` too."""
        return name(self.photo)

    @property
    def record_key(self) -> bytes:
        """As the file system has it, where no two files have one name.

        Bytes, since TFDS takes no lone surrogates.
        """
        return os.fsencode("/".join(self.photo.path.parts[-2:]))


@dataclasses.dataclass(frozen=True)
class Inspection:
    """What a build writes.

    Attributes:
      class_names: sorted names of the folders with a photo to use.
      train, test: the examples of each split.
      statistics: of the training split, as `statistics.statistics` gives them.
      report: what was found, all the names of each kind.
    """

    class_names: list[str]
    train: list[Pair]
    test: list[Pair]
    statistics: dict[str, list[float] | float]
    report: dict[str, list[str]]

    def examples(self) -> dict[str, dict[str, dict[str, int]]]:
        """The number of examples by split and class, under the empty mark: there are no reviewers."""
        return {"train": self._count(self.train), "test": self._count(self.test)}

    def _count(self, pairs: list[Pair]) -> dict[str, dict[str, int]]:
        counts = collections.Counter(pair.photo.class_name for pair in pairs)
        return {class_name: {"": counts[class_name]} for class_name in self.class_names}


def inspect(
    photos_dir: pathlib.Path, testset: str, max_bad: int, check_all: Callable[[list[Picture]], list[Checked]]
) -> Inspection:
    """Decodes every photo once, draws its outline, and prints the report to stderr.

    Args:
      photos_dir: a folder a class.
      testset: a file with the photos to hold out, `class/photo.jpg` a line; empty: a tenth of them.
      max_bad: unreadable photos to leave out, and names of classes to let pass.
      check_all: `check` of every photo, in their order.

    Raises:
      UserError: nothing to build, more than `max_bad` bad ones, or a split would be empty.
    """
    report = Report(BAD_KINDS, NOTED_KINDS)
    found, other = listing.pictures(photos_dir, photos.SUFFIXES)
    others = [file_names.as_text(str(picture.path.relative_to(photos_dir))) for picture in other]
    if not found:
        there = f" but {file_names.some(others)}" if others else ""
        raise UserError(
            f"--photos_dir={photos_dir}: no photo in it{there}; put them into a folder a class, as"
            f" cat/tom.jpg; they may be {', '.join(photos.SUFFIXES)}"
        )
    report.add("other_pictures", filter(file_names.is_picture, others))
    report.add("other_files", (name for name in others if not file_names.is_picture(name)))
    usable = _usable(found, check_all(found), report)
    class_names = sorted({pair.photo.class_name for pair in usable})
    folders = [folder.name for folder in listing.class_folders(photos_dir)]
    report.add("classes_alike", listing.alike(folders))
    report.add("empty_classes", sorted({*map(file_names.as_text, folders)}.difference(class_names)))
    train, test = _split(usable, testset, report)
    print(report, file=sys.stderr)
    _stop_if_bad(report.bad_count(), max_bad)
    _stop_if_empty(photos_dir, train, test)
    of_train = statistics.statistics([pair.checked.photo for pair in train], [pair.checked.sketch for pair in train])
    return Inspection(class_names, train, test, of_train, report.to_dict())


def check_all_in_threads(found: list[Picture]) -> list[Checked]:
    """`check` of every photo, on all cores."""
    with multiprocessing.pool.ThreadPool(os.cpu_count()) as pool:
        checked = pool.imap(check, found)
        return list(progress.bar(checked, total=len(found), desc="Drawing outlines", unit=" photos"))


def check(picture: Picture) -> Checked:
    """Decodes a photo, all of it, and draws its outline."""
    try:
        encoded = picture.path.read_bytes()
        photo = photos.decode(encoded)
    except Exception as error:  # Pillow raises nearly anything on damaged bytes.
        return Checked(problem=str(error) or type(error).__name__)
    outline = outlines.outline(photo)
    return Checked(
        photo=pictures.summed(photo, encoded),
        sketch=pictures.summed(255 - outline, b""),
        outline=_png(outline) if outline.min() == 0 else b"",
    )


def name(picture: Picture) -> str:
    """As the report says it: `cat/tom.jpg`."""
    return file_names.as_text("/".join(picture.path.parts[-2:]))


def _png(outline: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(outline[..., 0]).convert("1").save(file, "PNG", optimize=True)
    return file.getvalue()


def _usable(found: list[Picture], checked: list[Checked], report: Report) -> list[Pair]:
    """Readable photos with a line in them, each once, whatever copies of its file are called."""
    first: dict[bytes, Pair] = {}
    for pair in map(Pair, found, checked):
        if pair.checked.problem:
            report.add("unreadable_pictures", [f"{pair.key}: {pair.checked.problem}"])
        elif not pair.checked.outline:
            report.add("photos_without_lines", [pair.key])
        elif first.setdefault(pair.checked.photo.digest, pair) is not pair:
            report.add("identical_pictures", [f"{pair.key} is {first[pair.checked.photo.digest].key}"])
    return list(first.values())


def _split(pairs: list[Pair], testset: str, report: Report) -> tuple[list[Pair], list[Pair]]:
    held_out = _listed(pairs, testset, report) if testset else _tenth(pairs)
    return [pair for pair in pairs if pair.key not in held_out], [pair for pair in pairs if pair.key in held_out]


def _listed(pairs: list[Pair], testset: str, report: Report) -> set[str]:
    """The keys of the photos that the file names, whatever their suffix is now."""
    try:
        rows = pathlib.Path(testset).expanduser().read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"--testset={testset}: cannot be read ({error})") from error
    rows = [row.strip() for row in unicodedata.normalize("NFC", rows).split("\n") if row.strip()]
    keys = {_stem(pair.key): pair.key for pair in pairs}
    report.add("rows_without_file", (row for row in rows if _stem(row) not in keys))
    return {keys[_stem(row)] for row in rows if _stem(row) in keys}


def _stem(row: str) -> str:
    return str(pathlib.PurePosixPath(row).with_suffix(""))


def _tenth(pairs: list[Pair]) -> set[str]:
    """By the files' bytes, so that renaming or adding photos moves none; of a few, at least one."""
    by_hash = sorted(pairs, key=lambda pair: pair.checked.photo.digest)
    tenth = [pair for pair in by_hash if int.from_bytes(pair.checked.photo.digest, "big") % 10 == 0]
    return {pair.key for pair in tenth or by_hash[:1]}


def _stop_if_bad(bad_count: int, max_bad: int) -> None:
    if bad_count > max_bad:
        raise UserError(
            f"bad files: {bad_count}, listed above, and --max_bad={max_bad}: mend the folder, or give "
            f"--max_bad={bad_count} to build without them"
        )


def _stop_if_empty(photos_dir: pathlib.Path, train: list[Pair], test: list[Pair]) -> None:
    for split, pairs in (("train", train), ("test", test)):
        if not pairs:
            raise UserError(f"--photos_dir={photos_dir}: no photo is left for the {split} split; add photos")
