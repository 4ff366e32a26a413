"""Adam as configured: its rate over the steps, and gradients of a bounded length."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from sketch2img_tf.config import TrainingConfig
from sketch2img_tf.training.optimization import dense, learning_rate_factor, make_adam


def _factors(**options) -> list[float]:
    training = TrainingConfig(train_steps=8, **options)
    return [float(learning_rate_factor(tf.constant(done, tf.int64), training)) for done in range(8)]


def test_learning_rate_falls_in_a_straight_line_after_the_start_to_the_fraction_at_the_last_step():
    found = _factors(decay_start_step=4, final_learning_rate_fraction=0.2)
    np.testing.assert_allclose(found, [1, 1, 1, 1, 0.8, 0.6, 0.4, 0.2], rtol=1e-6)


def test_learning_rate_may_fall_from_the_first_step_and_to_nothing():
    np.testing.assert_allclose(
        _factors(final_learning_rate_fraction=0.0), np.arange(7, -1, -1) / 8, atol=1e-7
    )


def test_learning_rate_stays_when_the_last_step_is_past():
    training = TrainingConfig(train_steps=8, final_learning_rate_fraction=0.2)
    np.testing.assert_allclose(
        learning_rate_factor(tf.constant(20, tf.int64), training), 0.2, rtol=1e-6
    )


def test_betas():
    adam = make_adam(1e-3, TrainingConfig(adam_beta_1=0.5, adam_beta_2=0.9))
    assert (adam.beta_1, adam.beta_2, float(adam.learning_rate)) == (0.5, 0.9, pytest.approx(1e-3))
    assert make_adam(1e-3, TrainingConfig()).beta_2 == 0.999


@pytest.mark.parametrize("jit_compile", [False, True])
def test_steps_are_those_of_the_papers_algorithm(jit_compile):
    """Kingma and Ba, "Adam", 2015, algorithm 1, in the order of
    computation of its section 2, in NumPy.
    """
    training = TrainingConfig(adam_beta_1=0.5, adam_beta_2=0.9)
    gradients = np.random.default_rng(0).normal(size=[4, 3, 2]).astype(np.float32)
    gradients[:, 0] *= 1e-7  # so that the epsilon counts
    variable, adam = tf.Variable(tf.ones([3, 2])), make_adam(1e-2, training)
    adam.build([variable])
    step = tf.function(
        lambda gradient: adam.apply_gradients([(gradient, variable)]), jit_compile=jit_compile
    )
    expected, m, v = np.ones([3, 2]), 0.0, 0.0
    for number, gradient in enumerate(gradients, 1):
        step(gradient)
        m, v = 0.5 * m + 0.5 * gradient, 0.9 * v + 0.1 * gradient**2
        expected -= 1e-2 * np.sqrt(1 - 0.9**number) / (1 - 0.5**number) * m / (np.sqrt(v) + 1e-8)
        np.testing.assert_allclose(variable, expected, rtol=1e-5)
    assert int(adam.iterations) == 4


def _first_moments(clip_norm: float) -> np.ndarray:
    """What Adam makes of a plain gradient and that of an embedding of which two examples share row
    1.

    With beta_1 = 0 the first moment is the gradient itself.
    """
    kernel, rows = tf.Variable([1.0, 2.0]), tf.Variable(tf.ones([3, 2]))
    adam = make_adam(1e-3, TrainingConfig(adam_beta_1=0.0, gradient_clip_norm=clip_norm))
    with tf.GradientTape() as tape:
        read = tf.gather(rows, [1, 1, 2])
        value = tf.reduce_sum(kernel * [3.0, 4.0]) + tf.reduce_sum(
            read * [[1.0, 2.0], [2.0, 2.0], [0.0, -12.0]]
        )
    gradients = tape.gradient(value, [kernel, rows])
    assert isinstance(gradients[1], tf.IndexedSlices)
    adam.apply_gradients(zip(dense(gradients), [kernel, rows]))
    return np.concatenate(
        [np.ravel(variable) for variable in adam.variables if "m" in variable.name.split("/")]
    )


GRADIENT = np.array([3.0, 4.0, 0.0, 0.0, 3.0, 4.0, 0.0, -12.0])  # 194 = 5^2 + 5^2 + 12^2


@pytest.mark.parametrize("clip_norm", [0.0, 1.0, 13.9, 14.0])
def test_gradient_is_scaled_down_to_the_norm_where_it_is_longer(clip_norm):
    """Its length is that of the embedding's summed rows,
    sqrt(194) = 13.93, not of the rows apart.
    """
    length = np.linalg.norm(GRADIENT)
    expected = GRADIENT * (clip_norm / length if 0 < clip_norm < length else 1.0)
    np.testing.assert_allclose(_first_moments(clip_norm), expected, rtol=1e-5)


def test_dense_keeps_what_is_not_there():
    assert dense([None])[0] is None
