"""The classifier of real photos: against scikit-learn's, on data whose classes are known."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from sketch2img_tf.evaluation import classifier
from tests.paired import paired


def clusters(count, features, classes=4, seed=0):
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % classes
    return rng.normal(size=(classes, features))[labels] * 2 + rng.normal(
        size=(count, features)
    ), labels


@pytest.mark.parametrize("count, features", [(120, 6), (24, 80)])
def test_it_is_scikit_learns_logistic_regression(count, features):
    x, labels = clusters(count, features)
    found = classifier.train(x, labels, 4)
    # Theirs is a sum over the pictures, ours a mean.
    theirs = LogisticRegression(C=1 / (classifier._DECAY * count), max_iter=5000, tol=1e-10)
    standardised = (x - x.mean(0)) / x.std(0)
    expected = theirs.fit(standardised, labels).predict_proba(standardised)
    np.testing.assert_allclose(found.probabilities(x), expected, atol=2e-3)


def test_it_knows_new_examples_of_its_classes_and_is_the_same_every_time():
    x, labels = clusters(400, 10)
    found = classifier.train(x[:200], labels[:200], 4)
    assert (found.ranks(x[200:], labels[200:]) == 0).mean() > 0.9
    np.testing.assert_array_equal(found.weights, classifier.train(x[:200], labels[:200], 4).weights)


def test_the_rank_of_the_label_is_its_place_in_the_order_of_the_probabilities():
    x, labels = clusters(60, 3)
    found = classifier.train(x, labels, 4)
    labels = np.random.default_rng(1).integers(0, 4, 60)
    order = np.argsort(-found.probabilities(x), 1).tolist()
    expected = [classes.index(label) for classes, label in paired(order, labels)]
    assert found.ranks(x, labels).tolist() == expected and set(expected) == {0, 1, 2, 3}
    undecided = dataclasses.replace(found, weights=found.weights * 0, bias=found.bias * 0)
    assert undecided.ranks(x, labels).tolist() == [3] * 60


def test_a_feature_that_hardly_moved_does_not_decide():
    x, labels = clusters(100, 5)
    still = np.concatenate([x, np.full([100, 1], 3.0)], 1)
    found = classifier.train(still, labels, 4)
    moved = still + [0, 0, 0, 0, 0, 1.0]
    np.testing.assert_allclose(found.probabilities(moved), found.probabilities(still), atol=1e-6)


def test_a_class_without_photos_is_never_said():
    x, labels = clusters(80, 5)
    assert classifier.train(x, labels, 6).probabilities(x).argmax(1).max() == 3


def test_inception_score_is_between_one_and_the_number_of_classes():
    assert classifier.inception_score(np.eye(5)) == pytest.approx(5)
    assert classifier.inception_score(np.full([7, 5], 0.2)) == pytest.approx(1)
    assert classifier.inception_score(np.eye(5)[[1, 1, 1]]) == pytest.approx(1)
    half = np.array([[0.75, 0.25], [0.25, 0.75]])
    assert classifier.inception_score(half) == pytest.approx(
        np.exp(0.75 * np.log(1.5) + 0.25 * np.log(0.5))
    )
