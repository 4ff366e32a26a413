"""Checks every photo before anything is written: faults, outlines, splits and pixel statistics."""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import functools
import io
import os
import pathlib
import sys
import unicodedata
from collections.abc import Sequence
from typing import TYPE_CHECKING, Callable

import numpy as np
from PIL import Image

from datasets.common import building, listing, looks, pictures, sources, statistics
from datasets.common.report import Report
from datasets.edge_maps import drawing, ink_network, outlines, photos
from sketch2img_tf.errors import UserError
from sketch2img_tf.surroundings import file_names, processes, progress

if TYPE_CHECKING:
    from datasets.common.listing import Picture
    from datasets.edge_maps.ink_network import LinesOptions

_FEW = 256  # photos: to draw them takes less time than to start processes

BAD_KINDS = ("unreadable_pictures", "classes_alike")
NOTED_KINDS = (
    *("photos_without_lines", "identical_pictures", "empty_classes", "rows_without_file"),
    *("held_out_by_the_sketches", "photos_of_the_sketches", "photos_alike_in_two_folders"),
    *("other_pictures", "other_files"),
)


@dataclasses.dataclass(frozen=True)
class Checked:
    """The results of decoding a photo and drawing its outline.

    Attributes:
      problem: why the file cannot be used; "" if it can. If set, the other fields are not.
      photo, sketch: sums of the pixels of the 256x256 photo and of its outline.
      outline: a PNG file of 1 or 2 kB; empty if the photo has no line.
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
        """`cat/tom.jpg`: another class, or a file of another type, may be called `tom` too."""
        return name(self.photo)

    @property
    def record_key(self) -> bytes:
        """The path below the source folder, which no other file has.

        Bytes, since a name need not be valid UTF-8, and TFDS refuses a text with lone surrogates.
        """
        number = self.photo.source.number
        # The first folder has no number, so that a build of one folder keeps the order it had
        folder = [str(number)] if number else []
        return os.fsencode("/".join([*folder, *self.photo.path.parts[-2:]]))


@dataclasses.dataclass(frozen=True)
class Inspection:
    """What a build writes.

    Attributes:
      class_names: sorted names of the folders that have a usable photo.
      train, test: the examples of each split.
      statistics: those of the training split, from `statistics.statistics`.
      report: the names that were found, by kind.
      sources: what each folder gave, from `sources.counts`.
    """

    class_names: list[str]
    train: list[Pair]
    test: list[Pair]
    statistics: dict[str, list[float] | float]
    report: dict[str, list[str]]
    sources: list[dict]

    def examples(self) -> dict[str, dict[str, dict[str, int]]]:
        """How many examples each class of each split has; all are without a mark, ""."""
        return {"train": self._count(self.train), "test": self._count(self.test)}

    def _count(self, pairs: list[Pair]) -> dict[str, dict[str, int]]:
        counts = collections.Counter(pair.photo.class_name for pair in pairs)
        return {class_name: {"": counts[class_name]} for class_name in self.class_names}


def inspect(
    folders: Sequence[sources.Source],
    testset: str,
    sketches_dir: str,
    max_bad: int,
    check_all: Callable[[list[Picture]], list[Checked]],
) -> Inspection:
    """Decodes every photo once, draws its outline, and prints the report to stderr.

    Args:
      folders: each has a folder per class.
      testset: a file that lists the photos to hold out, `class/photo.jpg` per line.
      sketches_dir: the folder of built sketches. Photos that the sketches hold out are held out
        here too; photos that the sketches train on are left out. Without `testset` and without
        `sketches_dir`, a tenth of the photos is held out.
      max_bad: how many unreadable photos may be left out, or faulty class names be accepted.
      check_all: gives the result of `check` for every photo, in their order.

    Raises:
      UserError: there is no photo, more than `max_bad` are bad, or a split would be empty.
    """
    report = Report(BAD_KINDS, NOTED_KINDS)
    found = [photo for source in folders for photo in _listed(source, report)]
    usable = _usable(found, check_all(found), report)
    if sketches_dir:
        usable, held_out = _beside_sketches(usable, _metadata_of_sketches(sketches_dir), report)
    else:
        held_out = set()
    if testset:
        held_out |= _of_list(usable, testset, report)
    held_out = held_out or _tenth(usable)
    usable = _without_copies(usable, held_out, report)
    train = [pair for pair in usable if pair.photo not in held_out]
    test = [pair for pair in usable if pair.photo in held_out]
    class_names = sorted({pair.photo.class_name for pair in usable})
    _check_class_folders(folders, class_names, report)
    of_splits = [[pair.photo for pair in split] for split in (train, test)]
    of_sources = [sources.counts(source, found, *of_splits) for source in folders]
    print(report, *map(sources.line, of_sources), sep="\n", file=sys.stderr)
    _stop_if_bad(report.bad_count(), max_bad)
    _stop_if_empty(folders, train, test)
    of_train = statistics.statistics(
        [pair.checked.photo for pair in train], [pair.checked.sketch for pair in train]
    )
    return Inspection(class_names, train, test, of_train, report.to_dict(), of_sources)


def _listed(source: sources.Source, report: Report) -> list[Picture]:
    """The photo files of a folder; other files go into the report."""
    photos_dir = pathlib.Path(source.folder)
    found, other = listing.pictures(photos_dir, photos.SUFFIXES, source)
    others = [file_names.as_text(str(picture.path.relative_to(photos_dir))) for picture in other]
    if not found:
        there = f" but {file_names.some(others)}" if others else ""
        raise UserError(
            f"--photos_dir={photos_dir}: no photo in it{there}; put photos into a folder for each"
            f" class, such as cat/tom.jpg; they may be {', '.join(photos.SUFFIXES)}"
        )
    named = [f"{source.label}/{name}" if source.label else name for name in others]
    report.add("other_pictures", filter(file_names.is_picture, named))
    report.add("other_files", (name for name in named if not file_names.is_picture(name)))
    return found


def _check_class_folders(
    folders: Sequence[sources.Source], class_names: list[str], report: Report
) -> None:
    raw = [
        [folder.name for folder in listing.class_folders(pathlib.Path(source.folder))]
        for source in folders
    ]
    names = {file_names.as_text(name) for of_folder in raw for name in of_folder}
    # Two folders may write one name with differently composed accents, and are then not at fault;
    # one folder with both is. So names of all folders are compared composed, those of one as is.
    report.add("classes_alike", sorted({*listing.alike(names)}.union(*map(listing.alike, raw))))
    report.add("empty_classes", sorted(names.difference(class_names)))


def check_all_here(found: list[Picture], lines: LinesOptions | None = None) -> list[Checked]:
    """`check` of every photo, on all cores of this machine."""
    check_one = functools.partial(check, lines=lines)
    with contextlib.ExitStack() as stack:
        if len(found) < _FEW:
            checked = map(check_one, found)
        else:
            # Not threads: they would wait for each other, for Python's lock
            pool = stack.enter_context(processes.pool(begin=ink_network.use_one_core))
            checked = pool.map(check_one, found, chunksize=4)
        return list(
            progress.bar(checked, total=len(found), desc="Drawing outlines", unit=" photos")
        )


def check(picture: Picture, lines: LinesOptions | None = None) -> Checked:
    """Decodes the whole photo and draws its outline: edges, or what a network chose by `lines`."""
    try:
        encoded = picture.path.read_bytes()
        whole = photos.open_upright(encoded)
    except Exception as error:  # Pillow raises nearly anything on damaged bytes.
        return Checked(problem=str(error) or type(error).__name__)
    photo = photos.middle_square(whole)
    if lines is None:
        outline = outlines.outline(photo)
    else:
        outline = drawing.draw(photo, *ink_network.of_photo(lines)(photo))
    return Checked(
        photo=pictures.summed(photo, encoded, looks.look(whole)),
        sketch=pictures.summed(255 - outline, b""),
        outline=_png(outline) if outline.min() == 0 else b"",
    )


def name(picture: Picture) -> str:
    """The picture's name in the report: `cat/tom.jpg`."""
    return picture.name_below(2)


