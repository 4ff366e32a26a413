"""Looks at every file of the release before anything is written: faults, pairs, splits and pixel statistics."""

from __future__ import annotations

import collections
import dataclasses
import hashlib
import multiprocessing.pool
import os
import pathlib
import sys
from collections.abc import Collection

from datasets.common import listing, pictures, statistics
from datasets.common.listing import Picture
from datasets.common.report import Report
from datasets.names import MARKS
from datasets.sketchy import release_lists
from datasets.sketchy.release import Release
from sketch2img_tf.errors import UserError
from sketch2img_tf.surroundings import file_names, progress


@dataclasses.dataclass(frozen=True)
class Pair:
    """An example: a sketch, the photo it was drawn from, and what the lists say of the sketch."""

    photo: Picture
    sketch: Picture
    flags: tuple[str, ...]
    stats: release_lists.Stats


@dataclasses.dataclass(frozen=True)
class Inspection:
    """What a build writes.

    Attributes:
      class_names: sorted names of the photos' folders.
      train, test: the pairs of each split; no photo is in both.
      statistics: of the training split, as `statistics.statistics` gives them.
      report: what was found, all the names of each kind.
    """

    class_names: list[str]
    train: list[Pair]
    test: list[Pair]
    statistics: dict[str, list[float] | float]
    report: dict[str, list[str]]

    def examples(self) -> dict[str, dict[str, dict[str, int]]]:
        """Numbers of examples by split, class, and comma-joined flags in the order of `MARKS`."""
        return {"train": self._count(self.train), "test": self._count(self.test)}

    def _count(self, pairs: list[Pair]) -> dict[str, dict[str, int]]:
        counts = {name: collections.Counter() for name in self.class_names}
        for pair in pairs:
            counts[pair.photo.class_name][",".join(pair.flags)] += 1
        return {name: dict(sorted(flags.items())) for name, flags in counts.items()}


def inspect(release: Release, max_bad: int) -> Inspection:
    """Decodes every picture of `release` once, on all cores, and prints the report to stderr.

    Raises:
      UserError: more than `max_bad` names are under `report.BAD_KINDS`, or a split would be empty.
    """
    report = Report()
    lists = release_lists.read(release.info)
    class_names = _class_names(release, report)
    couples, checked = _usable(release, lists, report)
    print(report, file=sys.stderr)
    _stop_if_bad(report.bad_count(), max_bad)
    train, test = _split([_pair(photo, sketch, lists) for photo, sketch in couples], lists.test_photos)
    _stop_if_empty(train, test, release, lists)
    return Inspection(class_names, train, test, _statistics(train, checked), report.to_dict())


def _class_names(release: Release, report: Report) -> list[str]:
    names, drawn = (_folder_names(rendering) for rendering in (release.photos, release.sketches))
    known = pathlib.Path(__file__).with_name("labels.txt").read_text(encoding="utf-8").splitlines()
    report.add("classes_alike", listing.alike(names + drawn))
    report.add("unknown_classes", (name for name in names if name not in known))
    return names


def _folder_names(rendering: pathlib.Path) -> list[str]:
    return sorted({file_names.as_text(folder.name) for folder in listing.class_folders(rendering)})


def _usable(
    release: Release, lists: release_lists.Info, report: Report
) -> tuple[list[tuple[Picture, Picture]], dict[Picture, pictures.Checked]]:
    """Photo and sketch of every example, and what decoding each file told."""
    photos = _list(release.photos, listing.PHOTO_SUFFIXES, report)
    sketches = _list(release.sketches, listing.SKETCH_SUFFIXES, report)
    _note_rows(lists, photos, sketches, report)
    checked = _check(photos, sketches)
    report.add(
        "unreadable_pictures", (f"{p.name}: {result.problem}" for p, result in checked.items() if result.problem)
    )
    _note_identical(checked, report)
    return _couple(_first_of_each_id(photos, report), _first_of_each_id(sketches, report), checked, report), checked


def _list(rendering: pathlib.Path, suffixes: tuple[str, ...], report: Report) -> list[Picture]:
    wanted, other = listing.pictures(rendering, suffixes)
    report.add("other_files", (picture.name for picture in other))
    return wanted


def _note_rows(lists: release_lists.Info, photos: list[Picture], sketches: list[Picture], report: Report) -> None:
    photo_ids, sketch_ids = {photo.id for photo in photos}, {sketch.id for sketch in sketches}
    rows = [("testset.txt", row, release_lists.photo_id(row) in photo_ids) for row in lists.test_photos or ()]
    for flag in MARKS:
        rows += [(f"invalid-{flag}.txt", row, row in sketch_ids) for row in lists.invalid[flag]]
    rows += [("stats.csv", row, row in sketch_ids) for row in lists.stats]
    report.add("rows_without_file", (f"{file}: {row}" for file, row, found in rows if not found))


