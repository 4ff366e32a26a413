"""Versions of the data sets; what the Sketchy release calls its renderings and its marks of bad
sketches.

Imports no library, so that who only names them needs none.
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

# Why a sketch is bad: each has a list in the release, and is an option of what to leave out.
MARKS = ("error", "ambiguous", "pose", "context")


def renderings(photo_variants: Sequence[str], sketch_variants: Sequence[str]) -> list[str]:
    """`photo-sketch`, once or once a folder, of variants that are one for all folders or one for
    each.

    Raises:
      ValueError: their numbers do not agree.
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
    """Of the data set of folders in these renderings, in whatever order."""
    return "+".join(sorted(set(each)))
