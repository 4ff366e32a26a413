"""Versions of the data sets, the Sketchy release's names of renderings and of marks, and those of
the tones of a sketch file.

Imports no library, so that code that only needs these names needs no library either.
"""

from __future__ import annotations

from collections.abc import Sequence

SKETCHY_VERSION = "1.0.0"
EDGE_MAPS_VERSION = "1.0.0"

PHOTO_VARIANTS = {
    "tx_000000000000": "the whole photo, stretched to 256x256",
    "tx_000100000000": "the object's bounding box and 10% more at each edge, scaled to 256x256",
}
SKETCH_VARIANTS = {
    "tx_000000000000": "where it was drawn, the canvas stretched like the whole photo",
    "tx_000100000000": "centred, its greater side scaled to 78% of the canvas",
    "tx_000000000010": "moved to the centre of the object's bounding box",
    "tx_000000000110": (
        "moved so, and scaled evenly to fit the bounding box in the side that needs it least"
    ),
    "tx_000000001010": (
        "moved so, and scaled evenly to fit the bounding box in the side that needs it most"
    ),
    "tx_000000001110": "moved so, and stretched to fill the bounding box",
}
DEFAULT_PHOTO_VARIANT = "tx_000100000000"
DEFAULT_SKETCH_VARIANT = "tx_000000000010"

# Why a sketch is bad. The release has a list for each, and --drop_sketches can leave them out.
MARKS = ("error", "ambiguous", "pose", "context")

# Which of a sketch file's tones are the lines and which the page
POLARITIES = ("auto", "black_on_white", "white_on_black")


def renderings(photo_variants: Sequence[str], sketch_variants: Sequence[str]) -> list[str]:
    """The rendering of each folder, as `photo-sketch`; one variant may serve for all folders.

    Raises:
      ValueError: the numbers of variants do not agree.
    """
    photos, sketches = list(photo_variants), list(sketch_variants)
    if not photos or not sketches or len({1, len(photos), len(sketches)}) > 2:
        raise ValueError(
            f"--photo_variant has {len(photos)} values and --sketch_variant {len(sketches)}: give"
            " one for all folders, or one for each"
        )
    number = max(len(photos), len(sketches))
    photos, sketches = (each * number if len(each) == 1 else each for each in (photos, sketches))
    return ["-".join(pair) for pair in zip(photos, sketches)]


def config_name(each: Sequence[str]) -> str:
    """The name of the data set of folders in these renderings, in any order."""
    return "+".join(sorted(set(each)))
