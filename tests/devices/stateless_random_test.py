"""Random numbers: of the distributions that they are said to
be of, and the same on every device.
"""

from __future__ import annotations

import functools

import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

from sketch2img_tf.devices import stateless_random

COUNT = 200_000
SEED = tf.constant([3, 7], tf.int64)


@functools.cache
def _compiled(shape: tuple[int, ...]):
    """From a seed to uniform numbers, integers and normal numbers of this shape, by XLA."""

    def drawn(seed):
        return (
            stateless_random.uniform(shape, seed),
            stateless_random.integers(shape, seed, -8, 9),
            stateless_random.normal(shape, seed),
        )

    return tf.function(drawn, jit_compile=True)


@pytest.mark.parametrize("seed", [[3, 7], [-5, 2**31 - 1], [0, 0]])
@pytest.mark.parametrize("shape", [(), (5,), (16, 8, 3)])
def test_xla_draws_the_same(seed, shape):
    """TensorFlow's own uniform and normal numbers are others under XLA. Normal
    ones go through logarithm and cosine.
    """
    seed = stateless_random.fold_in(tf.constant(seed, tf.int64), 11)
    uniform, integers, normal = _compiled(shape)(seed)
    np.testing.assert_array_equal(uniform, stateless_random.uniform(shape, seed))
    np.testing.assert_array_equal(integers, stateless_random.integers(shape, seed, -8, 9))
    np.testing.assert_allclose(normal, stateless_random.normal(shape, seed), atol=1e-5)


@pytest.mark.parametrize(
    "drawn, distribution",
    [
        (stateless_random.uniform([COUNT], SEED), stats.uniform()),
        (stateless_random.uniform([COUNT], SEED, -0.5, 1.5), stats.uniform(-0.5, 2.0)),
        (stateless_random.normal([COUNT], SEED), stats.norm()),
    ],
    ids=["uniform", "uniform within bounds", "normal"],
)
def test_they_are_of_their_distribution(drawn, distribution):
    assert drawn.dtype == tf.float32
    assert stats.kstest(drawn.numpy(), distribution.cdf).pvalue > 0.01
    ordered = np.corrcoef(drawn[:-1], drawn[1:])[0, 1]
    assert abs(ordered) < 4 / COUNT**0.5


def test_uniform_numbers_reach_neither_1_nor_below_0_and_normal_ones_are_finite():
    uniform = stateless_random.uniform([10 * COUNT], SEED).numpy()
    assert uniform.min() >= 0 and uniform.max() < 1
    assert np.isfinite(stateless_random.normal([10 * COUNT], SEED)).all()


def test_every_integer_is_as_likely():
    found, counts = np.unique(stateless_random.integers([COUNT], SEED, -8, 9), return_counts=True)
    assert list(found) == list(range(-8, 9))
    assert stats.chisquare(counts).pvalue > 0.01


def test_another_seed_draws_others():
    one, other = (
        stateless_random.normal([COUNT], tf.constant(seed, tf.int64)) for seed in ([3, 7], [3, 8])
    )
    assert abs(np.corrcoef(one, other)[0, 1]) < 4 / COUNT**0.5
