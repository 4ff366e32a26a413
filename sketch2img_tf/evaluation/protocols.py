"""Evaluation protocols: a name says what is measured on which pictures, and keeps its meaning."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from sketch2img_tf.errors import UserError

if TYPE_CHECKING:
    from sketch2img_tf.data.input_pipeline import PairedDataset


@dataclasses.dataclass(frozen=True)
class Protocol:
    """What is drawn and measured.

    Attributes:
      name: tells the split and the number of pictures.
      split: `test`, `validation` (the training photos that the run held back) or `train`.
      pictures: how many examples of the split, the first in the order of its files; None for all.
        Example number i has seed i.
      training_pictures: the number of examples of the training split to compare with; also the
        first ones, or all if None.
      diversity_sketches: how many sketches, of as many classes as possible, are drawn several
        times.
      diversity_seeds: how often each of these is drawn, with seeds from 0.
    """

    name: str
    split: str
    pictures: int | None
    training_pictures: int = 256
    diversity_sketches: int = 32
    diversity_seeds: int = 4


PROTOCOLS = {
    protocol.name: protocol
    for protocol in (
        Protocol("test_256", "test", 256),
        Protocol("test_all", "test", None),
        Protocol("validation_256", "validation", 256),
        Protocol("validation_all", "validation", None),
        Protocol("train_256", "train", 256),
    )
}


def held_out_split(sketchy: PairedDataset) -> str:
    """The split for measurements during a run: validation; if missing, test; if missing, train."""
    return next(split for split in ("validation", "test", "train") if sketchy.examples.get(split))


def find(name: str, sketchy: PairedDataset) -> Protocol:
    """The protocol of this name; "": the first 256 pictures of `held_out_split`.

    Raises:
      UserError: the data do not have the protocol's split.
    """
    protocol = PROTOCOLS[name or f"{held_out_split(sketchy)}_256"]
    if not sketchy.examples.get(protocol.split):
        there = [other.name for other in PROTOCOLS.values() if sketchy.examples.get(other.split)]
        more = (
            "; the run held no photos back (--validation_share)"
            if protocol.split == "validation"
            else ""
        )
        raise UserError(
            f"--protocol={name}: there is no {protocol.split} part{more}; give one of"
            f" {', '.join(there)}"
        )
    return protocol
