"""What the cards of an export say of the pictures that the model was trained on."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from sketch2img_tf.data.names import (
    EDGE_MAPS_VERSION,
    PHOTO_VARIANTS,
    SKETCH_VARIANTS,
    SKETCHY_VERSION,
    config_name,
    renderings,
)

if TYPE_CHECKING:
    from sketch2img_tf.config import DataConfig

_SKETCHY = """
The model was trained on a folder that the training took for a release of the Sketchy database
(Sangkloy et al., "The Sketchy Database: Learning to Retrieve Badly Drawn Bunnies", 2016,
sketchy.eye.gatech.edu); sketches marked as {dropped} were left out. Paid crowd workers drew the
sketches of Sketchy. Its photos are from ImageNet, which does not own them and allows only
non-commercial research and education. The model may be used for no more than that, unless it was
trained on pictures with another licence, such as the project's own generated miniature. The person
who distributes the model says which licence they have.
"""
_MIXED_IN = """
Photos of another folder were mixed in, with lines that a program found in them in place of
sketches. Their licences count as well.
"""
_EDGE_MAPS = """
The model was trained on a folder of photos. In place of sketches it saw lines that a program found
in them; no person drew them. The model may be used as the licences of the photos allow, and the
people in them, if there are any. The person who distributes the model says what they allow.
"""


def identity(data: DataConfig) -> dict[str, str]:
    """The data set, for programs."""
    if data.dataset == "edge_maps":
        return {"dataset": "edge_maps", "version": EDGE_MAPS_VERSION}
    each = renderings(data.photo_variant, data.sketch_variant)
    return {"dataset": "sketchy", "version": SKETCHY_VERSION, "config": config_name(each)}


def sketches(data: DataConfig) -> str:
    """What the drawings were like."""
    if data.dataset == "edge_maps":
        return "lines that a program found in a whole photo"
    return _explained(data.sketch_variant, SKETCH_VARIANTS)


def photos(data: DataConfig) -> str:
    """What the photos were like."""
    if data.dataset == "edge_maps":
        return "the middle square of each"
    return _explained(data.photo_variant, PHOTO_VARIANTS)


def source(data: DataConfig) -> str:
    """Where the pictures are from, and what this means for the use of the model."""
    if data.dataset == "edge_maps":
        return _filled(_EDGE_MAPS)
    sketchy = _SKETCHY.format(dropped=", ".join(data.drop_sketches) or "none")
    return _filled(sketchy + _MIXED_IN if data.mixes_edge_maps else sketchy)


def _explained(variants: tuple[str, ...], meanings: dict[str, str]) -> str:
    return "; or ".join(f"`{variant}`, {meanings[variant]}" for variant in dict.fromkeys(variants))


def _filled(text: str) -> str:
    return textwrap.fill(" ".join(text.split()), 120)
