"""The pictures of a training: all of them, with their labels, in
an order that a seed and a step fix.
"""

from __future__ import annotations

import dataclasses
import itertools
import json
import pathlib
import shutil

import numpy as np
import pytest
import tensorflow as tf

from datasets.sketchy import records, release
from sketch2img_tf.config import DataConfig
from sketch2img_tf.data import input_pipeline, preprocessing
from sketch2img_tf.data.input_pipeline import (
    evaluation_batches,
    open_paired_dataset,
    training_batches,
)
from sketch2img_tf.data.names import DEFAULT_PHOTO_VARIANT, DEFAULT_SKETCH_VARIANT, MARKS
from sketch2img_tf.errors import UserError
from tests.paired import paired

DUMMY_RELEASE = pathlib.Path(release.__file__).parent / "dummy_data"
LISTS = DUMMY_RELEASE / "info-06-04" / "info"
SKETCHES = {path.stem: path for path in DUMMY_RELEASE.rglob("*.png")}
PHOTOS = {path.stem: path for path in DUMMY_RELEASE.rglob("*.jpg")}
BATCH = 2  # divides the ten examples of an epoch


@pytest.fixture(scope="module")
def directory(dummy_data_dir):
    return str(records.dataset_dir(dummy_data_dir, DEFAULT_PHOTO_VARIANT, DEFAULT_SKETCH_VARIANT))


@pytest.fixture(scope="module")
def sketchy(directory):
    return open_paired_dataset(directory, DataConfig())


@pytest.fixture(scope="module")
def name_of(sketchy):
    """From a normalised sketch to its file's name: the nearest of the files."""
    names = sorted(SKETCHES)
    decoded = [preprocessing.decode_sketch(tf.io.read_file(str(SKETCHES[name]))) for name in names]
    resized = tf.stack([preprocessing.resize(sketch, 64) for sketch in decoded])
    files = preprocessing.normalize_sketches(resized, sketchy.statistics).numpy()

    def nearest(sketch):
        differences = np.abs(files - sketch).max(axis=(1, 2, 3))
        assert differences.min() < 1e-5
        return names[int(differences.argmin())]

    return nearest


def expected(split, drop=("error",), classes=None):
    """The sketches of a split by name, according to the release's own lists."""
    held_out = {
        pathlib.PurePosixPath(row).stem for row in (LISTS / "testset.txt").read_text().split()
    }
    dropped = {
        name for flag in drop for name in (LISTS / f"invalid-{flag}.txt").read_text().split()
    }
    return {
        name
        for name, path in SKETCHES.items()
        if (name.split("-")[0] in held_out) == (split == "test")
        and name not in dropped
        and (classes is None or path.parent.name in classes)
    }


def take(batches, count):
    return list(itertools.islice(batches.as_numpy_iterator(), count))


def rows(batches, key):
    return [row for batch in batches for row in batch[key]]


def assert_equal_batches(batches, others):
    for batch, other in paired(batches, others):
        for key in ("photos", "sketches", "labels"):
            np.testing.assert_array_equal(batch[key], other[key])


def test_an_epoch_is_every_example_once_in_an_order_of_its_own(sketchy, name_of):
    drawn = [
        name_of(sketch)
        for sketch in rows(take(training_batches(sketchy, BATCH, seed=0), 15), "sketches")
    ]
    epochs = [drawn[start : start + 10] for start in (0, 10, 20)]
    assert all(sorted(epoch) == sorted(expected("train")) for epoch in epochs)
    assert len(set(map(tuple, epochs))) == 3


def test_batches_run_on_over_the_end_of_an_epoch(sketchy, name_of):
    batches = take(training_batches(sketchy, 4, seed=0), 5)  # two epochs of ten
    assert [len(batch["labels"]) for batch in batches] == [4] * 5
    drawn = [name_of(sketch) for sketch in rows(batches, "sketches")]
    assert set(drawn[:10]) == set(drawn[10:]) == expected("train")


def test_any_example_can_come_first(sketchy, name_of):
    sixty_epochs = take(training_batches(sketchy, 10, seed=0), 60)
    assert {name_of(batch["sketches"][0]) for batch in sixty_epochs} == expected("train")