def _png(outline: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(outline[..., 0]).convert("1").save(file, "PNG", optimize=True)
    return file.getvalue()


def _usable(found: list[Picture], checked: list[Checked], report: Report) -> list[Pair]:
    """The readable photos that have a line; of several copies of a file, the first."""
    first: dict[bytes, Pair] = {}
    for pair in map(Pair, found, checked):
        if pair.checked.problem:
            report.add("unreadable_pictures", [f"{pair.key}: {pair.checked.problem}"])
        elif not pair.checked.outline:
            report.add("photos_without_lines", [pair.key])
        elif first.setdefault(pair.checked.photo.digest, pair) is not pair:
            report.add(
                "identical_pictures", [f"{pair.key} is {first[pair.checked.photo.digest].key}"]
            )
    return list(first.values())


def _metadata_of_sketches(sketches_dir: str) -> dict:
    if not (pathlib.Path(sketches_dir) / "metadata.json").is_file():
        raise UserError(
            f"--sketches_dir={sketches_dir}: has no metadata.json; give the folder of built"
            " sketches"
        )
    metadata = building.read_metadata(pathlib.Path(sketches_dir))
    if "training_looks" not in metadata:
        raise UserError(
            f"{sketches_dir} does not say what its photos look like; delete it and build it again"
        )
    return metadata


def _beside_sketches(
    pairs: list[Pair], sketches: dict, report: Report
) -> tuple[list[Pair], set[Picture]]:
    """The pairs whose photos the sketches do not train on, and the photos that they hold out.

    `sketches` is the metadata of the built sketches. A photo is recognised by its file's name or by
    its look.
    """
    held_out, known = set(), set()
    for split, kind, pictures_of in (
        ("held_out", "held_out_by_the_sketches", held_out),
        ("training", "photos_of_the_sketches", known),
    ):
        names = set(sketches[f"{split}_photos"])
        others = [bytes.fromhex(look) for look in sketches[f"{split}_looks"]]
        alike = looks.first_alike([pair.checked.photo.look for pair in pairs], others)
        for pair, position in zip(pairs, alike):
            if pair.photo not in held_out and (pair.photo.id in names or position >= 0):
                pictures_of.add(pair.photo)
                report.add(
                    kind, [f"{pair.key}, by its {'name' if pair.photo.id in names else 'look'}"]
                )
    return [pair for pair in pairs if pair.photo not in known], held_out


def _without_copies(pairs: list[Pair], held_out: set[Picture], report: Report) -> list[Pair]:
    """The pairs without photos that look like a photo of another folder."""
    look_of = {pair.photo: pair.checked.photo.look for pair in pairs}
    copies = sources.copies(list(look_of), look_of, held_out)
    for copy, kept in copies.items():
        held = ", which is held out" if kept in held_out and copy not in held_out else ""
        report.add("photos_alike_in_two_folders", [f"{name(copy)} looks like {name(kept)}{held}"])
    return [pair for pair in pairs if pair.photo not in copies]


def _of_list(pairs: list[Pair], testset: str, report: Report) -> set[Picture]:
    """The photos that the file names; the suffixes may differ."""
    try:
        rows = pathlib.Path(testset).expanduser().read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"--testset={testset}: cannot be read ({error})") from error
    rows = [row.strip() for row in unicodedata.normalize("NFC", rows).split("\n") if row.strip()]
    named = collections.defaultdict(set)
    for pair in pairs:
        named[f"{pair.photo.class_name}/{pair.photo.id}"].add(pair.photo)
    report.add("rows_without_file", (row for row in rows if _stem(row) not in named))
    return set().union(*(named[_stem(row)] for row in rows if _stem(row) in named))


def _stem(row: str) -> str:
    return str(pathlib.PurePosixPath(row).with_suffix(""))


def _tenth(pairs: list[Pair]) -> set[Picture]:
    """About every tenth photo, chosen by the hash of its file; at least one.

    So renaming photos or adding some moves no photo to the other split.
    """
    by_hash = sorted(pairs, key=lambda pair: pair.checked.photo.digest)
    tenth = [pair for pair in by_hash if int.from_bytes(pair.checked.photo.digest, "big") % 10 == 0]
    return {pair.photo for pair in tenth or by_hash[:1]}


def _stop_if_bad(bad_count: int, max_bad: int) -> None:
    if bad_count > max_bad:
        raise UserError(
            f"bad files: {bad_count}, listed above, and --max_bad={max_bad}: mend the folder, or"
            f" give --max_bad={bad_count} to build without them"
        )


def _stop_if_empty(folders: Sequence[sources.Source], train: list[Pair], test: list[Pair]) -> None:
    given = ",".join(source.folder for source in folders)
    for split, pairs in (("train", train), ("test", test)):
        if not pairs:
            raise UserError(
                f"--photos_dir={given}: no photo is left for the {split} split; add photos"
            )
