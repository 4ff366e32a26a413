"""Finds the parts of the Sketchy release, whether they are archives or extracted folders.

The release is two archives: `rendered_256x256.7z` holds
`256x256/photo/<rendering>/<class>/<photo>.jpg` and
`256x256/sketch/<rendering>/<class>/<photo>-<k>.png`; `info-06-04.zip` holds `info-06-04/info/*.txt`
and `*.csv`.
"""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Callable, Sequence

from datasets.common import building, sources
from datasets.common.sources import ALONE, Source
from sketch2img_tf.data import names
from sketch2img_tf.data.names import PHOTO_VARIANTS, SKETCH_VARIANTS
from sketch2img_tf.errors import UserError

_SHOWN = 12


@dataclasses.dataclass(frozen=True)
class Part:
    """A part of the release: the places of its folder, an entry that is in it, and its archive."""

    places: tuple[str, ...]
    entry: str
    archive: str


PICTURES = Part(("256x256", "rendered_256x256/256x256"), "photo", "rendered_256x256.7z")
INFO = Part(("info-06-04/info", "info"), "invalid-error.txt", "info-06-04.zip")


@dataclasses.dataclass(frozen=True)
class Release:
    """The folders of one choice of renderings.

    `photos` and `sketches` have a folder per class, `info` has the lists; all are in `source`.
    """

    photos: pathlib.Path
    sketches: pathlib.Path
    info: pathlib.Path
    source: Source = ALONE


def renderings(
    photo_variant: str | Sequence[str], sketch_variant: str | Sequence[str]
) -> list[str]:
    """`names.renderings`, of one variant or several.

    Raises:
      UserError: there is no such variant, or the two numbers of variants do not agree.
    """
    photos, sketches = sources.as_list(photo_variant), sources.as_list(sketch_variant)
    for flag, given, known in (
        ("photo", photos, PHOTO_VARIANTS),
        ("sketch", sketches, SKETCH_VARIANTS),
    ):
        for variant in given:
            if variant not in known:
                raise UserError(f"--{flag}_variant={variant}: should be one of {', '.join(known)}")
    try:
        return names.renderings(photos, sketches)
    except ValueError as error:
        raise UserError(str(error)) from None


def sources_of(manual_dir: str | Sequence[str], each_rendering: Sequence[str]) -> list[Source]:
    """The folders, absolute, each with its rendering; one folder or one rendering serves for all.

    Raises:
      UserError: the numbers do not agree.
    """
    folders = [building.resolved(folder) for folder in sources.as_list(manual_dir)]
    if len({1, len(folders), len(each_rendering)}) > 2:
        raise UserError(
            f"--manual_dir has {len(folders)} folders and --photo_variant or --sketch_variant"
            f" {len(each_rendering)} values: give one, or one for each folder"
        )
    number = max(len(folders), len(each_rendering))
    return sources.of_folders(_spread(folders, number), _spread(each_rendering, number))


def _spread(values: Sequence, number: int) -> list:
    """A list of `number` values; a single value is repeated."""
    return list(values) * (number if len(values) == 1 else 1)


def find(
    manual_dir: pathlib.Path,
    extract_dir: pathlib.Path,
    photo_variant: str,
    sketch_variant: str,
    source: Source = ALONE,
) -> Release:
    """Finds the release in `manual_dir`, just above it or just below it.

    Archives are extracted into folders of `extract_dir`.

    Raises:
      UserError: a part or a rendering is missing, or an archive cannot be extracted.
    """
    pictures, info = (_unpacked(path, extract_dir) for path in locate(manual_dir))
    return Release(
        photos=_rendering(pictures / "photo", photo_variant, "--photo_variant"),
        sketches=_rendering(pictures / "sketch", sketch_variant, "--sketch_variant"),
        info=info,
        source=source,
    )


def locate(manual_dir: pathlib.Path) -> tuple[pathlib.Path, pathlib.Path]:
    """The folders of the pictures and of the lists, or the archives that hold them.

    What is in or below `manual_dir` goes before what is beside it; then a folder goes before an
    archive.

    Raises:
      UserError: a part is nowhere, or in two places; the message lists where we looked and what is
        there.
    """
    if not manual_dir.is_dir():
        raise UserError(f"--manual_dir={manual_dir}: no such folder")
    below = [[manual_dir], _folders(manual_dir)]
    pictures = _locate(PICTURES, below, [[manual_dir.parent]], manual_dir)
    return pictures, _locate(
        INFO, below, [[manual_dir.parent], [pictures.parent.parent]], manual_dir
    )


def _locate(
    part: Part,
    below: list[list[pathlib.Path]],
    above: list[list[pathlib.Path]],
    manual_dir: pathlib.Path,
) -> pathlib.Path:
    for roots, find_in in _searches(below) + _searches(above):
        found = [path for path in (find_in(root, part) for root in roots) if path]
        if len(found) > 1:
            raise UserError(
                f"--manual_dir={manual_dir} holds {found[0]} and {found[1]}: give the folder of one"
            )
        if found:
            return found[0]
    raise UserError(_not_found(part, manual_dir))


def _searches(levels: list[list[pathlib.Path]]) -> list[tuple[list[pathlib.Path], Callable]]:
    """Where to look, and for what: first for the part's folder on every level, then its archive."""
    return [(roots, find_in) for find_in in (_folder_in, _archive_in) for roots in levels]


def _folder_in(root: pathlib.Path, part: Part) -> pathlib.Path | None:
    return next(
        (root / place for place in part.places if (root / place / part.entry).exists()), None
    )


def _archive_in(root: pathlib.Path, part: Part) -> pathlib.Path | None:
    return root / part.archive if (root / part.archive).is_file() else None


def _unpacked(path: pathlib.Path, extract_dir: pathlib.Path) -> pathlib.Path:
    """`path` itself, or the part's folder within what is extracted from `path`."""
    if path.is_dir():
        return path
    part = PICTURES if path.name == PICTURES.archive else INFO
    from datasets.sketchy import archives  # here: most releases are extracted already

    extracted = archives.extract(path, extract_dir)
    folder = _folder_in(extracted, part)
    if folder is None:
        raise UserError(
            f"{path} has no {part.places[0]}/{part.entry}: it is not the release's archive"
        )
    return folder


def _rendering(parent: pathlib.Path, variant: str, flag: str) -> pathlib.Path:
    if not (parent / variant).is_dir():
        there = ", ".join(path.name for path in _folders(parent)) if parent.is_dir() else ""
        raise UserError(
            f"{flag}={variant}: {parent} has no such rendering; it has {there or 'none'}"
        )
    return parent / variant


def _folders(parent: pathlib.Path) -> list[pathlib.Path]:
    return sorted(path for path in parent.iterdir() if path.is_dir())


def _not_found(part: Part, manual_dir: pathlib.Path) -> str:
    wanted = ", ".join([*(f"{place}/{part.entry}" for place in part.places), part.archive])
    names = sorted(path.name for path in manual_dir.iterdir())
    there = ", ".join(names[:_SHOWN]) + f" and {len(names) - _SHOWN} more" * (len(names) > _SHOWN)
    return (
        f"--manual_dir={manual_dir}: not found: {wanted}, looked for in it, in {manual_dir.parent}"
        f" and in its subfolders; it holds {there or 'nothing'}. Give the folder that holds"
        " 256x256/ and info-06-04/"
    )