@pytest.mark.parametrize(
    "drop",
    [(), ("error",), ("pose",), ("error", "pose"), MARKS],
    ids=lambda drop: ",".join(drop) or "none",
)
@pytest.mark.parametrize("split", ["train", "test"])
def test_flags_drop_what_the_lists_say_and_the_counts_know_it(directory, name_of, drop, split):
    sketchy = open_paired_dataset(directory, DataConfig(drop_sketches=drop))
    names = [
        name_of(sketch) for sketch in rows(evaluation_batches(sketchy, split, BATCH), "sketches")
    ]
    assert sorted(names) == sorted(expected(split, drop))
    assert sketchy.examples[split] == len(names)


@pytest.mark.parametrize(
    "chosen, names",
    [
        (dict(), ("apple", "car_(sedan)", "hot-air_balloon")),
        (dict(num_classes=2), ("apple", "car_(sedan)")),
        (dict(classes=("hot-air_balloon", "apple")), ("apple", "hot-air_balloon")),
        (dict(classes=("car_(sedan)",)), ("car_(sedan)",)),
    ],
)
def test_labels_are_positions_among_the_chosen_classes(directory, name_of, chosen, names):
    sketchy = open_paired_dataset(directory, DataConfig(**chosen))
    assert sketchy.class_names == names
    batches = take(training_batches(sketchy, 1, seed=0), sketchy.examples["train"])
    drawn = {
        name_of(sketch): names[label]
        for sketch, label in zip(rows(batches, "sketches"), rows(batches, "labels"))
    }
    assert drawn == {name: SKETCHES[name].parent.name for name in expected("train", classes=names)}


def test_going_on_at_a_step_gives_the_batches_that_would_have_come(sketchy):
    batches = take(training_batches(sketchy, 4, seed=3), 9)
    # Within an epoch of two and a half steps, at the start of one, after the third
    for first_step in (1, 5, 7):
        going_on = take(training_batches(sketchy, 4, seed=3, first_step=first_step), 2)
        assert_equal_batches(going_on, batches[first_step : first_step + 2])


def test_the_seed_alone_decides(sketchy):
    tf.random.set_seed(1)
    first = take(training_batches(sketchy, 10, seed=0), 1)
    tf.random.set_seed(2)
    assert_equal_batches(first, take(training_batches(sketchy, 10, seed=0), 1))
    (other,) = take(training_batches(sketchy, 10, seed=1), 1)
    assert not np.array_equal(first[0]["sketches"], other["sketches"])


def test_a_photo_is_jittered_anew_every_time_and_its_sketch_never(directory, name_of):
    sketchy = open_paired_dataset(directory, DataConfig(classes=("apple",), drop_sketches=MARKS))
    drawn: dict[str, list] = {}
    for batch in take(training_batches(sketchy, 1, seed=0), 9):
        drawn.setdefault(name_of(batch["sketches"][0]), []).append(batch["photos"][0])
    assert {name: len(photos) for name, photos in drawn.items()} == dict.fromkeys(drawn, 3)
    assert all(np.abs(a - b).max() > 0.01 for a, b, _ in drawn.values())


def test_a_photo_without_jitter_is_the_same_every_time(directory):
    jittered, still, again = (
        _first_batches(directory, brightness_jitter=share, contrast_jitter=share)[0]
        for share in (0.3, 0.0, 0.0)
    )
    np.testing.assert_array_equal(still, again)
    sketchy = open_paired_dataset(directory, DataConfig(shuffle_buffer=1))
    files = rows(evaluation_batches(sketchy, "train", 4).as_numpy_iterator(), "photos")
    of_file = [np.abs(files - photo).max((1, 2, 3)).min() for photo in still]
    assert max(of_file) < 1e-6 < 0.01 < np.abs(jittered - still).max((1, 2, 3)).min()


def test_held_out_photos_are_the_files_themselves_in_a_fixed_order(sketchy, name_of):
    batches = list(evaluation_batches(sketchy, "test", 4).as_numpy_iterator())
    assert [len(batch["labels"]) for batch in batches] == [4, 2]
    assert_equal_batches(batches, evaluation_batches(sketchy, "test", 4).as_numpy_iterator())
    for sketch, photo in paired(rows(batches, "sketches"), rows(batches, "photos")):
        file = tf.io.read_file(str(PHOTOS[name_of(sketch).split("-")[0]]))
        intensities = preprocessing.resize(preprocessing.decode_photo(file), 64)
        np.testing.assert_allclose(
            photo, preprocessing.normalize_photos(intensities, sketchy.statistics), atol=1e-6
        )


