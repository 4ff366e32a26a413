"""Compares pictures with the real ones by pixels and by windows. NumPy, float64, per picture.

Axes: B batch, H, W height and width, C channels.
"""

from __future__ import annotations

import numpy as np
from skimage import metrics


def l1(pictures: np.ndarray, reals: np.ndarray) -> np.ndarray:
    """Mean absolute difference, [B], of intensities in [0, 1], [B, H, W, C]."""
    return np.abs(pictures - reals).mean((1, 2, 3))


def psnr(pictures: np.ndarray, reals: np.ndarray) -> np.ndarray:
    """Peak signal-to-noise ratio, dB, [B], of intensities in [0, 1], [B, H, W, C]; inf if equal."""
    with np.errstate(divide="ignore"):
        return np.array(
            [metrics.peak_signal_noise_ratio(*pair, data_range=1) for pair in zip(reals, pictures)]
        )


def ssim(pictures: np.ndarray, reals: np.ndarray) -> np.ndarray:
    """Structural similarity, [B], at most 1, of intensities in [0, 1], [B, H, W, C].

    It is the mean over the channels.

    Z. Wang et al., "Image Quality Assessment: From Error Visibility to Structural Similarity",
    2004: Gaussian windows of 11x11 pixels, with a deviation of 1.5, that lie inside the picture;
    K1 = 0.01, K2 = 0.03.
    """
    options = dict(
        gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=1, channel_axis=-1
    )
    return np.array(
        [metrics.structural_similarity(*pair, **options) for pair in zip(reals, pictures)]
    )
