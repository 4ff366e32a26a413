"""The folders that one build reads: whose a picture is, what each folder gave,
and photos that are in two of them.
"""

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
    """One of the folders of a build.

    Attributes:
      number: its place among them.
      folder: as metadata have it.
      label: its name in reports, which tells it from the others; empty if there are none.
      renderings: of a Sketchy release those of photos and sketches,
        `tx_000100000000-tx_000000000010`.
    """

    number: int = 0
    folder: str = ""
    label: str = ""
    renderings: str = ""


ALONE = Source()
"""Where no folder is to be told from others."""


def as_list(value: str | Sequence[str]) -> list[str]:
    """One or several, none of them empty."""
    return [item for item in ([value] if isinstance(value, str) else value) if item]


def of_folders(folders: Sequence[pathlib.Path], renderings: Sequence[str] = ()) -> list[Source]:
    """A source for each of `folders`, each with its one of `renderings`, if there are any."""
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
    """Which photos look like one of another folder, each with that one: `{Picture: Picture}`.

    Of such two, one that is held out stays rather than one that is not, then one of an earlier
    folder. Photos of one folder are as many as its owner says.
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
    """What a folder gave: `folder`, `renderings`, and photos: `found`, to `train` on, to `test`
      with.

    Args:
      source: the folder.
      found: all photo files of all folders.
      train, test: the photos of the examples of each split, each as often as it has examples.
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
    """What `counts` gave, to read."""
    photos = of_source["photos"]
    left_out = photos["found"] - photos["train"] - photos["test"]
    renderings = f" ({of_source['renderings']})" if of_source["renderings"] else ""
    return (
        f"{file_names.as_text(of_source['folder'])}{renderings}: {photos['found']} photos,"
        f" {photos['train']} to train on, {photos['test']} held out, {left_out} left out"
    )