def test_pictures_have_the_size_that_is_asked_for(directory, sketchy):
    """In the same order; averaged down they are nearly the small ones,
    whose filter reaches a little farther.
    """
    large = open_paired_dataset(directory, DataConfig(image_size=128))
    for read in (
        lambda data: training_batches(data, 4, seed=0),
        lambda data: evaluation_batches(data, "test", 4),
    ):
        of_small, of_large = (next(read(data).as_numpy_iterator()) for data in (sketchy, large))
        np.testing.assert_array_equal(of_large["labels"], of_small["labels"])
        for key in ("photos", "sketches"):
            averaged = of_large[key].reshape(4, 64, 2, 64, 2, -1).mean((2, 4))
            assert (
                np.abs(averaged - of_small[key]).mean()
                < 0.01
                < np.abs(averaged - of_small[key][::-1]).mean()
            )


def test_training_pictures_have_mean_0_and_stay_within_1(directory):
    # Those that the statistics are of
    sketchy = open_paired_dataset(directory, DataConfig(drop_sketches=()))
    batches = list(evaluation_batches(sketchy, "train", 4).as_numpy_iterator())
    for key in ("photos", "sketches"):
        pictures = np.array(rows(batches, key))
        np.testing.assert_allclose(pictures.mean((0, 1, 2)), 0, atol=0.02)
        assert np.abs(pictures).max() <= 1 + 1e-6


@pytest.mark.parametrize(
    "config, message",
    [
        (
            DataConfig(classes=("apple", "zebra")),
            "--classes=zebra: the data has no such class; it has apple, ",
        ),
        (DataConfig(classes=("balloon",)), "--classes=balloon: .*class; nearest: hot-air_balloon"),
        (DataConfig(classes=("apple", "Apple")), "--classes=apple,Apple: names a class twice"),
        (DataConfig(num_classes=4), "--num_classes=4: the data has 3 classes"),
    ],
)
def test_classes_that_are_not_there(directory, config, message):
    with pytest.raises(UserError, match=f"^{message}"):
        open_paired_dataset(directory, config)


def test_classes_as_people_type_them(directory):
    sketchy = open_paired_dataset(directory, DataConfig(classes=("Hot air balloon", "Apple")))
    assert sketchy.class_names == ("apple", "hot-air_balloon")


def test_nothing_left_to_train_on(directory, tmp_path):
    metadata = json.loads((pathlib.Path(directory) / "metadata.json").read_text())
    metadata["examples"]["train"] = {"apple": {"error,pose": 4}}
    (tmp_path / "metadata.json").write_text(json.dumps(metadata))
    with pytest.raises(
        UserError, match="no training example is left of 3 classes with --drop_sketches=error;"
    ):
        open_paired_dataset(str(tmp_path), DataConfig())


def test_nothing_built(tmp_path):
    with pytest.raises(UserError, match=f"^{tmp_path}/metadata.json: not found; "):
        open_paired_dataset(str(tmp_path), DataConfig())


