"""Parts of the data in memory, and a model's pictures of them.

Axes: N examples of a part, M photos, H, W height and width.
"""

from __future__ import annotations

import dataclasses
import hashlib
import math
from typing import TYPE_CHECKING, Callable

import numpy as np
import tensorflow as tf

from sketch2img_tf.data import input_pipeline, preprocessing
from sketch2img_tf.surroundings import progress

if TYPE_CHECKING:
    from sketch2img_tf.data.input_pipeline import PairedDataset
    from sketch2img_tf.data.statistics import Statistics

Draw = Callable[[tf.Tensor, tf.Tensor, tf.Tensor], tf.Tensor]
"""A function of (normalised sketches, labels, seeds) to normalised photos, as `Generator.draw`."""

_READ_BATCH = 64
_DRAW_BATCH = 16


@dataclasses.dataclass(frozen=True)
class Part:
    """Examples of a split, in the order of the files.

    Attributes:
      split: its name.
      sketches: normalised, as the networks see them, float32 [N, H, W, 1].
      sketch_pixels: uint8 [N, H, W, 1], black lines on white.
      photos: pixels, uint8 [N, H, W, 3].
      labels: int64 [N].
      photo_numbers: the number of each example's photo, int [N]; equal photos have the same number,
        and numbers count from 0 in order of appearance.
    """

    split: str
    sketches: np.ndarray
    sketch_pixels: np.ndarray
    photos: np.ndarray
    labels: np.ndarray
    photo_numbers: np.ndarray

    @property
    def distinct(self) -> np.ndarray:
        """The first example of every distinct photo, int [M]: a photo may have several sketches."""
        return np.unique(self.photo_numbers, return_index=True)[1]


def in_equal_batches(draw: Draw) -> Draw:
    """A drawer that asks `draw` for 16 pictures at a time, so that a `tf.function` is traced once.

    The last batch begins anew with the first pictures, to be as large.
    """

    def draw_all(*requests: tf.Tensor) -> tf.Tensor:
        count = len(requests[0])
        photos = []
        for at in range(0, count, _DRAW_BATCH):
            chosen = np.arange(at, at + _DRAW_BATCH) % count
            photos.append(draw(*(tf.gather(values, chosen) for values in requests)))
        return tf.concat(photos, 0)[:count]

    return draw_all


def read_part(sketchy: PairedDataset, split: str, most: int | None = None) -> Part:
    """The first `most` examples of the split, or all of them."""
    count = min(most or math.inf, sketchy.examples[split])
    batches = input_pipeline.evaluation_batches(sketchy, split, _READ_BATCH).take(
        math.ceil(count / _READ_BATCH)
    )
    read = []
    for batch in progress.bar(
        batches, f"reading {split}", math.ceil(count / _READ_BATCH), unit="batch", leave=False
    ):
        pixels = preprocessing.paper_pixels(batch["sketches"], sketchy.statistics)
        photos = preprocessing.photo_pixels(batch["photos"], sketchy.statistics)
        read.append(
            (batch["sketches"].numpy(), pixels.numpy(), photos.numpy(), batch["labels"].numpy())
        )
    sketches, pixels, photos, labels = (np.concatenate(arrays)[:count] for arrays in zip(*read))
    return Part(split, sketches, pixels, photos, labels, number_photos(photos))


def number_photos(photos: np.ndarray) -> np.ndarray:
    """Numbers of the distinct photos, int [N], from 0; equal photos have the same number."""
    numbers: dict[bytes, int] = {}
    return np.array(
        [numbers.setdefault(hashlib.sha1(photo).digest(), len(numbers)) for photo in photos]
    )


def draw_part(draw: Draw, part: Part, statistics: Statistics, description: str) -> np.ndarray:
    """Draws one picture per example, number i with seed i: pixels, uint8 [N, H, W, 3]."""
    return draw_examples(
        draw,
        part,
        np.arange(len(part.labels)),
        np.arange(len(part.labels)),
        statistics,
        description,
    )


def draw_examples(
    draw: Draw,
    part: Part,
    chosen: np.ndarray,
    seeds: np.ndarray,
    statistics: Statistics,
    description: str,
) -> np.ndarray:
    """Draws the examples `chosen`, int [B], with seeds, int [B]; returns uint8 [B, H, W, 3]."""
    pictures = []
    starts = range(0, len(chosen), _DRAW_BATCH)
    for at in progress.bar(starts, description, unit="batch", leave=False):
        batch, batch_seeds = chosen[at : at + _DRAW_BATCH], seeds[at : at + _DRAW_BATCH]
        photos = draw(
            tf.constant(part.sketches[batch]),
            tf.constant(part.labels[batch]),
            tf.constant(batch_seeds, tf.int64),
        )
        pictures.append(preprocessing.photo_pixels(photos, statistics).numpy())
    return np.concatenate(pictures)


def spread_over_classes(labels: np.ndarray, most: int) -> np.ndarray:
    """At most `most` examples, int, of as many classes as possible: one of each, then a second."""
    before = np.array([np.sum(labels[:i] == label) for i, label in enumerate(labels)])
    return np.lexsort((labels, before))[:most]
