"""The picture files of a rendering, by class."""

from __future__ import annotations

import collections
import dataclasses
import pathlib
from collections.abc import Iterable

from datasets.common.sources import ALONE, Source
from sketch2img_tf.surroundings import file_names

PHOTO_SUFFIXES = (".jpg", ".jpeg", ".jpe", ".jfif")
SKETCH_SUFFIXES = (".png",)


@dataclasses.dataclass(frozen=True)
class Picture:
    """A picture file in the folder of its class; `source` is the source folder that contains it."""

    path: pathlib.Path
    source: Source = ALONE

    @property
    def class_name(self) -> str:
        return file_names.as_text(self.path.parent.name)

    @property
    def id(self) -> str:
        """`n02691156_10151` of a photo, `n02691156_10151-1` of a sketch."""
        return file_names.as_text(self.path.stem)

    @property
    def name(self) -> str:
        """The name for reports: `photo/tx_000000000000/airplane/n02691156_10151.jpg`."""
        return self.name_below(4)

    def name_below(self, parts: int) -> str:
        """The last `parts` parts of the path, below the source's name if there are several."""
        return file_names.as_text(
            "/".join([*filter(None, [self.source.label]), *self.path.parts[-parts:]])
        )


def class_folders(rendering: pathlib.Path) -> list[pathlib.Path]:
    """The folders of a rendering, one per class, sorted by name."""
    return [path for path in _visible(rendering) if path.is_dir()]


def pictures(
    rendering: pathlib.Path, suffixes: tuple[str, ...], source: Source = ALONE
) -> tuple[list[Picture], list[Picture]]:
    """The files with one of `suffixes`, and all other files, both sorted by class and name."""
    stray = [Picture(path, source) for path in _visible(rendering) if not path.is_dir()]
    listed = [
        Picture(path, source) for folder in class_folders(rendering) for path in _visible(folder)
    ]
    wanted = [picture for picture in listed if picture.path.suffix.lower() in suffixes]
    return wanted, stray + [
        picture for picture in listed if picture.path.suffix.lower() not in suffixes
    ]


def alike(names: Iterable[str]) -> list[str]:
    """Names that differ only in case, spaces, underscores or the Unicode form of accents.

    Files that were copied from another system may have such names: "Ant, ant".
    """
    groups = collections.defaultdict(set)
    for name in names:
        groups[file_names.as_text(name).casefold().replace(" ", "").replace("_", "")].add(name)
    several = (group for group in groups.values() if len(group) > 1)
    return [", ".join(map(file_names.as_text, sorted(group))) for group in several]


def _visible(folder: pathlib.Path) -> list[pathlib.Path]:
    return [folder / name for name in file_names.visible(str(folder))]