def test_damaged_metadata(directory, tmp_path):
    text = (pathlib.Path(directory) / "metadata.json").read_text()
    (tmp_path / "metadata.json").write_text(text[: len(text) // 2])
    with pytest.raises(
        UserError,
        match=f"^{tmp_path}/metadata.json: damaged .* delete its folder and build it again$",
    ):
        open_paired_dataset(str(tmp_path), DataConfig())


def test_records_that_are_not_as_many_as_counted_do_not_pass(sketchy, tmp_path):
    """What was cut short or exchanged by hand must not shift the epochs unnoticed."""
    copy = shutil.copytree(sketchy.directory, tmp_path / "copy")
    more = dataclasses.replace(sketchy, directory=str(copy), examples={"train": 11, "test": 6})
    with pytest.raises(
        tf.errors.FailedPreconditionError, match="Input dataset was expected to contain 11 elements"
    ):
        take(training_batches(more, BATCH, seed=0), 11)


def test_no_tuner_is_left_to_wait_for(sketchy):
    """Its thread can miss that it is told to end, and keeps a stopped
    run for as long as it meant to sleep.
    """
    assert training_batches(sketchy, BATCH, seed=0).options().autotune.enabled is False


def _context(workers: int, worker: int) -> tf.distribute.InputContext:
    return tf.distribute.InputContext(workers, worker, num_replicas_in_sync=workers)


def split_into_files(directory: str, folder: pathlib.Path, count: int) -> str:
    """The same data, its training records spread over so many files."""
    copy = folder / "1.0.0"
    shutil.copytree(directory, copy)
    (single,) = copy.glob("sketchy-train.tfrecord-*")
    records = list(tf.data.TFRecordDataset(str(single)).as_numpy_iterator())
    single.unlink()
    for number in range(count):
        with tf.io.TFRecordWriter(
            str(copy / f"sketchy-train.tfrecord-{number:05d}-of-{count:05d}")
        ) as writer:
            for record in records[number::count]:
                writer.write(record)
    info = json.loads((copy / "dataset_info.json").read_text())
    train = next(split for split in info["splits"] if split["name"] == "train")
    train["shardLengths"] = [str(len(records[number::count])) for number in range(count)]
    (copy / "dataset_info.json").write_text(json.dumps(info))
    return str(copy)


@pytest.mark.ci
@pytest.mark.parametrize("files", [1, 4])
def test_three_workers_read_every_example_once_an_epoch(
    files, directory, name_of, monkeypatch, tmp_path
):
    """From files of their own, or, of a single file, every third example
    each; and each goes on where it was.
    """
    data = directory if files == 1 else split_into_files(directory, tmp_path, files)
    sketchy = open_paired_dataset(data, DataConfig(drop_sketches=()))
    read = []
    for worker in range(3):
        records, examples = input_pipeline._records_of_worker(sketchy, _context(3, worker))
        batches = training_batches(sketchy, 1, seed=0, context=_context(3, worker))
        epoch = [name_of(batch["sketches"][0]) for batch in take(batches, examples)]
        later = training_batches(sketchy, 1, seed=0, first_step=2, context=_context(3, worker))
        assert [name_of(batch["sketches"][0]) for batch in take(later, examples - 2)] == epoch[2:]
        read += epoch
    assert sorted(read) == sorted(expected("train", ()))


@pytest.mark.ci
def test_a_worker_has_its_own_jitter(sketchy):
    """The number of an example is unique among all workers', and with it its seed."""
    one = take(training_batches(sketchy, 1, seed=0, context=_context(2, 0)), 3)
    other = take(training_batches(sketchy, 1, seed=0, context=_context(2, 1)), 3)
    assert all(np.any(a["photos"] != b["photos"]) for a, b in zip(one, other))


def _first_batches(directory, **options):
    sketchy = open_paired_dataset(directory, DataConfig(shuffle_buffer=1, **options))
    (batch,) = take(training_batches(sketchy, 10, seed=0), 1)
    return batch["photos"], batch["sketches"]


def test_pairs_are_flipped_together(directory):
    flipped, plain = (_first_batches(directory, horizontal_flip_probability=p) for p in (1.0, 0.0))
    for mirrored, pictures in paired(flipped, plain):
        np.testing.assert_allclose(mirrored, pictures[:, :, ::-1], atol=1e-6)


def test_a_share_of_pairs_is_flipped_with_photo_and_sketch_alike(directory):
    flipped, plain = (_first_batches(directory, horizontal_flip_probability=p) for p in (0.5, 0.0))
    changed = [np.abs(a - b).max((1, 2, 3)) > 1e-3 for a, b in zip(flipped, plain)]
    np.testing.assert_array_equal(*changed)
    assert 0 < changed[0].mean() < 1


def test_pairs_are_cropped_together_and_come_at_the_same_size(directory):
    cropped, plain = (_first_batches(directory, crop_fraction=f) for f in (0.3, 0.0))
    for larger, pictures in paired(cropped, plain):
        assert larger.shape == pictures.shape
        assert np.all(np.abs(larger - pictures).max((1, 2, 3)) > 0.05)


def test_sketches_are_warped_and_photos_are_not(directory):
    warped, plain = (_first_batches(directory, sketch_warp_fraction=f) for f in (0.03, 0.0))
    np.testing.assert_array_equal(warped[0], plain[0])
    assert np.all(np.abs(warped[1] - plain[1]).max((1, 2, 3)) > 0.1)
    ink = [(sketches - sketches.min()).sum((1, 2, 3)) for sketches in (warped[1], plain[1])]
    np.testing.assert_allclose(*ink, rtol=0.25)  # bent, not lost


def test_augmentation_follows_the_seed_and_the_step(directory):
    config = DataConfig(
        horizontal_flip_probability=0.5, crop_fraction=0.2, sketch_warp_fraction=0.02
    )
    sketchy = open_paired_dataset(directory, config)
    batches = take(training_batches(sketchy, 4, seed=3), 4)
    assert_equal_batches(take(training_batches(sketchy, 4, seed=3, first_step=2), 2), batches[2:4])
