"""From TFRecords to batches of normalised pictures.

The order of the training examples is a function of the seed and the step alone, so that a run goes on exactly where it
stopped with no iterator to save. The records lie in random order on disk (TFDS shuffles them by a hash when it writes
them); every epoch draws anew from a buffer of `--shuffle_buffer` of them, seeded by the epoch, and an epoch reads every
example once. Batches run on over the end of an epoch.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import os

import tensorflow as tf
import tensorflow_datasets as tfds

from sketch2img_tf.config import DataConfig
from sketch2img_tf.data import augmentation, elastic_warp, preprocessing
from sketch2img_tf.errors import UserError

_CORES = os.cpu_count()
_BATCHES_AHEAD = 4


@dataclasses.dataclass(frozen=True)
class Sketchy:
    """Built pictures as a run chooses them: the classes and sketches of its `DataConfig`.

    A label is the position of its name in `class_names`, whatever its number in the files.
    """

    directory: str
    class_names: tuple[str, ...]
    statistics: preprocessing.Statistics
    examples: dict[str, int]
    """How many examples each split has, after the choice."""
    config: DataConfig
    all_class_names: tuple[str, ...]


def open_sketchy(directory: str, config: DataConfig) -> Sketchy:
    """The pictures built in `directory`, the folder that holds `metadata.json`.

    Raises:
      UserError: nothing built there, a class that is not there, or no example left.
    """
    metadata = _read_metadata(directory)
    known = tuple(metadata["class_names"])
    names = _choose_classes(known, config)
    counts = {
        split: sum(_count(by_flags, config) for name, by_flags in by_class.items() if name in names)
        for split, by_class in metadata["examples"].items()
    }
    if not counts["train"]:
        raise UserError(
            f"{directory}: no training example is left of {len(names)} classes with"
            f" --drop_sketches={','.join(config.drop_sketches)}; drop fewer or choose more classes"
        )
    return Sketchy(directory, names, preprocessing.Statistics.from_dict(metadata), counts, config, known)


def training_batches(sketchy: Sketchy, batch_size: int, seed: int, first_step: int = 0) -> tf.data.Dataset:
    """Batches without end, from that of `first_step` on.

    Returns:
      {"photos": float32 [B, 64, 64, 3], "sketches": float32 [B, 64, 64, 1], both normalised; "labels": int64 [B]}
    """
    records = _records(sketchy, "train")
    epoch, offset = divmod(first_step * batch_size, sketchy.examples["train"])

    def shuffled(epoch: tf.Tensor) -> tf.data.Dataset:
        # The seed of a shuffle is a pair: that of the graph it is made in, here this function's, and its own.
        tf.random.set_seed(seed + 1)
        return records.shuffle(sketchy.config.shuffle_buffer, seed=epoch, reshuffle_each_iteration=False)

    def jittered(number: tf.Tensor, record: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        seed_of_number = tf.random.experimental.stateless_fold_in(tf.constant([seed, 0], tf.int64), number)
        return _example(record, sketchy, seed_of_number)

    epochs = tf.data.Dataset.range(epoch, tf.int64.max)
    numbered = epochs.flat_map(shuffled).skip(offset).enumerate(first_step * batch_size)
    pictures = numbered.map(jittered, num_parallel_calls=_CORES)
    return _ending_at_once(pictures.batch(batch_size, drop_remainder=True).prefetch(_BATCHES_AHEAD))


def evaluation_batches(sketchy: Sketchy, split: str, batch_size: int) -> tf.data.Dataset:
    """The split once, in the order of the files, unjittered; the last batch may be smaller. As `training_batches`."""
    still = functools.partial(_example, sketchy=sketchy, jitter_seed=None)
    pictures = _records(sketchy, split).map(still, num_parallel_calls=_CORES)
    return _ending_at_once(pictures.batch(batch_size).prefetch(_BATCHES_AHEAD))


def _ending_at_once(batches: tf.data.Dataset) -> tf.data.Dataset:
    """Without tf.data's tuner: told to end, its thread may sleep on for up to a minute, and who stops a run with it."""
    options = tf.data.Options()
    options.autotune.enabled = False
    return batches.with_options(options)


