"""From TFRecords to batches of normalised pictures.

The seed and the step alone determine the order of the training examples. So a run goes on exactly
where it stopped, and no iterator is saved. The records lie in random order on disk (TFDS shuffles
them by a hash when it writes them). Every epoch reads all examples once, or as often as
`--balance_classes` says (`class_balance`), through a buffer of `--shuffle_buffer` records that is
shuffled with the epoch's number as its seed. A batch may contain examples of two epochs. Edge maps
that are mixed in have their own epochs, and their classes are balanced separately.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import os
from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

from sketch2img_tf.data import (
    augmentation,
    choices,
    class_balance,
    preprocessing,
    tfrecord_integrity,
    validation_split,
)
from sketch2img_tf.data.mixture import Mixture
from sketch2img_tf.data.statistics import Statistics
from sketch2img_tf.errors import UserError

if TYPE_CHECKING:
    from sketch2img_tf.config import DataConfig

_CORES = os.cpu_count()
_BATCHES_AHEAD = 4
_FILES_AT_ONCE = 16


@dataclasses.dataclass(frozen=True)
class PairedDataset:
    """Built pictures, of which a run uses the classes and sketches that its `DataConfig` chooses.

    A label is the position of its name in `class_names`, whatever its number in the files.
    """

    directory: str
    class_names: tuple[str, ...]
    statistics: Statistics
    examples: dict[str, int]
    """How many chosen examples each split has; `validation` is there if photos are held back."""
    examples_of_class: dict[str, int]
    """How many chosen training examples each class has, including those that are held back."""
    config: DataConfig
    all_class_names: tuple[str, ...]
    edge_maps: PairedDataset | None = None
    """The edge maps that are mixed into the training examples; None if none are."""


def open_paired_dataset(directory: str, config: DataConfig) -> PairedDataset:
    """The pictures built in `directory`, the folder that has `metadata.json`.

    Raises:
      UserError: nothing is built there, a class is missing, or no example is left.
    """
    metadata = read_metadata(directory)
    known = tuple(metadata["class_names"])
    names = _choose_classes(known, config)
    by_class = {
        split: {name: _count(known_as.get(name, {}), config) for name in names}
        for split, known_as in metadata["examples"].items()
    }
    counts = {split: sum(counted.values()) for split, counted in by_class.items()}
    if not counts["train"]:
        raise UserError(
            f"{directory}: no training example is left of {len(names)} classes with"
            f" --drop_sketches={','.join(config.drop_sketches)}; drop fewer or choose more classes"
        )
    statistics = Statistics.from_dict({**metadata, "sketch_encoding": config.sketch_encoding})
    sketchy = PairedDataset(directory, names, statistics, counts, by_class["train"], config, known)
    return _with_validation(sketchy) if config.validation_share else sketchy


def training_batches(
    sketchy: PairedDataset,
    batch_size: int,
    seed: int,
    first_step: int = 0,
    context: tf.distribute.InputContext | None = None,
) -> tf.data.Dataset:
    """Batches without end, beginning with those of `first_step`.

    Args:
      sketchy: the pictures.
      batch_size: examples per replica and step. The dataset gives one batch per step for each
        replica of this worker.
      seed: determines the order of the examples and their random changes.
      first_step: the step to begin with.
      context: which of several workers reads here; each worker reads other examples.

    Returns:
      {"photos": float32 [B, S, S, 3], "sketches": float32 [B, S, S, 1], both normalised; "labels":
      int64 [B]; "aligned": bool [B], whether the sketch's lines lie on the photo's edges, as those
      of an edge map do}; S is `--image_size`.
    """
    context = context or tf.distribute.InputContext()
    workers, worker = context.num_input_pipelines, context.input_pipeline_id
    examples_per_step = batch_size * context.num_replicas_in_sync // workers  # of this worker

    def jittered(number: tf.Tensor, record: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        number = number * workers + worker  # different for all examples of a run
        return _example(record, sketchy, augmentation.seed_of(seed, number))

    records = _training_records(sketchy, examples_per_step, seed, first_step, context)
    pictures = records.enumerate(first_step * examples_per_step).map(
        jittered, num_parallel_calls=_CORES
    )
    return _ending_at_once(pictures.batch(batch_size, drop_remainder=True).prefetch(_BATCHES_AHEAD))


def _training_records(
    sketchy: PairedDataset,
    examples_per_step: int,
    seed: int,
    first_step: int,
    context: tf.distribute.InputContext,
) -> tf.data.Dataset:
    """Records without end, beginning with the first of `first_step`, with edge maps mixed in."""
    first = first_step * examples_per_step
    if sketchy.edge_maps is None:
        return _epochs(sketchy, seed, first, context)
    mixture = Mixture.of_run(sketchy.config, examples_per_step)
    edge_maps = mixture.edge_maps_before(first_step)
    sketches = _epochs(sketchy, seed, first - edge_maps, context)
    return tf.data.Dataset.choose_from_datasets(
        [sketches, _epochs(sketchy.edge_maps, seed, edge_maps, context)],
        mixture.choices(first_step),
    )


def _epochs(
    sketchy: PairedDataset, seed: int, first: int, context: tf.distribute.InputContext
) -> tf.data.Dataset:
    """This worker's training records without end, in a new order every epoch, from `first` on."""
    records, examples = _records_of_worker(sketchy, context)
    epoch, offset = divmod(first, examples)
    balance = sketchy.config.balance_classes
    counts = _counts_of_classes(records, len(sketchy.class_names)) if balance else None

    def shuffled(epoch: tf.Tensor) -> tf.data.Dataset:
        # A shuffle has two seeds, its own and that of the graph that contains it: the graph of
        # this function.
        tf.random.set_seed(seed + 1)
        chosen = class_balance.balanced(records, counts, balance, epoch) if balance else records
        return chosen.shuffle(
            sketchy.config.shuffle_buffer, seed=epoch, reshuffle_each_iteration=False
        )

    return tf.data.Dataset.range(epoch, tf.int64.max).flat_map(shuffled).skip(offset)


