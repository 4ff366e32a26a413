"""Distances between sets of features: known Gaussians, loops over all pairs,
and other people's implementations.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from unittest import mock

import numpy as np
import pytest
from scipy import linalg
from sklearn.metrics import pairwise

from sketch2img_tf.evaluation.metrics.distances import frechet_distance, kernel_distance


def gaussian(rng, count, mean, scale):
    return rng.normal(size=(count, len(mean))) * scale + mean


def exactly(rng, count, mean, covariance):
    """Points, float64 [count, C], whose mean and sample covariance are these."""
    points = rng.normal(size=(count, len(mean)))
    points -= points.mean(0)
    points = points @ np.linalg.inv(np.linalg.cholesky(np.cov(points.T))).T
    return points @ np.linalg.cholesky(covariance).T + mean


def by_matrix_root(features, real_features):
    """The formula as it is written, with SciPy's root of a matrix."""
    covariances = [np.cov(values.T) for values in (features, real_features)]
    root = linalg.sqrtm(covariances[0] @ covariances[1]).real
    difference = features.mean(0) - real_features.mean(0)
    return difference @ difference + np.trace(covariances[0] + covariances[1] - 2 * root)


def mmd_by_loops(x, y):
    """The unbiased estimate of the squared maximum mean discrepancy, pair by pair."""

    def kernel(a, b):
        return (float(np.dot(a, b)) / len(a) + 1) ** 3

    within = [
        np.mean(
            [
                kernel(values[i], values[j])
                for i in range(len(values))
                for j in range(len(values))
                if i != j
            ]
        )
        for values in (x, y)
    ]
    return sum(within) - 2 * np.mean([kernel(a, b) for a in x for b in y])


def test_frechet_of_gaussians_is_the_formula_worked_by_hand():
    """Means 3 and 4 apart; variances 4 against 1 and 9 against 25: 25 + (2 - 1)^2 + (3 - 5)^2."""
    rng = np.random.default_rng(0)
    x = exactly(rng, 50, np.array([0.0, 0.0]), np.diag([4.0, 9.0]))
    y = exactly(rng, 70, np.array([3.0, 4.0]), np.diag([1.0, 25.0]))
    assert frechet_distance(x, y) == pytest.approx(25 + 1 + 4, abs=1e-9)
    assert frechet_distance(y, x) == pytest.approx(30, abs=1e-9)


def test_frechet_of_correlated_gaussians_agrees_with_the_root_of_a_matrix():
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(300, 12)) @ rng.normal(size=(12, 12)), rng.normal(size=(200, 12)) + 0.3
    assert frechet_distance(x, y) == pytest.approx(by_matrix_root(x, y), rel=1e-9)


def test_frechet_of_fewer_pictures_than_features_agrees_with_more():
    """Zeros that are added to the features change nothing, and
    the path for few pictures is another.
    """
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=(20, 5)), rng.normal(size=(30, 5)) * 2 + 1
    padded = [np.pad(values, ((0, 0), (0, 60))) for values in (x, y)]
    assert frechet_distance(*padded) == pytest.approx(frechet_distance(x, y), rel=1e-12)
    assert frechet_distance(x, y) == pytest.approx(by_matrix_root(x, y), rel=1e-9)


def test_frechet_of_a_set_with_itself_is_nothing_and_of_one_point_its_variance():
    x = np.random.default_rng(3).normal(size=(40, 100))
    assert frechet_distance(x, x[::-1]) == pytest.approx(0, abs=1e-9)
    point = np.tile(x.mean(0), (5, 1))
    assert frechet_distance(point, x) == pytest.approx(x.var(0, ddof=1).sum(), rel=1e-9)


@pytest.mark.parametrize("features", [3, 40])
def test_kernel_is_the_mean_over_all_pairs(features):
    rng = np.random.default_rng(4)
    x, y = rng.normal(size=(15, features)) + 0.5, rng.normal(size=(11, features))
    assert kernel_distance(x, y).value == pytest.approx(mmd_by_loops(x, y), rel=1e-10)


