"""The folders that one build reads, what each of them gave, and photos that are in two of them."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from datasets.common import looks
from sketch2img_tf.surroundings import file_names

if TYPE_CHECKING:
    from datasets.common.listing import Picture


@dataclasses.dataclass(frozen=True)
class Source:
    """One of the folders that a build reads.

    Attributes:
      number: its place in the order of the folders.
      folder: its path, as the metadata say it.
      label: its name in reports, different for each folder; empty if there is one folder only.
      renderings: `tx_000100000000-tx_000000000010`, the photos' and the sketches', of a folder of
        the Sketchy release; empty for other folders.
    """

    number: int = 0
    folder: str = ""
    label: str = ""
    renderings: str = ""


ALONE = Source()
"""For code that reads one folder only."""


def as_list(value: str | Sequence[str]) -> list[str]:
    """A list of the value, or of the values; empty ones are left out."""
    return [item for item in ([value] if isinstance(value, str) else value) if item]


def of_folders(folders: Sequence[pathlib.Path], renderings: Sequence[str] = ()) -> list[Source]:
    """A source for each of `folders`, with the rendering at the same place in `renderings`."""
    names = {folder.name for folder in folders}
    told_apart = len(names) == len(set(folders))
    labels = [
        (folder.name if told_apart else str(folder)) if len(folders) > 1 else ""
        for folder in folders
    ]
    return [
        Source(number, str(folder), label, renderings[number] if renderings else "")
        for number, (folder, label) in enumerate(zip(folders, labels))
    ]


def copies(
    photos: Collection[Picture], look_of: dict[Picture, bytes], held_out: Collection[Picture]
) -> dict:
    """The photos that are copies of a photo of another folder: `{copy: the photo that stays}`.

    Of two such photos, the held-out one stays; if both or neither are held out, the one of the
    earlier folder. Copies within one folder all stay: the owner put them there.
    """
    found, kept = {}, []
    held_out = set(held_out)
    ranks = {photo: (photo not in held_out, photo.source.number) for photo in photos}
    for rank in sorted(set(ranks.values())):
        group = [photo for photo in photos if ranks[photo] == rank]
        others = [photo for photo in kept if photo.source.number != rank[1]]
        same = looks.first_alike(
            [look_of[photo] for photo in group], [look_of[photo] for photo in others]
        )
        found.update(
            {photo: others[position] for photo, position in zip(group, same) if position >= 0}
        )
        kept += [photo for photo in group if photo not in found]
    return found


def counts(
    source: Source,
    found: Collection[Picture],
    train: Collection[Picture],
    test: Collection[Picture],
) -> dict:
    """What a folder gave: `folder`, `renderings`, and how many `photos`: found, train and test.

    Args:
      source: the folder.
      found: the photo files of all folders.
      train, test: the photos of all folders in each split; a photo may be there several times.
    """
    photos = {"found": found, "train": train, "test": test}
    return {
        "folder": source.folder,
        "renderings": source.renderings,
        "photos": {
            name: len({photo for photo in of if photo.source == source})
            for name, of in photos.items()
        },
    }


def line(of_source: dict) -> str:
    """The result of `counts` as a line of text."""
    photos = of_source["photos"]
    left_out = photos["found"] - photos["train"] - photos["test"]
    renderings = f" ({of_source['renderings']})" if of_source["renderings"] else ""
    return (
        f"{file_names.as_text(of_source['folder'])}{renderings}: {photos['found']} photos,"
        f" {photos['train']} to train on, {photos['test']} held out, {left_out} left out"
    )
