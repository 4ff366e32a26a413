"""Edge maps among real sketches: their share, counted; whose they are;
and the same wherever a run goes on.
"""

from __future__ import annotations

import dataclasses
import fractions
import itertools
import json
import pathlib
import shutil

import numpy as np
import pytest

import datasets.edge_maps
from datasets.edge_maps import records as edge_maps_records
from sketch2img_tf.config import DataConfig
from sketch2img_tf.data import input_pipeline, sources
from sketch2img_tf.data.input_pipeline import evaluation_batches, training_batches
from sketch2img_tf.data.mixture import Mixture
from sketch2img_tf.errors import UserError
from tests.paired import paired

PHOTOS = pathlib.Path(datasets.edge_maps.__file__).parent / "dummy_data"


@pytest.fixture(scope="module")
def data_dir(dummy_data_dir, tmp_path_factory):
    """The dummy release and the dummy photos, of the same three classes."""
    data_dir = shutil.copytree(dummy_data_dir, tmp_path_factory.mktemp("mixed") / "data")
    edge_maps_records.build(str(PHOTOS), str(data_dir))
    return str(data_dir)


def config(data_dir, **options):
    return DataConfig(data_dir=data_dir, **options)


def take(batches, count):
    return list(itertools.islice(batches.as_numpy_iterator(), count))


@pytest.mark.parametrize(
    "mixture",
    [
        Mixture(900, 100, 40, 16),
        Mixture(0, 1000, 7, 3),
        Mixture(1000, 1000, 5, 4),
        Mixture(333, 0, 1, 10),
    ],
    ids=lambda mixture: f"{mixture.start} to {mixture.end}",
)
def test_the_share_counted(mixture):
    """After every step the count is within one of the sum of the shares,
    which rise or fall in a straight line.
    """
    steps = 3 * mixture.steps + 5
    choices = take(mixture.choices(0).batch(mixture.batch_size), steps)
    slope = fractions.Fraction(mixture.end - mixture.start, mixture.steps)
    shares = [(mixture.start + slope * min(step, mixture.steps)) / 1000 for step in range(steps)]
    expected = itertools.accumulate(mixture.batch_size * share for share in shares)
    counted = np.cumsum([choice.sum() for choice in choices])
    assert all(0 <= exact - count < 1 for exact, count in zip(expected, counted))
    assert set(np.unique(choices)) <= {0, 1}
    assert [mixture.edge_maps_before(step + 1) for step in range(steps)] == counted.tolist()


def test_sums_of_long_runs_do_not_overflow():
    mixture = Mixture(900, 100, 1_000_000, 256)
    before, after = (mixture.edge_maps_before(step) for step in (5_000_000, 5_000_001))
    assert before == 230_400_102  # 256 * (900_000 - 0.8 * 999_999 / 2 + 400_000) = 230,400,102.4
    # 25.6, and the 0.4 from before
    assert sum(take(mixture.choices(5_000_000), 256)) == after - before == 26


def test_examples_are_those_of_both_in_turn(data_dir):
    """What is mixed are the two data sets' own streams, each in its own order."""
    mixed = sources.open_data(
        config(data_dir, edge_maps_share=0.75, edge_maps_share_end=0.25, edge_maps_share_steps=6)
    )
    batches = take(training_batches(mixed, 4, seed=0), 12)
    drawn = np.concatenate([batch["sketches"] for batch in batches])
    streams = [
        np.concatenate([batch["sketches"] for batch in take(training_batches(data, 4, seed=0), 12)])
        for data in (dataclasses.replace(mixed, edge_maps=None), mixed.edge_maps)
    ]
    choices = take(Mixture(750, 250, 6, 4).choices(0), 48)
    for number, choice in enumerate(choices):
        position = sum(earlier == choice for earlier in choices[:number])
        np.testing.assert_array_equal(drawn[number], streams[choice][position])
    np.testing.assert_array_equal(
        np.concatenate([batch["aligned"] for batch in batches]), np.array(choices) == 1
    )
    # 4 * (0.75 * 6 - 0.5 * 5 / 2) = 13 in the first six steps, then one per step
    assert sum(choices) == 19


