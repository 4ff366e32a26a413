"""Each loss on pairs worked by hand."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import tensorflow as tf

from sketch2img_tf.training import losses


def _pictures(*values: float) -> tf.Tensor:
    """One picture, 2x2 of three channels, of each value."""
    return tf.reshape(tf.repeat(tf.constant(values), 12), [-1, 2, 2, 3])


def test_adversarial():
    """A logit of ln 3 says that the picture is real with probability 3/4."""
    logits = tf.constant([0.0, math.log(3), math.log(3), math.log(3)])
    values = losses.adversarial(logits, [1.0, 1.0, 0.0, 0.9])
    mixed = -0.9 * math.log(3 / 4) - 0.1 * math.log(1 / 4)
    np.testing.assert_allclose(
        values, [math.log(2), math.log(4 / 3), math.log(4), mixed], rtol=1e-5
    )


def test_adversarial_takes_one_target_for_all():
    np.testing.assert_allclose(
        losses.adversarial(tf.constant([0.0, math.log(3)]), 1.0), np.log([2, 4 / 3]), rtol=1e-5
    )


def test_adversarial_gives_the_generator_a_slope_where_it_is_found_out():
    """Non-saturating: at a logit of -20 the derivative towards real is -1, not about 0."""
    logits = tf.constant([-20.0])
    with tf.GradientTape() as tape:
        tape.watch(logits)
        value = losses.adversarial(logits, 1.0)
    np.testing.assert_allclose(tape.gradient(value, logits), [-1.0], rtol=1e-6)


def test_hinge():
    """Real is pushed up to 1, fake down to -1, and no further; a
    target of 0.75 is three parts of real.
    """
    logits = tf.constant([0.5, 3.0, -2.0, 0.5, -3.0, 0.0, 2.0])
    values = losses.hinge(logits, [1.0, 1.0, 1.0, 0.0, 0.0, 0.75, 0.75])
    np.testing.assert_allclose(values, [0.5, 0.0, 3.0, 1.5, 0.0, 1.0, 0.75], rtol=1e-6)


def test_hinge_generator():
    np.testing.assert_array_equal(losses.hinge_generator(tf.constant([0.5, -3.0])), [-0.5, 3.0])


def test_focal_classification():
    """Probabilities 5/8 and 1/8 of the label: the log of each, times (3/8)^2 and (7/8)^2."""
    class_logits = tf.math.log([[1.0, 2.0, 5.0], [1.0, 2.0, 5.0]])
    values = losses.classification(class_logits, [2, 0], focal_gamma=2.0)
    np.testing.assert_allclose(values, [9 / 64 * np.log(8 / 5), 49 / 64 * np.log(8)], rtol=1e-5)


@pytest.mark.parametrize("gamma", [0.5, 2.0])
def test_focal_classification_of_what_is_certain_is_zero_with_a_finite_gradient(gamma):
    class_logits = tf.constant([[200.0, 0.0], [0.0, 0.0]])
    with tf.GradientTape() as tape:
        tape.watch(class_logits)
        values = losses.classification(class_logits, [0, 0], gamma)
    assert float(values[0]) == 0.0
    gradient = tape.gradient(values, class_logits).numpy()
    assert (
        np.all(np.isfinite(gradient))
        and np.all(np.abs(gradient[0]) < 1e-5)
        and np.all(np.abs(gradient[1]) > 0.1)
    )


def test_classification():
    """Logits ln 1, ln 2, ln 5 are probabilities 1/8, 2/8, 5/8."""
    class_logits = tf.math.log([[1.0, 2.0, 5.0], [1.0, 2.0, 5.0]])
    np.testing.assert_allclose(
        losses.classification(class_logits, [2, 0]), np.log([8 / 5, 8]), rtol=1e-5
    )


def test_supervised():
    fake, real = _pictures(0.5, -1.0).numpy(), _pictures(0.25, 1.0)
    fake[0, 0, 0] = 1.0  # a quarter of the first picture differs by 0.75 instead of 0.25
    np.testing.assert_allclose(losses.supervised(fake, real), [0.375, 2.0], rtol=1e-6)


def test_perceptual_is_the_sum_of_the_means_of_the_layers():
    """A layer counts by its mean, however many features it has."""
    fake = [_pictures(1.0, 2.0), tf.fill([2, 1, 1, 7], 3.0)]
    real = [_pictures(0.5, 4.0), tf.fill([2, 1, 1, 7], 2.0)]
    np.testing.assert_allclose(losses.perceptual(fake, real), [0.5 + 1.0, 2.0 + 1.0], rtol=1e-6)


def test_perceptual_layers_count_in_their_units():
    fake = [_pictures(1.0, 2.0), tf.fill([2, 1, 1, 7], 3.0)]
    real = [_pictures(0.5, 4.0), tf.fill([2, 1, 1, 7], 2.0)]
    np.testing.assert_allclose(
        losses.perceptual(fake, real, [2.0, 10.0]), [0.25 + 0.1, 1.0 + 0.1], rtol=1e-6
    )


def test_energy_score():
    """Distances of 1 and 3 to the photo, and of 2.5 between the two: 2 less 1.25."""
    np.testing.assert_allclose(
        losses.energy_score(*map(tf.constant, ([1.0], [3.0], [2.5]))), [0.75]
    )


def test_energy_score_is_least_for_draws_that_are_spread_as_the_photos_are():
    """One pixel that is white in a share p of the photos, and in a share q of
    the draws: the mean over all cases.
    """
    white = np.linspace(0, 1, 21)
    for p in (0.0, 0.25, 0.7):
        expected, apart = np.zeros(21), np.zeros(21)
        for x, other, y in itertools.product((0.0, 1.0), repeat=3):
            share = np.abs(1 - x - white) * np.abs(1 - other - white) * abs(1 - y - p)
            to_real = losses.supervised(_pictures(x), _pictures(y))
            other_to_real = losses.supervised(_pictures(other), _pictures(y))
            between = losses.supervised(_pictures(x), _pictures(other))
            expected += share * losses.energy_score(to_real, other_to_real, between).numpy()
            apart += share * to_real.numpy()
        assert white[np.argmin(expected)] == pytest.approx(p)
        assert white[np.argmin(apart)] == round(p)


NOISE = tf.constant([[0.0, 0.0], [1.0, 1.0]])
OTHER_NOISE = tf.constant([[3.0, 4.0], [1.0, 1.5]])  # at distances 5 and 0.5


def test_diversity_is_minus_the_slope():
    values = losses.diversity(_pictures(0.5, 0.0), _pictures(0.0, -1.0), NOISE, OTHER_NOISE)
    np.testing.assert_allclose(values, [-0.1, -2.0], rtol=1e-5)


def test_diversity_takes_the_distance_over_all_axes_of_the_noise():
    noise = tf.zeros([1, 2, 2, 4])
    values = losses.diversity(_pictures(1.0), _pictures(0.0), noise, noise + 0.5)
    np.testing.assert_allclose(values, [-1.0 / 2.0], rtol=1e-5)  # sqrt(16 * 0.25) = 2


def test_diversity_distance_leaves_out_the_division():
    values = losses.diversity_distance(_pictures(0.5, 0.0), _pictures(0.0, -1.0))
    np.testing.assert_allclose(values, [-0.5, -1.0], rtol=1e-6)


def test_diversity_of_equal_noises_is_finite_with_a_finite_gradient():
    photos, noise = _pictures(0.5), tf.ones([1, 2])
    with tf.GradientTape() as tape:
        tape.watch([photos, noise])
        value = losses.diversity(photos, _pictures(0.5), noise, noise)
    assert np.all(np.isfinite(value))
    assert all(np.all(np.isfinite(gradient)) for gradient in tape.gradient(value, [photos, noise]))


PAIRS = {
    "adversarial": lambda a, b: losses.adversarial(a[:, 0, 0, 0], 1.0),
    "classification": lambda a, b: losses.classification(
        a[:, 0, 0], tf.zeros(tf.shape(a)[0], tf.int64)
    ),
    "hinge": lambda a, b: losses.hinge(a[:, 0, 0, 0], 0.25),
    "hinge_generator": lambda a, b: losses.hinge_generator(a[:, 0, 0, 0]),
    "focal": lambda a, b: losses.classification(
        a[:, 0, 0], tf.zeros(tf.shape(a)[0], tf.int64), 2.0
    ),
    "supervised": losses.supervised,
    "perceptual": lambda a, b: losses.perceptual([a, 2 * a], [b, b]),
    "energy_score": lambda a, b: losses.energy_score(a[:, 0, 0, 0], b[:, 0, 0, 0], a[:, 0, 0, 1]),
    "diversity": lambda a, b: losses.diversity(a, b, a + 1, 3 * b),
    "diversity_distance": losses.diversity_distance,
}


@pytest.mark.parametrize("loss", PAIRS.values(), ids=PAIRS.keys())
def test_value_of_an_example_is_its_own(loss):
    """A batch gives what its examples give alone: nothing is summed or averaged over the batch."""
    generator = np.random.default_rng(0)
    a, b = (tf.constant(generator.normal(size=[3, 2, 2, 3]), tf.float32) for _ in range(2))
    alone = [float(loss(a[i : i + 1], b[i : i + 1])[0]) for i in range(3)]
    values = loss(a, b)
    assert values.dtype == tf.float32 and values.shape == [3]
    np.testing.assert_allclose(values, alone, rtol=1e-5)
