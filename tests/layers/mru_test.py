"""The Masked Residual Unit: its gates forced open and shut, and its equations in NumPy."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from sketch2img_tf.layers.mru import LEAKY_SLOPE, MRU, NORMALIZATIONS
from sketch2img_tf.layers.normalization import EPSILON, InstanceNormalization, NoNormalization
from sketch2img_tf.layers.spectral_norm import SpectralConv2D
from tests.paired import paired

pytestmark = pytest.mark.usefixtures("seeded")

FILTERS, CLASSES = 5, 4
LABELS = np.array([3, 1])
X = np.random.default_rng(0).normal(size=[2, 6, 6, 3]).astype(np.float32)
IMAGE = np.random.default_rng(1).normal(size=[2, 6, 6, 2]).astype(np.float32)
OTHER_X, OTHER_IMAGE = X[:, ::-1] + 0.5, IMAGE[:, :, ::-1] - 0.5


def random_mru(**settings) -> MRU:
    """With variables that are far from their start."""
    layer = MRU(FILTERS, num_classes=CLASSES, **settings)
    layer((X, IMAGE, LABELS), training=False)
    generator = np.random.default_rng(2)
    for weight in layer.trainable_weights:
        weight.assign(generator.normal(0.0, 0.5, size=weight.shape))
    return layer


def _force(gate, value: float) -> None:
    """Makes a gate give `value`, 0, 0.5 or 1, everywhere."""
    gate.kernel.assign(tf.zeros_like(gate.kernel))
    gate.bias.assign(tf.fill(gate.bias.shape, {0.0: -100.0, 0.5: 0.0, 1.0: 100.0}[value]))


def _run(layer, x=X, image=IMAGE) -> np.ndarray:
    return layer((x, image, LABELS), training=True).numpy()


def _conv(layer, x: np.ndarray) -> np.ndarray:
    """A 3x3 convolution with "same" padding, as the sum of nine shifted products."""
    kernel, (height, width) = layer.kernel.numpy(), x.shape[1:3]
    padded = np.pad(x, [(0, 0), (1, 1), (1, 1), (0, 0)])
    shifts = [(row, column) for row in range(3) for column in range(3)]
    products = [padded[:, i : i + height, j : j + width] @ kernel[i, j] for i, j in shifts]
    return sum(products) + (0.0 if layer.bias is None else layer.bias.numpy())


def _norm(layer, x: np.ndarray) -> np.ndarray:
    if isinstance(layer, NoNormalization):
        return x + layer.beta.numpy()
    axes = (1, 2) if isinstance(layer, InstanceNormalization) else (0, 1, 2)
    mean, variance = x.mean(axes, keepdims=True), x.var(axes, keepdims=True)
    gamma, beta = layer.gamma.numpy(), layer.beta.numpy()
    if gamma.ndim == 2:  # one per class
        gamma, beta = gamma[LABELS][:, None, None], beta[LABELS][:, None, None]
        if layer.residual:
            gamma, beta = gamma + layer.shared_gamma.numpy(), beta + layer.shared_beta.numpy()
    return gamma * (x - mean) / np.sqrt(variance + EPSILON) + beta


def _activate(layer, x: np.ndarray) -> np.ndarray:
    return np.maximum(x, 0.0 if layer.activation == "relu" else LEAKY_SLOPE * x)


def _shortcut(layer, x=X) -> np.ndarray:
    return _norm(layer.shortcut_norm, _conv(layer.shortcut, x))


def _candidate(layer, x=X, image=IMAGE) -> np.ndarray:
    masked = np.concatenate([x, image], -1)
    return _activate(layer, _norm(layer.candidate_norm, _conv(layer.candidate, masked)))


EVERY_KIND = pytest.mark.parametrize(
    "settings",
    [
        dict(normalization=normalization, activation=activation)
        for normalization in NORMALIZATIONS
        for activation in ("relu", "leaky_relu")
    ],
    ids=lambda settings: "-".join(settings.values()),
)


@EVERY_KIND
def test_output_gate_shut_gives_the_shortcut_whatever_the_image(settings):
    layer = random_mru(**settings)
    _force(layer.output_gate, 0.0)
    np.testing.assert_allclose(_run(layer), _shortcut(layer), rtol=1e-4, atol=1e-4)
    np.testing.assert_array_equal(_run(layer), _run(layer, image=OTHER_IMAGE))


@EVERY_KIND
def test_output_and_input_gates_open_give_the_candidate_of_features_and_image(settings):
    layer = random_mru(**settings)
    _force(layer.output_gate, 1.0)
    _force(layer.input_gate, 1.0)
    np.testing.assert_allclose(_run(layer), _candidate(layer), rtol=1e-4, atol=1e-4)


@EVERY_KIND
def test_input_gate_shut_hides_the_features_from_the_candidate(settings):
    layer = random_mru(**settings)
    _force(layer.output_gate, 1.0)
    _force(layer.input_gate, 0.0)
    np.testing.assert_allclose(
        _run(layer), _candidate(layer, x=np.zeros_like(X)), rtol=1e-4, atol=1e-4
    )
    np.testing.assert_allclose(_run(layer), _run(layer, x=OTHER_X), atol=1e-5)


def test_gates_half_open_mix_the_branches_in_equal_parts():
    layer = random_mru(normalization="batch")
    _force(layer.output_gate, 0.5)
    _force(layer.input_gate, 0.5)
    expected = 0.5 * _shortcut(layer) + 0.5 * _candidate(layer, x=0.5 * X)
    np.testing.assert_allclose(_run(layer), expected, rtol=1e-4, atol=1e-4)


@EVERY_KIND
def test_equations_with_free_gates(settings):
    layer = random_mru(**settings)
    both = np.concatenate([X, IMAGE], -1)
    m = 1 / (1 + np.exp(-_conv(layer.input_gate, both)))
    n = 1 / (1 + np.exp(-_conv(layer.output_gate, both)))
    expected = (1 - n) * _shortcut(layer) + n * _candidate(layer, x=m * X)
    np.testing.assert_allclose(_run(layer), expected, rtol=1e-4, atol=1e-4)


def test_label_moves_the_output_under_conditional_batch_norm_alone():
    for normalization in NORMALIZATIONS:
        layer = random_mru(normalization=normalization)
        other = layer((X, IMAGE, (LABELS + 1) % CLASSES), training=True).numpy()
        assert (np.abs(other - _run(layer)).max() > 0.01) == ("conditional" in normalization)


def test_spectral_kernels_are_divided_by_their_norms():
    """An MRU with the kernels W / sigma(W) and no spectral norm gives the same."""
    spectral, plain = random_mru(spectral=True), random_mru()
    names = ("input_gate", "output_gate", "candidate", "shortcut")
    for conv in (getattr(spectral, name) for name in names):
        assert isinstance(conv, SpectralConv2D)
        for _ in range(300):
            conv.power_iteration()
    for weight, same in paired(plain.trainable_weights, spectral.trainable_weights):
        matrix = same.numpy().reshape(-1, same.shape[-1])
        weight.assign(same / np.linalg.svd(matrix)[1][0] if "kernel" in weight.name else same)
    np.testing.assert_allclose(_run(spectral), _run(plain), rtol=1e-3, atol=1e-3)


def test_kernels_start_at_deviation_two_hundredths_each_on_its_own():
    layer = MRU(64)
    layer((tf.zeros([1, 4, 4, 64]), tf.zeros([1, 4, 4, 64])))
    kernels = [layer.input_gate.kernel, layer.output_gate.kernel, layer.candidate.kernel]
    for kernel in kernels:
        assert abs(np.mean(kernel)) < 1e-3
        assert abs(np.std(kernel) - 0.02) < 1e-3
    correlations = np.corrcoef([kernel.numpy().ravel() for kernel in kernels]) - np.eye(3)
    assert np.abs(correlations).max() < 0.05


@pytest.mark.parametrize("setting, value", [("activation", "gelu"), ("normalization", "layer")])
def test_unknown_setting_is_quoted(setting, value):
    with pytest.raises(ValueError, match=f"{setting}='{value}': should be one of"):
        MRU(4, **{setting: value})
