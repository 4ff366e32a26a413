"""Distances of pictures, against scikit-image's."""

from __future__ import annotations

import numpy as np
import pytest
from skimage import metrics

from sketch2img_tf.evaluation.metrics.pixel_metrics import intensities, l1, psnr, ssim


@pytest.fixture(scope="module")
def pair():
    """Soft random pictures, and the same with noise, more in each; float64 [5, 32, 40, 3]."""
    rng = np.random.default_rng(0)
    pictures = np.kron(rng.random((5, 8, 10, 3)), np.ones([1, 4, 4, 1]))
    noise = rng.normal(size=pictures.shape) * np.linspace(0.02, 0.5, 5).reshape(5, 1, 1, 1)
    return pictures, np.clip(pictures + noise, 0, 1)


def test_psnr_is_scikit_images(pair):
    theirs = [metrics.peak_signal_noise_ratio(*one, data_range=1) for one in zip(*pair)]
    np.testing.assert_allclose(psnr(*pair), theirs, rtol=1e-12)


def test_ssim_is_scikit_images(pair):
    options = dict(gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=1, channel_axis=-1)
    theirs = [metrics.structural_similarity(*one, **options) for one in zip(*pair)]
    np.testing.assert_allclose(ssim(*pair), theirs, rtol=1e-9)
    assert np.all(np.diff(ssim(*pair)) < 0)


def test_equal_pictures(pair):
    same = pair[0], pair[0].copy()
    assert np.all(l1(*same) == 0) and np.all(np.isposinf(psnr(*same)))
    np.testing.assert_allclose(ssim(*same), 1)


def test_l1_of_a_picture_that_is_lighter_is_by_how_much():
    pixels = np.full([2, 16, 16, 3], 51, np.uint8)
    lighter = np.stack([pixels[0], pixels[0] + np.uint8(102)])
    np.testing.assert_allclose(l1(intensities(pixels), intensities(lighter)), [0, 0.4])
    np.testing.assert_allclose(psnr(intensities(pixels), intensities(lighter))[1], -20 * np.log10(0.4))


@pytest.mark.parametrize("metric", [l1, psnr, ssim])
def test_a_picture_is_scored_alone(metric, pair):
    one_by_one = [metric(pair[0][i : i + 1], pair[1][i : i + 1])[0] for i in range(5)]
    np.testing.assert_array_equal(metric(*pair), one_by_one)