def test_going_on_at_a_step_gives_the_batches_that_would_have_come(data_dir):
    mixed = sources.open_data(config(data_dir, edge_maps_share=0.9, edge_maps_share_steps=10))
    batches = take(training_batches(mixed, 4, seed=3), 14)
    for first_step in (1, 6, 12):
        going_on = take(training_batches(mixed, 4, 3, first_step), 2)
        for batch, other in paired(going_on, batches[first_step : first_step + 2]):
            for key in ("photos", "sketches", "labels"):
                np.testing.assert_array_equal(batch[key], other[key])


def test_labels_are_those_of_the_sketches_and_statistics_too(data_dir):
    chosen = config(
        data_dir,
        classes=("hot-air_balloon", "car_(sedan)"),
        edge_maps_share=1,
        edge_maps_share_end=1,
    )
    mixed = sources.open_data(chosen)
    assert mixed.edge_maps.class_names == mixed.class_names == ("car_(sedan)", "hot-air_balloon")
    assert mixed.edge_maps.statistics == mixed.statistics
    number = mixed.edge_maps.examples["train"]
    drawn = np.concatenate(
        [batch["labels"] for batch in take(training_batches(mixed, 1, seed=0), number)]
    )
    photos = [path.parent.name for path in PHOTOS.rglob("*.*") if path.parent.name != "apple"]
    held_out = mixed.edge_maps.examples["test"]
    assert len(photos) - held_out == number == len(drawn)
    assert 0 <= photos.count("hot-air_balloon") - np.count_nonzero(drawn == 1) <= held_out


def test_held_out_are_sketches_alone(data_dir):
    mixed, plain = (
        sources.open_data(config(data_dir, edge_maps_share=share)) for share in (0.5, 0.0)
    )
    assert plain.edge_maps is None
    for batch, other in paired(
        *(evaluation_batches(data, "test", 6).as_numpy_iterator() for data in (mixed, plain))
    ):
        np.testing.assert_array_equal(batch["sketches"], other["sketches"])


def test_edge_maps_alone_train_without_sketches(data_dir, tmp_path):
    """--dataset=edge_maps builds what is missing, from photos alone."""
    chosen = config(
        str(tmp_path), dataset="edge_maps", photos_dir=(str(PHOTOS),), drop_sketches=("pose",)
    )
    alone = sources.open_data(chosen)
    assert alone.examples == {"train": 10, "test": 2}
    (batch,) = take(training_batches(alone, 10, seed=0), 1)
    assert batch["sketches"].shape == (10, 64, 64, 1) and set(batch["labels"]) == {0, 1, 2}
    assert batch["aligned"].all()
    assert np.abs(batch["sketches"]).max() <= 1 + 1e-6 and batch["sketches"].max() > 0.5
    held_out = evaluation_batches(alone, "test", 6)
    assert len(next(iter(held_out))["labels"]) == 2


def _changed(data_dir, tmp_path, **changes):
    """A data folder whose edge maps say something else of themselves."""
    other = pathlib.Path(shutil.copytree(data_dir, tmp_path / "data"))
    path = edge_maps_records.dataset_dir(str(other)) / "metadata.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
    return str(other)


def test_classes_that_the_edge_maps_lack(data_dir, tmp_path):
    other = _changed(data_dir, tmp_path, class_names=["apple", "car", "hot-air_balloon"])
    with pytest.raises(
        UserError, match=r"the edge maps have no class car_\(sedan\), .* they have apple, car, "
    ):
        sources.open_data(config(other, edge_maps_share=0.5))
    assert sources.open_data(
        config(other, edge_maps_share=0.5, classes=("apple",))
    ).edge_maps.class_names == ("apple",)


def test_photos_that_the_sketches_hold_out(data_dir, tmp_path):
    other = _changed(
        data_dir, tmp_path, training_photos=["n90000001_100", "n90000001_101", "n90000002_101"]
    )
    with pytest.raises(
        UserError,
        match="would train on 2 photos that the sketches hold out, such as n90000001_101: ",
    ):
        sources.open_data(config(other, edge_maps_share=0.5))


def test_edge_maps_that_are_not_built(dummy_data_dir):
    with pytest.raises(
        UserError,
        match="edge_maps/1.0.0 is not built yet: give --photos_dir=DIR, a folder with a folder",
    ):
        sources.open_data(config(str(dummy_data_dir), edge_maps_share=0.5))


def test_nothing_of_this_is_in_a_run_without(dummy_data_dir, monkeypatch):
    monkeypatch.setattr(input_pipeline, "Mixture", None)
    assert take(training_batches(sources.open_data(config(str(dummy_data_dir))), 4, seed=0), 2)
