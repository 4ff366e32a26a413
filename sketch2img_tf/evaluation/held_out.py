"""Held-out pictures for measurements during a run, and functions that draw them."""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf
from PIL import Image

from sketch2img_tf.data import input_pipeline, preprocessing, sources, tfrecord_integrity
from sketch2img_tf.errors import UserError
from sketch2img_tf.evaluation import protocols
from sketch2img_tf.sheets import picture_grid

if TYPE_CHECKING:
    from sketch2img_tf.data.statistics import Statistics
    from sketch2img_tf.evaluation.examples import Draw
    from sketch2img_tf.run_folder.run_card import Card

L1_EXAMPLES = 256
GRID_EXAMPLES = 24
_BATCH = 16


class HeldOut:
    """The pictures that a run holds out, unchanged: `protocols.held_out_split`, or `split`."""

    def __init__(self, sketchy: input_pipeline.PairedDataset, split: str = ""):
        self.sketchy = sketchy
        split = split or protocols.held_out_split(sketchy)
        self.batches = input_pipeline.evaluation_batches(sketchy, split, _BATCH)
        self._grid_examples = one_per_class(self.batches, len(sketchy.class_names), GRID_EXAMPLES)

    def l1(self, draw: Draw) -> float:
        """The mean absolute difference of drawn and real photos' intensities, in [0, 1].

        Over the first 256 examples; example number i has seed i.
        """
        differences: list[float] = []
        for batch in self.batches.take(L1_EXAMPLES // _BATCH):
            first = len(differences)
            seeds = tf.range(first, first + len(batch["labels"]), dtype=tf.int64)
            fakes, reals = self._intensities(
                draw(batch["sketches"], batch["labels"], seeds), batch["photos"]
            )
            differences.extend(tf.reduce_mean(tf.abs(fakes - reals), [1, 2, 3]).numpy())
        return float(np.mean(differences, dtype=np.float64))

    def grid(self, draw: Draw) -> Image.Image:
        """A grid with columns sketch, generated, real; always the same examples and seeds."""
        examples, statistics = self._grid_examples, self.sketchy.statistics
        seeds = tf.range(len(examples["labels"]), dtype=tf.int64)
        fakes = draw(examples["sketches"], examples["labels"], seeds)
        columns = [
            preprocessing.paper_intensities(examples["sketches"], statistics),
            *self._intensities(fakes, examples["photos"]),
        ]
        names = [self.sketchy.class_names[int(label)] for label in examples["labels"]]
        return picture_grid.picture_grid(
            [preprocessing.to_pixels(column).numpy() for column in columns], names
        )

    def _intensities(self, *photos: tf.Tensor) -> list[tf.Tensor]:
        return [
            preprocessing.photo_intensities(picture, self.sketchy.statistics) for picture in photos
        ]


def open_paired_dataset(card: Card, data_dir: str) -> input_pipeline.PairedDataset:
    """The pictures of the run of `card`, from `data_dir`; by default from the run's own --data_dir.

    Raises:
      UserError: the pictures are missing, or do not have the card's classes.
    """
    data = card.config.data
    chosen = dataclasses.replace(
        data, data_dir=data_dir or data.data_dir, classes=card.class_names, num_classes=0
    )
    sketchy = input_pipeline.open_paired_dataset(str(sources.directory(chosen)), chosen)
    if sketchy.class_names != card.class_names:  # a label is a position in these names
        raise UserError(
            f"{sketchy.directory}: the data have the classes {sketchy.class_names}, the model has"
            f" {card.class_names}; delete the data and build them again"
        )
    tfrecord_integrity.check(sketchy.directory)
    # A model's inputs are always normalised with the statistics of its own training data.
    return dataclasses.replace(sketchy, statistics=card.statistics)


def drawing_pixels(from_tensors: Draw, statistics: Statistics) -> Draw:
    """A `Draw` from a function of uint8 pixels, such as the signature `tensors` of an export."""

    def draw(sketches: tf.Tensor, labels: tf.Tensor, seeds: tf.Tensor) -> tf.Tensor:
        pixels = preprocessing.paper_pixels(sketches, statistics)
        photos = tf.image.convert_image_dtype(from_tensors(pixels, labels, seeds), tf.float32)
        return preprocessing.normalize_photos(photos, statistics)

    return draw


def one_per_class(batches: Iterable[dict], classes: int, most: int) -> dict[str, tf.Tensor]:
    """A batch of at most `most` examples of many classes: first one of every class, then more.

    It reads no further than it must.
    """
    first_places = [divmod(number, classes) for number in range(most)]
    seen: collections.Counter[int] = collections.Counter()
    # The key is (how many examples of the class came before, class)
    chosen: dict[tuple[int, int], dict[str, tf.Tensor]] = {}
    for batch in batches:
        for i, label in enumerate(batch["labels"].numpy().tolist()):
            chosen[seen[label], label] = {key: value[i] for key, value in batch.items()}
            seen[label] += 1
        chosen = dict(sorted(chosen.items())[:most])
        if list(chosen) == first_places:  # no example to come is put before any of these
            break
    return {
        key: tf.stack([example[key] for example in chosen.values()])
        for key in ("photos", "sketches", "labels")
    }
