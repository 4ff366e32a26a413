"""Distances of pictures, against their definitions in NumPy."""

from __future__ import annotations

import numpy as np
import pytest

from sketch2img_tf.data.preprocessing import measured_intensities
from sketch2img_tf.evaluation.metrics.pixel_metrics import l1, psnr, ssim


@pytest.fixture(scope="module")
def pair():
    """Soft random pictures, and the same with noise, more in each; float64 [5, 32, 40, 3]."""
    rng = np.random.default_rng(0)
    pictures = np.kron(rng.random((5, 8, 10, 3)), np.ones([1, 4, 4, 1]))
    noise = rng.normal(size=pictures.shape) * np.linspace(0.02, 0.5, 5).reshape(5, 1, 1, 1)
    return pictures, np.clip(pictures + noise, 0, 1)


def test_psnr_is_by_definition(pair):
    np.testing.assert_allclose(
        psnr(*pair), -10 * np.log10(((pair[0] - pair[1]) ** 2).mean((1, 2, 3))), rtol=1e-12
    )


def test_ssim_is_by_definition(pair):
    """The paper's equation 13, with C3 = C2 / 2, in windows that lie inside the picture."""
    (mean, real_mean) = map(_windows, pair)
    (square, real_square) = (_windows(each**2) for each in pair)
    variance, real_variance = square - mean**2, real_square - real_mean**2
    covariance = _windows(pair[0] * pair[1]) - mean * real_mean
    luminance = (2 * mean * real_mean + 0.01**2) / (mean**2 + real_mean**2 + 0.01**2)
    structure = (2 * covariance + 0.03**2) / (variance + real_variance + 0.03**2)
    np.testing.assert_allclose(ssim(*pair), (luminance * structure).mean((1, 2, 3)), rtol=1e-9)
    assert np.all(np.diff(ssim(*pair)) < 0)


def _windows(values: np.ndarray) -> np.ndarray:
    """Means over Gaussian windows of 11x11 pixels, [B, H - 10, W - 10, C]."""
    weights = np.exp(-0.5 * (np.arange(-5, 6) / 1.5) ** 2)
    windows = np.lib.stride_tricks.sliding_window_view(values, (11, 11), (1, 2))
    return np.einsum("bhwcij,i,j->bhwc", windows, weights / weights.sum(), weights / weights.sum())


def test_equal_pictures(pair):
    same = pair[0], pair[0].copy()
    assert np.all(l1(*same) == 0) and np.all(np.isposinf(psnr(*same)))
    np.testing.assert_allclose(ssim(*same), 1)


def test_l1_of_a_picture_that_is_lighter_is_by_how_much():
    pixels = np.full([2, 16, 16, 3], 51, np.uint8)
    lighter = np.stack([pixels[0], pixels[0] + np.uint8(102)])
    pair = measured_intensities(pixels), measured_intensities(lighter)
    np.testing.assert_allclose(l1(*pair), [0, 0.4])
    np.testing.assert_allclose(psnr(*pair)[1], -20 * np.log10(0.4))


@pytest.mark.parametrize("metric", [l1, psnr, ssim])
def test_a_picture_is_scored_alone(metric, pair):
    one_by_one = [metric(pair[0][i : i + 1], pair[1][i : i + 1])[0] for i in range(5)]
    np.testing.assert_array_equal(metric(*pair), one_by_one)