def _check(photos: list[Picture], sketches: list[Picture]) -> dict[Picture, pictures.Checked]:
    """Decodes all pictures in threads: the decoders run without Python's lock."""
    checks = [(photo, pictures.check_photo) for photo in photos]
    checks += [(sketch, pictures.check_sketch) for sketch in sketches]
    with multiprocessing.pool.ThreadPool(os.cpu_count()) as pool:
        results = pool.imap(lambda task: task[1](task[0].path), checks)
        shown = progress.bar(results, total=len(checks), desc="Checking pictures", unit=" files")
        return {picture: result for result, (picture, _) in zip(shown, checks)}


def _note_identical(checked: dict[Picture, pictures.Checked], report: Report) -> None:
    first = {}
    for picture, result in checked.items():
        if not result.problem and first.setdefault(result.digest, picture) is not picture:
            report.add("identical_pictures", [f"{picture.name} is {first[result.digest].name}"])


def _first_of_each_id(found: list[Picture], report: Report) -> list[Picture]:
    first = {}
    for picture in found:
        if first.setdefault(picture.id, picture) is not picture:
            report.add("duplicates", [f"{picture.name} has the ID of {first[picture.id].name}"])
    return list(first.values())


def _couple(
    photos: list[Picture], sketches: list[Picture], checked: dict[Picture, pictures.Checked], report: Report
) -> list[tuple[Picture, Picture]]:
    """Each usable sketch with its usable photo; what is left over is reported, each file once."""
    there = {(picture.class_name, picture.id) for picture in checked}
    usable = {(photo.class_name, photo.id): photo for photo in photos if not checked[photo].problem}
    readable = [sketch for sketch in sketches if not checked[sketch].problem]
    left_over = [sketch for sketch in readable if _drawn_from(sketch) not in usable]
    drawn = {_drawn_from(sketch) for sketch in sketches}
    report.add("photos_without_sketch", (photo.name for key, photo in usable.items() if key not in drawn))
    report.add("sketches_without_photo", (s.name for s in left_over if _drawn_from(s) not in there))
    report.add("sketches_of_skipped_photos", (s.name for s in left_over if _drawn_from(s) in there))
    return [(usable[_drawn_from(sketch)], sketch) for sketch in readable if _drawn_from(sketch) in usable]


def _drawn_from(sketch: Picture) -> tuple[str, str]:
    """Class and ID of the sketch's photo."""
    return sketch.class_name, sketch.id.rpartition("-")[0]


def _stop_if_bad(bad_count: int, max_bad: int) -> None:
    if bad_count > max_bad:
        raise UserError(
            f"bad files: {bad_count}, listed above, and --max_bad={max_bad}: mend the release, or give "
            f"--max_bad={bad_count} to build without them"
        )


def _pair(photo: Picture, sketch: Picture, lists: release_lists.Info) -> Pair:
    flags = tuple(flag for flag in MARKS if sketch.id in lists.invalid[flag])
    return Pair(photo, sketch, flags, lists.stats.get(sketch.id, release_lists.Stats()))


def _split(pairs: list[Pair], test_photos: list[str] | None) -> tuple[list[Pair], list[Pair]]:
    """Training and test pairs, by the photo's ID: all sketches of a photo are on one side."""
    if test_photos is None:
        held_out = held_out_by_hash({pair.photo.id for pair in pairs})
    else:
        held_out = {release_lists.photo_id(row) for row in test_photos}
    train = [pair for pair in pairs if pair.photo.id not in held_out]
    return train, [pair for pair in pairs if pair.photo.id in held_out]


def held_out_by_hash(photo_ids: Collection[str]) -> set[str]:
    """A tenth of all possible IDs, the same ones in every part of the release; of a few photos, at least one."""
    return {photo_id for photo_id in photo_ids if _hash(photo_id) % 10 == 0} or set(sorted(photo_ids, key=_hash)[:1])


def _hash(photo_id: str) -> int:
    return int.from_bytes(hashlib.sha256(photo_id.encode()).digest(), "big")


def _stop_if_empty(train: list[Pair], test: list[Pair], release: Release, lists: release_lists.Info) -> None:
    if not train + test:
        raise UserError(f"{release.photos} and {release.sketches} have no photo with a sketch: nothing to build")
    rule = "the hash of its ID, testset.txt being absent" if lists.test_photos is None else "testset.txt"
    for name, pairs in (("train", train), ("test", test)):
        if not pairs:
            raise UserError(f"{release.photos}: by {rule} no photo here is in the {name} split; add photos")


def _statistics(train: list[Pair], checked: dict[Picture, pictures.Checked]) -> dict[str, list[float] | float]:
    photos = {pair.photo for pair in train}
    return statistics.statistics([checked[photo] for photo in photos], [checked[pair.sketch] for pair in train])
