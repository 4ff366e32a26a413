"""How a generator does on pictures it was not trained on."""

from __future__ import annotations

from typing import Callable, Iterable

import numpy as np
import tensorflow as tf

from sketch2img_tf.data import preprocessing

Draw = Callable[[tf.Tensor, tf.Tensor, tf.Tensor], tf.Tensor]
"""(sketches, labels, seeds) to photos, all as `Generator.draw` has them."""


def held_out_l1(draw: Draw, batches: Iterable[dict], statistics: preprocessing.Statistics, most: int) -> float:
    """Mean absolute difference of drawn and real photos' intensities, in [0, 1]; lower is better.

    Args:
      draw: draws photos; example number i of the batches gets the seed i.
      batches: as from `evaluation_batches`.
      statistics: of the training pictures.
      most: examples to use at most, in their order.
    """
    differences = []
    for batch in batches:
        seeds = tf.range(len(differences), len(differences) + len(batch["labels"]), dtype=tf.int64)
        fakes = draw(batch["sketches"], batch["labels"], seeds)
        pair = [preprocessing.photo_intensities(photos, statistics) for photos in (fakes, batch["photos"])]
        differences.extend(tf.reduce_mean(tf.abs(pair[0] - pair[1]), [1, 2, 3]).numpy())
        if len(differences) >= most:
            break
    return float(np.mean(differences[:most], dtype=np.float64))


def one_a_class(batches: Iterable[dict], most: int) -> dict[str, tf.Tensor]:
    """A batch of examples of as many classes as possible: the first of every class, then the second, up to `most`."""
    examples = [
        {key: value[i] for key, value in batch.items()} for batch in batches for i in range(len(batch["labels"]))
    ]
    seen: dict[int, int] = {}
    ranks = []
    for example in examples:
        label = int(example["labels"])
        seen[label] = seen.get(label, -1) + 1
        ranks.append((seen[label], label))
    chosen = [examples[i] for i in sorted(range(len(examples)), key=ranks.__getitem__)[:most]]
    return {key: tf.stack([example[key] for example in chosen]) for key in chosen[0]}
