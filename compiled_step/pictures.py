"""A run's training pictures as arrays, and a function that makes a batch of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable

import numpy as np
import tensorflow as tf

from sketch2img_tf.data import augmentation, class_balance, input_pipeline, preprocessing
from sketch2img_tf.data.mixture import Mixture

if TYPE_CHECKING:
    from sketch2img_tf.config import Config
    from sketch2img_tf.data.input_pipeline import PairedDataset
    from sketch2img_tf.data.statistics import Statistics

_AT_ONCE = 256


def read(sketchy: PairedDataset, most_a_class: int = 0) -> dict[str, np.ndarray]:
    """The training examples at the size of the run, edge maps after the sketches.

    Args:
      sketchy: the pictures, with the edge maps that are mixed in.
      most_a_class: how many sketches, and how many edge maps, of each class to take, the first
        ones; 0: all.

    Returns:
      {"photos": uint8 [P, S, S, 3], each once; "sketches": uint8 [N, S, S, 1], lines black on
      white; "photo_of": int32 [N], the photo of a sketch; "labels": int64 [N]; "aligned": bool [N],
      whether a sketch lies on its photo; "sketches_and_edge_maps": int64 [2], how many of N they
      are}
    """
    sources = [sketchy, *([sketchy.edge_maps] if sketchy.edge_maps else [])]
    examples = [_examples(source, most_a_class) for source in sources]
    photos, sketches, labels, aligned = (np.concatenate(arrays) for arrays in zip(*examples))
    unique, photo_of = np.unique(photos.reshape(len(photos), -1), axis=0, return_inverse=True)
    counts = [len(of_source[0]) for of_source in examples]
    return {
        "photos": unique.reshape(-1, *photos.shape[1:]),
        "sketches": sketches,
        "photo_of": photo_of.reshape(-1).astype(np.int32),
        "labels": labels,
        "aligned": aligned,
        "sketches_and_edge_maps": np.array([*counts, 0][:2], np.int64),
    }


def quotas(sketchy: PairedDataset, pictures: dict[str, np.ndarray]) -> np.ndarray:
    """How many sketches and edge maps of each class an epoch has: int64 [2, classes]."""
    ends = np.cumsum([0, *pictures["sketches_and_edge_maps"]])
    parts = [pictures["labels"][first:last] for first, last in zip(ends, ends[1:])]
    counts = [np.bincount(labels, minlength=len(sketchy.class_names)) for labels in parts]
    balance = sketchy.config.balance_classes
    return np.stack(
        [class_balance.quotas(of_part, balance) if of_part.any() else of_part for of_part in counts]
    )


def edge_maps_before(sketchy: PairedDataset, batch_size: int, steps: int) -> np.ndarray:
    """The number of edge maps before each step and after the last one: int64 [steps + 1]."""
    if not sketchy.edge_maps:
        return np.zeros([steps + 1], np.int64)
    mixture = Mixture.of_run(sketchy.config, batch_size)
    return np.array([mixture.edge_maps_before(step) for step in range(steps + 1)], np.int64)


def batch_of(config: Config, statistics: Statistics) -> Callable[..., tuple[tf.Tensor, tf.Tensor]]:
    """A function that makes a batch for the step, in graphs that XLA can compile.

    It takes pixels, uint8 [B, S, S, 3] and [B, S, S, 1], and the numbers of the examples in the
    run, int64 [B], and gives photos and sketches as `input_pipeline.training_batches` does. Differs
    from it: the changes come after the resize, not before.
    """

    def augmented(example: tuple[tf.Tensor, ...]) -> tuple[tf.Tensor, tf.Tensor]:
        photo, sketch, number = example
        photo = preprocessing.photo_intensities_of_pixels(photo)
        seed = augmentation.seed_of(config.training.seed, number)
        return augmentation.augment(
            photo, preprocessing.sketch_intensities(sketch), config.data, seed
        )

    def batch(
        photos: tf.Tensor, sketches: tf.Tensor, numbers: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        pairs = photos, sketches, numbers
        photos, sketches = tf.map_fn(augmented, pairs, fn_output_signature=(tf.float32, tf.float32))
        photos = preprocessing.normalize_photos(photos, statistics)
        return photos, preprocessing.normalize_sketches(sketches, statistics)

    return batch


def _examples(sketchy: PairedDataset, most_a_class: int) -> list[np.ndarray]:
    """Photos and sketches as pixels, labels, and whether they are aligned."""
    batches = input_pipeline.evaluation_batches(sketchy, "train", _AT_ONCE)
    parts = [
        (
            preprocessing.photo_pixels(batch["photos"], sketchy.statistics).numpy(),
            preprocessing.paper_pixels(batch["sketches"], sketchy.statistics).numpy(),
            batch["labels"].numpy(),
            batch["aligned"].numpy(),
        )
        for batch in batches
    ]
    arrays = [np.concatenate(arrays) for arrays in zip(*parts)]
    if not most_a_class:
        return arrays
    labels = arrays[2]
    first = [
        np.flatnonzero(labels == label)[:most_a_class] for label in range(len(sketchy.class_names))
    ]
    kept = np.sort(np.concatenate(first))
    return [array[kept] for array in arrays]
