"""How a generator does on pictures it was not trained on."""

from __future__ import annotations

import collections
import dataclasses
import json
import os
from collections.abc import Iterable
from typing import Callable

import numpy as np
import tensorflow as tf
from PIL import Image

from sketch2img_tf import grids
from sketch2img_tf.card import Card
from sketch2img_tf.data import input_pipeline, preprocessing, sources
from sketch2img_tf.data.statistics import Statistics
from sketch2img_tf.summaries import read_scalars

Draw = Callable[[tf.Tensor, tf.Tensor, tf.Tensor], tf.Tensor]
"""(normalised sketches, labels, seeds) to normalised photos, as `Generator.draw`."""

L1_EXAMPLES = 256
GRID_EXAMPLES = 24
METRICS_FILE = "metrics.jsonl"
_BATCH = 16


class HeldOut:
    """The pictures that a run holds out: the test split, or, of data without one, the training split unjittered."""

    def __init__(self, sketchy: input_pipeline.Sketchy):
        self.sketchy = sketchy
        split = "test" if sketchy.examples["test"] else "train"
        self.batches = input_pipeline.evaluation_batches(sketchy, split, _BATCH)
        self._grid_examples = one_a_class(self.batches, GRID_EXAMPLES)

    def l1(self, draw: Draw) -> float:
        """Mean absolute difference of drawn and real photos' intensities, in [0, 1], over the first 256 examples.

        Example number i gets the seed i.
        """
        differences: list[float] = []
        for batch in self.batches.take(L1_EXAMPLES // _BATCH):
            first = len(differences)
            seeds = tf.range(first, first + len(batch["labels"]), dtype=tf.int64)
            fakes, reals = self._intensities(draw(batch["sketches"], batch["labels"], seeds), batch["photos"])
            differences.extend(tf.reduce_mean(tf.abs(fakes - reals), [1, 2, 3]).numpy())
        return float(np.mean(differences, dtype=np.float64))

    def grid(self, draw: Draw) -> Image.Image:
        """Fixed examples, of as many classes as possible, with fixed seeds: sketch | generated | real."""
        examples, statistics = self._grid_examples, self.sketchy.statistics
        seeds = tf.range(len(examples["labels"]), dtype=tf.int64)
        fakes = draw(examples["sketches"], examples["labels"], seeds)
        columns = [
            preprocessing.paper_intensities(examples["sketches"], statistics),
            *self._intensities(fakes, examples["photos"]),
        ]
        names = [self.sketchy.class_names[int(label)] for label in examples["labels"]]
        return grids.picture_grid([preprocessing.to_pixels(column).numpy() for column in columns], names)

    def _intensities(self, *photos: tf.Tensor) -> list[tf.Tensor]:
        return [preprocessing.photo_intensities(picture, self.sketchy.statistics) for picture in photos]


def open_held_out(card: Card, data_dir: str) -> HeldOut:
    """The held-out pictures of the run of `card`, from `data_dir` or else from where the run had them."""
    data = card.config.data
    chosen = dataclasses.replace(data, data_dir=data_dir or data.data_dir, classes=card.class_names, num_classes=0)
    sketchy = input_pipeline.open_sketchy(str(sources.directory(chosen)), chosen)
    # A model sees pictures through its own training data's statistics, whatever those of this data are.
    return HeldOut(dataclasses.replace(sketchy, statistics=card.statistics))


def mean_colour(batch_sketches: tf.Tensor, labels: tf.Tensor, seeds: tf.Tensor) -> tf.Tensor:
    """The drawer that knows nothing: the training photos' mean colour everywhere; a floor for the others."""
    return tf.zeros([*batch_sketches.shape[:3], 3])


def drawing_pixels(from_tensors: Draw, statistics: Statistics) -> Draw:
    """A drawer from one of uint8 pixels, such as an exported model's signature `tensors`."""

    def draw(sketches: tf.Tensor, labels: tf.Tensor, seeds: tf.Tensor) -> tf.Tensor:
        pixels = preprocessing.to_pixels(preprocessing.paper_intensities(sketches, statistics))
        photos = tf.image.convert_image_dtype(from_tensors(pixels, labels, seeds), tf.float32)
        return preprocessing.normalize_photos(photos, statistics)

    return draw


def report(held_out: HeldOut, draw: Draw, source: dict, folder: str) -> None:
    """Evaluates `draw`, appends one JSON object to `folder/metrics.jsonl`, and prints it and the path of a grid.

    Args:
      held_out: the pictures.
      draw: the model.
      source: what is evaluated; first in the JSON object.
      folder: of the run or of the export.
    """
    first = [line["held_out_l1"] for line in read_scalars(folder) if "held_out_l1" in line][:1]
    result = {
        **source,
        "held_out_l1": held_out.l1(draw),
        "held_out_l1_mean_colour": held_out.l1(mean_colour),
        "held_out_l1_before_training": first[0] if first else None,
    }
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, "held_out.png")
    held_out.grid(draw).save(path)
    with open(os.path.join(folder, METRICS_FILE), "a", encoding="utf-8") as file:
        file.write(json.dumps(result) + "\n")
    print(f"sketch | generated | real: {path}")
    if first:
        print(f"held-out L1 {result['held_out_l1']:.4f}, {first[0]:.4f} before training ({_change(result, first[0])})")
    print(json.dumps(result))


def _change(result: dict, first: float) -> str:
    return f"{result['held_out_l1'] / first - 1:+.0%}"


def one_a_class(batches: Iterable[dict], most: int) -> dict[str, tf.Tensor]:
    """A batch of examples of as many classes as possible: the first of every class, then the second, up to `most`."""
    seen: collections.Counter[int] = collections.Counter()
    chosen: dict[tuple[int, int], dict[str, tf.Tensor]] = {}  # by how many of its class came before, and its class
    for batch in batches:
        for i, label in enumerate(batch["labels"].numpy().tolist()):
            chosen[seen[label], label] = {key: value[i] for key, value in batch.items()}
            seen[label] += 1
        chosen = dict(sorted(chosen.items())[:most])
    return {key: tf.stack([example[key] for example in chosen.values()]) for key in ("photos", "sketches", "labels")}
