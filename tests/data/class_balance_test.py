"""Classes between as they come and all alike: frequencies counted,
and the same wherever a run goes on.
"""

from __future__ import annotations

import itertools
import shutil

import numpy as np
import pytest
import tensorflow as tf

from datasets.sketchy import records
from sketch2img_tf.config import DataConfig
from sketch2img_tf.data import class_balance, input_pipeline
from sketch2img_tf.data.input_pipeline import open_paired_dataset, training_batches
from sketch2img_tf.data.names import DEFAULT_PHOTO_VARIANT, DEFAULT_SKETCH_VARIANT
from tests.conftest import DUMMY_RELEASE
from tests.paired import paired

COUNTS = np.array([1, 10, 100, 0, 389])


@pytest.mark.parametrize("balance", [0.0, 0.3, 0.5, 1.0])
def test_quotas_follow_the_formula_to_whole_examples(balance):
    quotas = class_balance.quotas(COUNTS, balance)
    weights = [n ** (1 - balance) if n else 0 for n in COUNTS.tolist()]
    exact = [500 * weight / sum(weights) for weight in weights]
    assert quotas.sum() == 500 and quotas[3] == 0
    assert np.abs(quotas - exact).max() < 1
    if balance in (0.0, 1.0):
        assert quotas.tolist() == (
            [1, 10, 100, 0, 389] if balance == 0 else [125, 125, 125, 0, 125]
        )


@pytest.mark.parametrize("balance", [0.0, 0.5, 1.0])
def test_frequencies_counted(balance):
    """Every epoch has a class's quota, and over the epochs each example of a
    class comes as often as the others.
    """
    labels = np.random.default_rng(0).permutation(np.repeat(np.arange(5), COUNTS))
    records = tf.data.Dataset.from_tensor_slices({"label": labels, "number": np.arange(500)})
    read = np.zeros(500, int)
    for epoch in range(4):
        drawn = list(
            class_balance.balanced(
                records, COUNTS, balance, tf.constant(epoch, tf.int64)
            ).as_numpy_iterator()
        )
        numbers = [record["number"] for record in drawn]
        assert [record["label"] for record in drawn] == labels[numbers].tolist()
        quotas = class_balance.quotas(COUNTS, balance)
        np.testing.assert_array_equal(np.bincount(labels[numbers], minlength=5), quotas)
        read += np.bincount(numbers, minlength=500)
        for label in np.flatnonzero(COUNTS):
            of_class = read[labels == label]
            assert (
                of_class.sum() == (epoch + 1) * quotas[label]
                and of_class.max() - of_class.min() <= 1
            )


@pytest.fixture(scope="module")
def uneven(tmp_path_factory):
    """1 apple, 3 cars and 4 balloons to train on, without the
    sketches that are marked as errors.
    """
    folder = tmp_path_factory.mktemp("uneven")
    release = shutil.copytree(DUMMY_RELEASE, folder / "release")
    for path in list(release.rglob("n90000001_102*")):
        path.unlink()
    records.build(str(release), str(folder / "data"))
    return str(
        records.dataset_dir(str(folder / "data"), DEFAULT_PHOTO_VARIANT, DEFAULT_SKETCH_VARIANT)
    )


def opened(directory, **options):
    return open_paired_dataset(
        directory, DataConfig(brightness_jitter=0.0, contrast_jitter=0.0, **options)
    )


def take(batches, count):
    return list(itertools.islice(batches.as_numpy_iterator(), count))


@pytest.mark.parametrize(
    "balance, per_epoch", [(0.0, [1, 3, 4]), (0.5, [2, 3, 3]), (1.0, [3, 3, 2])]
)
def test_batches_have_the_quotas(uneven, balance, per_epoch):
    """8 n^(1-b) / sum: of a half 1.69, 2.93, 3.38; of one 2.67 each."""
    sketchy = opened(uneven, balance_classes=balance)
    epochs = take(training_batches(sketchy, 8, seed=0), 6)
    assert [np.bincount(epoch["labels"], minlength=3).tolist() for epoch in epochs] == [
        per_epoch
    ] * 6
    assert len({epoch["labels"].tobytes() for epoch in epochs}) > 1  # in an order of its own
    cars = [
        epoch["sketches"][i].tobytes()
        for epoch in epochs
        for i in np.flatnonzero(epoch["labels"] == 1)
    ]
    assert {cars.count(car) for car in cars} == {2 * per_epoch[1]}  # each of three, in six epochs


def test_going_on_at_a_step_gives_the_batches_that_would_have_come(uneven):
    sketchy = opened(uneven, balance_classes=0.5, horizontal_flip_probability=0.5)
    batches = take(training_batches(sketchy, 3, seed=3), 12)
    for first_step in (1, 4, 8):
        going_on = take(training_batches(sketchy, 3, 3, first_step), 4)
        for batch, other in paired(going_on, batches[first_step : first_step + 4]):
            for key, values in batch.items():
                np.testing.assert_array_equal(values, other[key])


@pytest.mark.ci
def test_each_worker_balances_its_own_part(uneven):
    sketchy = opened(uneven, balance_classes=1.0)
    for worker in range(2):
        context = tf.distribute.InputContext(2, worker, num_replicas_in_sync=2)
        records, examples = input_pipeline._records_of_worker(sketchy, context)
        counts = np.bincount([int(record["label"]) for record in records], minlength=3)
        assert examples == counts.sum() == 4
        batches = take(training_batches(sketchy, 4, seed=0, context=context), 3)
        quotas = class_balance.quotas(counts, 1.0)
        assert [np.bincount(batch["labels"], minlength=3).tolist() for batch in batches] == [
            quotas.tolist()
        ] * 3


def test_photos_that_are_held_back_do_not_count(uneven):
    sketchy = opened(uneven, balance_classes=1.0, validation_share=0.4)
    number = sketchy.examples["train"]
    assert 0 < number < 8
    plain = take(training_batches(opened(uneven, validation_share=0.4), number, seed=0), 1)
    counts = np.bincount(plain[0]["labels"], minlength=3)
    (epoch,) = take(training_batches(sketchy, number, seed=0), 1)
    np.testing.assert_array_equal(
        np.bincount(epoch["labels"], minlength=3), class_balance.quotas(counts, 1.0)
    )
