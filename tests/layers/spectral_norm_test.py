"""Spectral normalisation against the singular values that NumPy finds."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from sketch2img_tf.layers.mru import MRU
from sketch2img_tf.layers.spectral_norm import SpectralConv2D, power_iteration
from tests.paired import paired

pytestmark = pytest.mark.usefixtures("seeded")

INPUTS, FILTERS = 3, 5


def _layer(converged: bool = True, **settings) -> SpectralConv2D:
    layer = SpectralConv2D(FILTERS, 3, **settings)
    layer.build([None, None, None, INPUTS])
    layer.kernel.assign(np.random.default_rng(0).normal(size=layer.kernel.shape))
    for _ in range(300 if converged else 0):
        layer.power_iteration()
    return layer


def _matrix(layer: SpectralConv2D) -> np.ndarray:
    return layer.kernel.numpy().astype(np.float64).reshape(-1, layer.filters)


def _unit(vector: np.ndarray) -> np.ndarray:
    return vector / np.linalg.norm(vector)


def test_norm_is_the_largest_singular_value():
    layer = _layer()
    np.testing.assert_allclose(
        layer.spectral_norm(), np.linalg.svd(_matrix(layer))[1][0], rtol=1e-5
    )


def test_normalized_kernel_has_the_same_singular_vectors_and_norm_one():
    layer = _layer()
    values = np.linalg.svd(_matrix(layer))[1]
    normalized = np.linalg.svd(layer.normalized_kernel().numpy().reshape(-1, FILTERS))[1]
    np.testing.assert_allclose(normalized, values / values[0], rtol=1e-5)


def test_one_power_iteration_is_one_multiplication_by_the_gram_matrix():
    layer = _layer(converged=False)
    matrix, u = _matrix(layer), layer.u.numpy()
    layer.power_iteration()
    np.testing.assert_allclose(layer.u, _unit(matrix.T @ (matrix @ u)), atol=1e-6)


def test_estimate_grows_towards_the_norm_from_below():
    layer = _layer(converged=False)
    estimates = []
    for _ in range(20):
        estimates.append(float(layer.spectral_norm()))
        layer.power_iteration()
    assert np.all(np.diff(estimates) > -1e-5)
    assert estimates[0] < estimates[-1] <= np.linalg.svd(_matrix(layer))[1][0] * (1 + 1e-6)


def test_u_starts_as_a_unit_vector_that_is_not_trained():
    layer = _layer(converged=False)
    np.testing.assert_allclose(np.linalg.norm(layer.u), 1.0, rtol=1e-5)
    assert [weight.name for weight in layer.trainable_weights] == ["kernel:0", "bias:0"]
    assert [weight.name for weight in layer.non_trainable_weights] == ["u:0"]


def _loss_of_kernel(kernel: np.ndarray, direction: np.ndarray) -> float:
    """sum(direction * W / sigma(W)), sigma by SVD in float64."""
    sigma = np.linalg.svd(kernel.reshape(-1, FILTERS))[1][0]
    return float(np.sum(direction * kernel / sigma))


def _gradient(layer: SpectralConv2D, direction: np.ndarray) -> np.ndarray:
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(tf.constant(direction, tf.float32) * layer.normalized_kernel())
    return tape.gradient(loss, layer.kernel).numpy()


def test_gradient_is_that_of_the_kernel_over_its_norm():
    """Central differences of W / sigma(W): sigma's own dependence on W is part of the gradient."""
    layer = _layer()
    kernel = layer.kernel.numpy().astype(np.float64)
    direction = np.random.default_rng(1).normal(size=kernel.shape)
    expected = np.zeros_like(kernel)
    for index in np.ndindex(*kernel.shape):
        step = np.zeros_like(kernel)
        step[index] = 1e-5
        difference = _loss_of_kernel(kernel + step, direction) - _loss_of_kernel(
            kernel - step, direction
        )
        expected[index] = difference / 2e-5
    np.testing.assert_allclose(_gradient(layer, direction), expected, atol=1e-4)


def test_gradient_before_convergence_holds_u_fixed():
    """Equation 12 of the paper with the current vectors: (A - <A, W / sigma> v u') / sigma."""
    layer = _layer(converged=False)
    direction = np.random.default_rng(1).normal(size=layer.kernel.shape)
    matrix, u = _matrix(layer), layer.u.numpy()
    v, sigma = _unit(matrix @ u), np.linalg.norm(matrix @ u)
    flat = direction.reshape(matrix.shape)
    expected = (flat - np.sum(flat * matrix / sigma) * np.outer(v, u)) / sigma
    np.testing.assert_allclose(
        _gradient(layer, direction).reshape(matrix.shape), expected, rtol=1e-3, atol=1e-5
    )


@pytest.mark.parametrize("strides", [1, 2])
def test_call_is_the_convolution_by_the_normalized_kernel(strides):
    layer = _layer(strides=strides)
    layer.bias.assign(np.arange(FILTERS))
    x = np.random.default_rng(2).normal(size=[2, 6, 6, INPUTS]).astype(np.float32)
    kernel = layer.kernel.numpy() / np.linalg.svd(_matrix(layer))[1][0]
    expected = tf.nn.conv2d(x, kernel, strides, "SAME") + np.arange(FILTERS, dtype=np.float32)
    np.testing.assert_allclose(layer(x), expected, rtol=1e-4, atol=1e-5)


def test_call_and_its_gradient_change_no_variable():
    layer = _layer(converged=False)
    before = [weight.numpy() for weight in layer.weights]
    for _ in range(3):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(layer(tf.ones([1, 4, 4, INPUTS])))
        tape.gradient(loss, layer.trainable_weights)
    for weight, value in paired(layer.weights, before):
        np.testing.assert_array_equal(weight, value, err_msg=weight.name)


def test_kernel_of_zeros_has_a_finite_gradient():
    layer = _layer(converged=False)
    layer.kernel.assign(tf.zeros_like(layer.kernel))
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(layer(tf.ones([1, 4, 4, INPUTS])))
    assert np.all(np.isfinite(tape.gradient(loss, layer.kernel)))
    layer.power_iteration()
    assert np.all(np.isfinite(layer.u))


def test_norm_is_computed_in_float32_under_mixed_precision():
    layer = _layer(dtype=tf.keras.mixed_precision.Policy("mixed_bfloat16"))
    assert layer.spectral_norm().dtype == tf.float32
    np.testing.assert_allclose(
        layer.spectral_norm(), np.linalg.svd(_matrix(layer))[1][0], rtol=1e-5
    )
    assert layer(tf.ones([1, 4, 4, INPUTS])).dtype == tf.bfloat16


def test_power_iteration_of_a_network_reaches_every_layer_once():
    network = tf.keras.Sequential([SpectralConv2D(4, 3), _Blocks()])
    network(tf.zeros([1, 4, 4, 2]))
    layers = [module for module in network.submodules if isinstance(module, SpectralConv2D)]
    assert len(layers) == 1 + 4
    expected = [_unit(_matrix(layer).T @ (_matrix(layer) @ layer.u.numpy())) for layer in layers]
    power_iteration(network)
    for layer, u in paired(layers, expected):
        np.testing.assert_allclose(layer.u, u, atol=1e-6)


class _Blocks(tf.keras.layers.Layer):
    def __init__(self):
        super().__init__()
        self.blocks = [MRU(3, spectral=True)]

    def call(self, x):
        return self.blocks[0]((x, x))
