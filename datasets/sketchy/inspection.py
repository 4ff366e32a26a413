"""Checks every file of the release before anything is written: faults, pairs, splits, means."""

from __future__ import annotations

import collections
import dataclasses
import hashlib
import multiprocessing.pool
import os
import pathlib
import sys
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from datasets.common import listing, pictures, sources, statistics
from datasets.common.report import Report
from datasets.sketchy import release_lists
from sketch2img_tf.data.names import MARKS
from sketch2img_tf.errors import UserError
from sketch2img_tf.surroundings import file_names, progress

if TYPE_CHECKING:
    from datasets.common.listing import Picture
    from datasets.sketchy.release import Release


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
      held_out: IDs of the photos that no training may use: those of `test`, and those that the
        lists hold out, whether they are in these folders or not.
      look_of: the look of each photo (`looks`).
      statistics: those of the training split, from `statistics.statistics`.
      report: the names that were found, by kind.
      sources: what each folder gave, from `sources.counts`.
    """

    class_names: list[str]
    train: list[Pair]
    test: list[Pair]
    held_out: set[str]
    look_of: dict[Picture, bytes]
    statistics: dict[str, list[float] | float]
    report: dict[str, list[str]]
    sources: list[dict]

    def examples(self) -> dict[str, dict[str, dict[str, int]]]:
        """Numbers of examples by split, class, and flags: joined by commas, in `MARKS`' order."""
        return {"train": self._count(self.train), "test": self._count(self.test)}

    def photos(self, split: str) -> list[Picture]:
        """The photos of `train` or `test`, each once, in the order of their IDs."""
        return sorted({pair.photo for pair in getattr(self, split)}, key=lambda photo: photo.id)

    def _count(self, pairs: list[Pair]) -> dict[str, dict[str, int]]:
        counts = {name: collections.Counter() for name in self.class_names}
        for pair in pairs:
            counts[pair.photo.class_name][",".join(pair.flags)] += 1
        return {name: dict(sorted(flags.items())) for name, flags in counts.items()}


def inspect(releases: Sequence[Release], max_bad: int) -> Inspection:
    """Decodes every picture of `releases` once, on all cores, and prints the report to stderr.

    Raises:
      UserError: there are more than `max_bad` faults (`report.BAD_KINDS`), or a split is empty.
    """
    report = Report()
    lists = {release.source: release_lists.read(release.info) for release in releases}
    all_lists = release_lists.merged(lists.values())
    class_names = _class_names(releases, report)
    photos = _list(
        [(release.photos, release.source) for release in releases], listing.PHOTO_SUFFIXES, report
    )
    sketches = _list(
        [(release.sketches, release.source) for release in releases],
        listing.SKETCH_SUFFIXES,
        report,
    )
    _note_rows(all_lists, photos, sketches, report)
    couples, checked = _usable(photos, sketches, report)
    held_out = _held_out(couples, lists)
    couples = _without_copies(couples, checked, held_out, report)
    pairs = [_pair(photo, sketch, all_lists) for photo, sketch in couples]
    train = [pair for pair in pairs if pair.photo.id not in held_out]
    test = [pair for pair in pairs if pair.photo.id in held_out]
    of_splits = [[pair.photo for pair in split] for split in (train, test)]
    of_sources = [sources.counts(release.source, photos, *of_splits) for release in releases]
    print(report, *map(sources.line, of_sources), sep="\n", file=sys.stderr)
    _stop_if_bad(report.bad_count(), max_bad)
    _stop_if_empty(train, test, releases, all_lists)
    look_of = {photo: checked[photo].look for photo in photos}
    of_train = _statistics(train, checked)
    return Inspection(
        class_names, train, test, held_out, look_of, of_train, report.to_dict(), of_sources
    )


def _class_names(releases: Sequence[Release], report: Report) -> list[str]:
    names = _folder_names([release.photos for release in releases])
    drawn = _folder_names([release.sketches for release in releases])
    known = pathlib.Path(__file__).with_name("labels.txt").read_text(encoding="utf-8").splitlines()
    report.add("classes_alike", listing.alike(names + drawn))
    report.add("unknown_classes", (name for name in names if name not in known))
    return names


def _folder_names(renderings: Sequence[pathlib.Path]) -> list[str]:
    folders = [folder for rendering in renderings for folder in listing.class_folders(rendering)]
    return sorted({file_names.as_text(folder.name) for folder in folders})


def _usable(
    photos: list[Picture], sketches: list[Picture], report: Report
) -> tuple[list[tuple[Picture, Picture]], dict[Picture, pictures.Checked]]:
    """The photo and sketch of every example, and the result of decoding each file."""
    checked = _check(photos, sketches)
    report.add(
        "unreadable_pictures",
        (f"{p.name}: {result.problem}" for p, result in checked.items() if result.problem),
    )
    _note_identical(checked, report)
    return _couple(
        _first_of_each_id(photos, report), _first_of_each_id(sketches, report), checked, report
    ), checked


def _list(
    folders: list[tuple[pathlib.Path, sources.Source]], suffixes: tuple[str, ...], report: Report
) -> list[Picture]:
    wanted = []
    for rendering, source in folders:
        of_folder, other = listing.pictures(rendering, suffixes, source)
        report.add("other_files", (picture.name for picture in other))
        wanted += of_folder
    return wanted