def test_kernel_agrees_with_another_polynomial_kernel():
    rng = np.random.default_rng(5)
    x, y = rng.normal(size=(1100, 8)), rng.normal(size=(30, 8))  # more than one block of rows
    within_x, within_y, between = (
        pairwise.polynomial_kernel(a, b, degree=3, gamma=1 / 8, coef0=1)
        for a, b in ((x, x), (y, y), (x, y))
    )
    means = [
        (kernel.sum() - np.trace(kernel)) / (len(kernel) * (len(kernel) - 1))
        for kernel in (within_x, within_y)
    ]
    assert kernel_distance(x, y).value == pytest.approx(sum(means) - 2 * between.mean(), rel=1e-9)


def test_kernel_is_unbiased_and_its_error_is_what_it_says():
    """Of equal distributions: zero in the mean however few pictures, and as
    often out by an error as errors are.
    """
    rng = np.random.default_rng(6)
    few = [
        kernel_distance(rng.normal(size=(12, 4)) + 1, rng.normal(size=(9, 4)) + 1)
        for _ in range(400)
    ]
    values = np.array([estimate.value for estimate in few])
    assert abs(values.mean()) < 3 * values.std() / np.sqrt(len(values))
    assert (values < 0).mean() > 0.3


def test_the_error_of_the_kernel_is_that_of_drawing_other_pictures():
    rng = np.random.default_rng(7)
    found = [
        kernel_distance(rng.normal(size=(60, 4)) + 1.5, rng.normal(size=(50, 4))) for _ in range(60)
    ]
    spread = np.std([estimate.value for estimate in found])
    assert np.mean([estimate.error for estimate in found]) == pytest.approx(spread, rel=0.3)


def test_pictures_that_depend_on_each_other_make_the_error_greater():
    rng = np.random.default_rng(8)
    x, y = np.repeat(rng.normal(size=(12, 4)) + 1.5, 5, axis=0), rng.normal(size=(50, 4))
    alone = kernel_distance(x, y)
    together = kernel_distance(x, y, groups=np.repeat(np.arange(12), 5))
    assert together.value == alone.value
    assert together.error > 1.5 * alone.error


def test_the_same_pictures_give_the_same_numbers_in_any_order():
    rng = np.random.default_rng(9)
    x, y = rng.normal(size=(30, 6)), rng.normal(size=(20, 6))
    assert kernel_distance(x, y) == kernel_distance(x.copy(), y.copy())
    shuffled = rng.permutation(30)
    assert kernel_distance(x[shuffled], y).value == pytest.approx(
        kernel_distance(x, y).value, rel=1e-9
    )
    assert frechet_distance(x[shuffled], y) == pytest.approx(frechet_distance(x, y), rel=1e-9)


@pytest.fixture
def torch_fidelity(monkeypatch):
    """The distances of `pip install torch torch-fidelity`, which
    are no requirements of this project.
    """
    for name in ("torch", "torch_fidelity"):
        if importlib.util.find_spec(name) is None:
            pytest.skip(f"needs {name}")
    for name in ("torchvision", "torchvision.datasets", "torchvision.transforms.functional"):
        monkeypatch.setitem(sys.modules, name, mock.MagicMock())  # for its networks alone
    return importlib.import_module("torch_fidelity.metric_fid"), importlib.import_module(
        "torch_fidelity.metric_kid"
    )


@pytest.mark.slow
def test_torch_fidelity_finds_the_same(torch_fidelity):
    metric_fid, metric_kid = torch_fidelity
    rng = np.random.default_rng(10)
    x, y = rng.normal(size=(400, 64)), rng.normal(size=(300, 64)) * 1.2 + 0.1
    moments = [{"mu": values.mean(0), "sigma": np.cov(values.T)} for values in (x, y)]
    theirs = metric_fid.fid_statistics_to_metric(*moments, verbose=False)[
        "frechet_inception_distance"
    ]
    assert frechet_distance(x, y) == pytest.approx(theirs, rel=1e-6)
    as_many = x[:300]
    assert kernel_distance(as_many, y).value == pytest.approx(
        metric_kid.kernel_mmd(as_many, y), rel=1e-9
    )