def _counts_of_classes(records: tf.data.Dataset, classes: int) -> np.ndarray:
    """int64 [classes], by counting: no metadata tell a worker's examples or held-back ones."""

    def add(counts: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        labels = tf.cast(labels, tf.int32)
        return counts + tf.math.bincount(labels, minlength=classes, dtype=tf.int64)

    labels = records.map(lambda record: record["label"]).batch(1024)
    return labels.reduce(tf.zeros([classes], tf.int64), add).numpy()


def evaluation_batches(sketchy: PairedDataset, split: str, batch_size: int) -> tf.data.Dataset:
    """The split once, in the order of its files, unchanged; the last batch may be smaller."""
    still = functools.partial(_example, sketchy=sketchy, jitter_seed=None)
    pictures = _records(sketchy, split).map(still, num_parallel_calls=_CORES)
    return _ending_at_once(pictures.batch(batch_size).prefetch(_BATCHES_AHEAD))


def _ending_at_once(batches: tf.data.Dataset) -> tf.data.Dataset:
    """Switches off tf.data's tuner: at the end its thread may sleep for a minute, and delay it."""
    options = tf.data.Options()
    options.autotune.enabled = False
    return batches.with_options(options)


def read_metadata(directory: str) -> dict:
    """The metadata that the builder wrote beside the records in `directory`.

    Raises:
      UserError: the file is missing or damaged.
    """
    path = os.path.join(directory, "metadata.json")
    try:
        with open(path, encoding="utf-8") as file:
            return json.load(file)
    except FileNotFoundError:
        raise UserError(
            f"{path}: not found; give the --data_dir it is in, or build it with `python -m"
            " datasets.sketchy.build` or `python -m datasets.edge_maps.build`"
        ) from None
    except ValueError as error:
        raise UserError(
            f"{path}: damaged ({error}); delete its folder and build it again"
        ) from None


def _choose_classes(known: tuple[str, ...], config: DataConfig) -> tuple[str, ...]:
    chosen = [choices.find_class(name, known, "--classes", "the data") for name in config.classes]
    if len(set(chosen)) < len(chosen):
        raise UserError(f"--classes={','.join(config.classes)}: names a class twice")
    if config.num_classes > len(known):
        raise UserError(f"--num_classes={config.num_classes}: the data has {len(known)} classes")
    return tuple(sorted(chosen or sorted(known)[: config.num_classes or None]))


def _count(by_flags: dict[str, int], config: DataConfig) -> int:
    return sum(
        n for flags, n in by_flags.items() if not set(flags.split(",")) & set(config.drop_sketches)
    )


def _with_validation(sketchy: PairedDataset) -> PairedDataset:
    """Counts the validation examples and the other training examples; the metadata do not."""
    share, total = sketchy.config.validation_share, sketchy.examples["train"]
    records = _chosen(sketchy, "train", tfrecord_integrity.open_builder(sketchy.directory))
    names = records.map(lambda record: record["photo_id"]).batch(1024)
    held_back = sum(
        int(tf.math.count_nonzero(validation_split.is_held_back(batch, share))) for batch in names
    )
    if held_back in (0, total):
        raise UserError(
            f"--validation_share={share}: holds back {held_back} of the {total} training examples;"
            f" give {'more' if held_back == 0 else 'less'}, or 0"
        )
    counts = {**sketchy.examples, "train": total - held_back, "validation": held_back}
    return dataclasses.replace(sketchy, examples=counts)


def _records(sketchy: PairedDataset, split: str) -> tf.data.Dataset:
    """The chosen examples of a split, with encoded pictures and the labels of `class_names`."""
    records = _part(sketchy, split, tfrecord_integrity.open_builder(sketchy.directory))
    return records.apply(tf.data.experimental.assert_cardinality(sketchy.examples[split]))


def _records_of_worker(
    sketchy: PairedDataset, context: tf.distribute.InputContext
) -> tuple[tf.data.Dataset, int]:
    """A worker's part of the training records, and their number.

    Each worker reads its own files, so that no file is sent to two workers. If there are fewer
    files than workers, every worker reads all files and keeps every n-th example.
    """
    workers, worker = context.num_input_pipelines, context.input_pipeline_id
    examples = sketchy.examples["train"]
    if workers == 1:
        return _records(sketchy, "train"), examples
    builder = tfrecord_integrity.open_builder(sketchy.directory)
    if builder.info.splits["train"].num_shards < workers:
        records = _records(sketchy, "train").shard(workers, worker)
        examples = len(range(worker, examples, workers))
    else:
        records = _part(sketchy, "train", builder, context)
        # Nothing says how many examples of a file are chosen, so they are counted.
        examples = int(records.reduce(np.int64(0), lambda count, _: count + 1))
    if not examples:
        raise UserError(
            f"{sketchy.directory}: no training example is left for worker {worker} of {workers}:"
            " use fewer workers"
        )
    return records, examples


def _part(
    sketchy: PairedDataset, split: str, builder, context: tf.distribute.InputContext | None = None
) -> tf.data.Dataset:
    """`_records`, but only from the files that `context` gives to its worker."""
    share = sketchy.config.validation_share
    records = _chosen(sketchy, "test" if split == "test" else "train", builder, context)
    if split != "test" and share:
        wanted = split == "validation"
        records = records.filter(
            lambda record: validation_split.is_held_back(record["photo_id"], share) == wanted
        )
    return records.map(functools.partial(_relabel, sketchy=sketchy))


def _chosen(
    sketchy: PairedDataset, split: str, builder, context: tf.distribute.InputContext | None = None
) -> tf.data.Dataset:
    """The records of the builder's split that the configuration chooses, not changed yet."""
    undecoded = {"photo": tfds.decode.SkipDecoding(), "sketch": tfds.decode.SkipDecoding()}
    # The files take turns in a fixed order: the order of the examples must depend on the seed only,
    # not on the speed of threads.
    reading = tfds.ReadConfig(
        interleave_cycle_length=_FILES_AT_ONCE, try_autocache=False, input_context=context
    )
    records = builder.as_dataset(
        split=split, decoders=undecoded, read_config=reading, shuffle_files=False
    )
    return records.filter(functools.partial(_is_chosen, sketchy=sketchy))


def _is_chosen(record: dict[str, tf.Tensor], sketchy: PairedDataset) -> tf.Tensor:
    # Edge maps have no marks.
    dropped = [record[flag] for flag in sketchy.config.drop_sketches if flag in record]
    return (_new_labels(sketchy, record["label"]) >= 0) & ~tf.reduce_any(
        tf.stack([*dropped, False])
    )


def _relabel(record: dict[str, tf.Tensor], sketchy: PairedDataset) -> dict[str, tf.Tensor]:
    return {
        "photo": record["photo"],
        "sketch": record["sketch"],
        "label": _new_labels(sketchy, record["label"]),
        "aligned": tf.constant(sketchy.config.dataset == "edge_maps"),
    }


def _new_labels(sketchy: PairedDataset, label: tf.Tensor) -> tf.Tensor:
    """The label as a position in `class_names`; -1 for a class that is not chosen."""
    positions = {name: position for position, name in enumerate(sketchy.class_names)}
    labels = [positions.get(name, -1) for name in sketchy.all_class_names]
    return tf.gather(tf.constant(labels, tf.int64), label)


def _example(
    record: dict[str, tf.Tensor], sketchy: PairedDataset, jitter_seed: tf.Tensor | None
) -> dict[str, tf.Tensor]:
    photo = preprocessing.decode_photo(record["photo"])
    sketch = preprocessing.decode_sketch(record["sketch"])
    if jitter_seed is not None:
        photo, sketch = augmentation.augment(photo, sketch, sketchy.config, jitter_seed)
    size = sketchy.config.image_size
    photo, sketch = preprocessing.resize(photo, size), preprocessing.resize(sketch, size)
    return {
        "photos": preprocessing.normalize_photos(photo, sketchy.statistics),
        "sketches": preprocessing.normalize_sketch_on_host(sketch, sketchy.statistics),
        "labels": record["label"],
        "aligned": record["aligned"],
    }