def _note_rows(
    lists: release_lists.Info, photos: list[Picture], sketches: list[Picture], report: Report
) -> None:
    photo_ids, sketch_ids = {photo.id for photo in photos}, {sketch.id for sketch in sketches}
    rows = [
        ("testset.txt", row, release_lists.photo_id(row) in photo_ids)
        for row in lists.test_photos or ()
    ]
    for flag in MARKS:
        rows += [(f"invalid-{flag}.txt", row, row in sketch_ids) for row in lists.invalid[flag]]
    rows += [("stats.csv", row, row in sketch_ids) for row in lists.stats]
    report.add("rows_without_file", (f"{file}: {row}" for file, row, found in rows if not found))


def _check(photos: list[Picture], sketches: list[Picture]) -> dict[Picture, pictures.Checked]:
    """Decodes all pictures in threads, since the decoders do not hold Python's global lock."""
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
            same_folder = picture.source == first[picture.id].source
            kind = "duplicates" if same_folder else "pictures_in_two_folders"
            report.add(kind, [f"{picture.name} has the ID of {first[picture.id].name}"])
    return list(first.values())


def _couple(
    photos: list[Picture],
    sketches: list[Picture],
    checked: dict[Picture, pictures.Checked],
    report: Report,
) -> list[tuple[Picture, Picture]]:
    """Each usable sketch with its usable photo; the report gets every file that is left over."""
    there = {_key(picture, picture.id) for picture in checked}
    usable = {_key(photo, photo.id): photo for photo in photos if not checked[photo].problem}
    readable = [sketch for sketch in sketches if not checked[sketch].problem]
    left_over = [sketch for sketch in readable if _drawn_from(sketch) not in usable]
    drawn = {_drawn_from(sketch) for sketch in sketches}
    report.add(
        "photos_without_sketch", (photo.name for key, photo in usable.items() if key not in drawn)
    )
    report.add("sketches_without_photo", (s.name for s in left_over if _drawn_from(s) not in there))
    report.add("sketches_of_skipped_photos", (s.name for s in left_over if _drawn_from(s) in there))
    return [
        (usable[_drawn_from(sketch)], sketch)
        for sketch in readable
        if _drawn_from(sketch) in usable
    ]


def _drawn_from(sketch: Picture) -> tuple[str, str, str]:
    """The key of the photo from which the sketch was drawn."""
    return _key(sketch, sketch.id.rpartition("-")[0])


def _key(picture: Picture, photo_id: str) -> tuple[str, str, str]:
    """What a photo and its sketches have in common: they may be in different folders."""
    return picture.source.renderings, picture.class_name, photo_id


def _held_out(
    couples: list[tuple[Picture, Picture]], lists: dict[sources.Source, release_lists.Info]
) -> set[str]:
    """IDs that any folder holds out. A photo, with its sketches, is in one split in all folders."""
    held_out = set()
    for source, info in lists.items():
        if info.test_photos is None:
            held_out |= held_out_by_hash(
                {photo.id for photo, _ in couples if photo.source == source}
            )
        else:
            held_out.update(map(release_lists.photo_id, info.test_photos))
    return held_out


def _without_copies(
    couples: list[tuple[Picture, Picture]],
    checked: dict[Picture, pictures.Checked],
    held_out: set[str],
    report: Report,
) -> list[tuple[Picture, Picture]]:
    """The couples without photos that another folder has under another ID."""
    photos = list(dict.fromkeys(photo for photo, _ in couples))
    look_of = {photo: checked[photo].look for photo in photos}
    copies = sources.copies(photos, look_of, [photo for photo in photos if photo.id in held_out])
    for copy, kept in copies.items():
        held = ", which is held out" if kept.id in held_out and copy.id not in held_out else ""
        report.add("photos_alike_in_two_folders", [f"{copy.name} looks like {kept.name}{held}"])
    report.add(
        "sketches_of_skipped_photos", (sketch.name for photo, sketch in couples if photo in copies)
    )
    return [(photo, sketch) for photo, sketch in couples if photo not in copies]


def _stop_if_bad(bad_count: int, max_bad: int) -> None:
    if bad_count > max_bad:
        raise UserError(
            f"bad files: {bad_count}, listed above, and --max_bad={max_bad}: mend the release, or"
            f" give --max_bad={bad_count} to build without them"
        )


def _pair(photo: Picture, sketch: Picture, lists: release_lists.Info) -> Pair:
    flags = tuple(flag for flag in MARKS if sketch.id in lists.invalid[flag])
    return Pair(photo, sketch, flags, lists.stats.get(sketch.id, release_lists.Stats()))


def held_out_by_hash(photo_ids: Collection[str]) -> set[str]:
    """A tenth of all possible IDs, the same in every part of the release; at least one of these."""
    return {photo_id for photo_id in photo_ids if _hash(photo_id) % 10 == 0} or set(
        sorted(photo_ids, key=_hash)[:1]
    )


def _hash(photo_id: str) -> int:
    return int.from_bytes(hashlib.sha256(photo_id.encode()).digest(), "big")


def _stop_if_empty(
    train: list[Pair], test: list[Pair], releases: Sequence[Release], lists: release_lists.Info
) -> None:
    photos = ", ".join(str(release.photos) for release in releases)
    if not train + test:
        raise UserError(
            f"{photos} and {releases[0].sketches} have no photo with a sketch: nothing to build"
        )
    rule = (
        "the hash of its ID, since there is no testset.txt"
        if lists.test_photos is None
        else "testset.txt"
    )
    for name, pairs in (("train", train), ("test", test)):
        if not pairs:
            raise UserError(f"{photos}: by {rule} no photo here is in the {name} split; add photos")


def _statistics(
    train: list[Pair], checked: dict[Picture, pictures.Checked]
) -> dict[str, list[float] | float]:
    photos = {pair.photo for pair in train}
    return statistics.statistics(
        [checked[photo] for photo in photos], [checked[pair.sketch] for pair in train]
    )
