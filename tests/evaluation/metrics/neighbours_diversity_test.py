"""Nearest photos and pairs of pictures, against loops."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from sketch2img_tf.evaluation.metrics import diversity
from sketch2img_tf.evaluation.metrics.neighbours import nearest


def test_nearest_is_that_of_all():
    rng = np.random.default_rng(0)
    x, others = rng.random((300, 7)), rng.random((40, 7))
    distances, numbers = nearest(x, others)
    each = np.sqrt(((x[:, np.newaxis] - others) ** 2).mean(-1))
    np.testing.assert_allclose(distances, each.min(1))
    np.testing.assert_array_equal(numbers, each.argmin(1))


def test_a_remembered_photo_has_no_distance():
    others = np.random.default_rng(1).random((40, 700)).astype(np.float32)
    distances, numbers = nearest(others[[7, 3]], others)
    assert distances.tolist() == [0, 0] and numbers.tolist() == [7, 3]


def test_pairs_are_those_of_one_sketch():
    pictures = np.arange(12).reshape(3, 4, 1)
    found = sorted(zip(*(one.ravel().tolist() for one in diversity.pairs(pictures))))
    assert found == sorted(
        pair for of_one in pictures[..., 0].tolist() for pair in itertools.combinations(of_one, 2)
    )


def test_coarse_differences_are_those_of_whole_places():
    """Noise of a mean of zero in every square of 8 pixels is a difference of pixels alone."""
    grey = np.full([1, 64, 64, 3], 0.4)
    noisy = grey.copy()
    noisy[:, ::2], noisy[:, 1::2] = 0.3, 0.5
    lighter = grey + 0.1
    assert diversity.mean_distance(grey, noisy) == pytest.approx(0.1)
    assert diversity.mean_distance(
        diversity.coarse(grey), diversity.coarse(noisy)
    ) == pytest.approx(0)
    assert diversity.mean_distance(
        diversity.coarse(grey), diversity.coarse(lighter)
    ) == pytest.approx(0.1)