def _read_metadata(directory: str) -> dict:
    path = os.path.join(directory, "metadata.json")
    try:
        with open(path, encoding="utf-8") as file:
            return json.load(file)
    except FileNotFoundError:
        raise UserError(
            f"{path}: not found; give the --data_dir it is in, or build it with `python -m datasets.sketchy.build`"
        ) from None
    except ValueError as error:
        raise UserError(f"{path}: damaged ({error}); delete its folder and build it again") from None


def _choose_classes(known: tuple[str, ...], config: DataConfig) -> tuple[str, ...]:
    missing = [name for name in config.classes if name not in known]
    if missing:
        raise UserError(f"--classes={missing[0]}: the data has no such class; it has {', '.join(known)}")
    if config.num_classes > len(known):
        raise UserError(f"--num_classes={config.num_classes}: the data has {len(known)} classes")
    if config.classes:
        return tuple(sorted(config.classes))
    return tuple(sorted(known)[: config.num_classes or None])


def _count(by_flags: dict[str, int], config: DataConfig) -> int:
    return sum(n for flags, n in by_flags.items() if not set(flags.split(",")) & set(config.drop_sketches))


def _records(sketchy: Sketchy, split: str) -> tf.data.Dataset:
    """The chosen examples with their pictures still encoded and the labels of `class_names`."""
    builder = tfds.builder_from_directory(sketchy.directory)
    undecoded = {"photo": tfds.decode.SkipDecoding(), "sketch": tfds.decode.SkipDecoding()}
    # One file after the other: the order is the seed's business, not that of the threads.
    reading = tfds.ReadConfig(interleave_cycle_length=1, try_autocache=False)
    records = builder.as_dataset(split=split, decoders=undecoded, read_config=reading, shuffle_files=False)
    chosen = records.filter(functools.partial(_is_chosen, sketchy=sketchy))
    chosen = chosen.map(functools.partial(_relabel, sketchy=sketchy))
    return chosen.apply(tf.data.experimental.assert_cardinality(sketchy.examples[split]))


def _is_chosen(record: dict[str, tf.Tensor], sketchy: Sketchy) -> tf.Tensor:
    dropped = [record[flag] for flag in sketchy.config.drop_sketches]
    return (_new_labels(sketchy, record["label"]) >= 0) & ~tf.reduce_any(tf.stack([*dropped, False]))


def _relabel(record: dict[str, tf.Tensor], sketchy: Sketchy) -> dict[str, tf.Tensor]:
    return {
        "photo": record["photo"],
        "sketch": record["sketch"],
        "label": _new_labels(sketchy, record["label"]),
    }


def _new_labels(sketchy: Sketchy, label: tf.Tensor) -> tf.Tensor:
    """-1 for a class that is not chosen."""
    positions = {name: position for position, name in enumerate(sketchy.class_names)}
    return tf.gather(tf.constant([positions.get(name, -1) for name in sketchy.all_class_names], tf.int64), label)


def _example(record: dict[str, tf.Tensor], sketchy: Sketchy, jitter_seed: tf.Tensor | None) -> dict[str, tf.Tensor]:
    photo = preprocessing.decode_photo(record["photo"])
    sketch = preprocessing.decode_sketch(record["sketch"])
    if jitter_seed is not None:
        photo = augmentation.jitter_photo(photo, jitter_seed)
        photo, sketch = _augmented(photo, sketch, sketchy.config, jitter_seed)
    return {
        "photos": preprocessing.normalize_photos(preprocessing.resize(photo), sketchy.statistics),
        "sketches": preprocessing.normalize_sketches(preprocessing.resize(sketch), sketchy.statistics),
        "labels": record["label"],
    }


def _augmented(photo: tf.Tensor, sketch: tf.Tensor, config: DataConfig, seed: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """The changes of the pair that are switched on, before the resize, so that lines stay as sharp as they are."""
    seeds = tf.random.experimental.stateless_split(tf.random.experimental.stateless_fold_in(seed, 1), 3)
    if config.horizontal_flip_probability:
        photo, sketch = augmentation.flip_pair(photo, sketch, config.horizontal_flip_probability, seeds[0])
    if config.crop_fraction:
        photo, sketch = augmentation.crop_pair(photo, sketch, config.crop_fraction, seeds[1])
    if config.sketch_warp_fraction:
        sketch = elastic_warp.warp_sketch(sketch, config.sketch_warp_fraction, seeds[2])
    return photo, sketch
