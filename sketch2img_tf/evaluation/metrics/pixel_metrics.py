"""How near pictures are to the real ones, pixel by pixel and window by window. NumPy, float64; one value a picture.

Axes: B batch, H, W height and width, C channels.
"""

from __future__ import annotations

import numpy as np

_SIGMA = 1.5
_RADIUS = 5


def intensities(pixels: np.ndarray) -> np.ndarray:
    """Pixels, uint8, to float64 in [0, 1]."""
    return pixels / 255.0


def l1(pictures: np.ndarray, reals: np.ndarray) -> np.ndarray:
    """Mean absolute difference, [B], of intensities in [0, 1], [B, H, W, C]."""
    return np.abs(pictures - reals).mean((1, 2, 3))


def psnr(pictures: np.ndarray, reals: np.ndarray) -> np.ndarray:
    """Peak signal-to-noise ratio, [B], in dB, of intensities in [0, 1], [B, H, W, C]; infinite for equal pictures."""
    with np.errstate(divide="ignore"):
        return -10.0 * np.log10(np.square(pictures - reals).mean((1, 2, 3)))


def ssim(pictures: np.ndarray, reals: np.ndarray) -> np.ndarray:
    """Structural similarity, [B], at most 1, of intensities in [0, 1], [B, H, W, C]: the mean over channels.

    Z. Wang et al., "Image Quality Assessment: From Error Visibility to Structural Similarity", 2004: Gaussian windows
    of 11x11 pixels with a deviation of 1.5, where they lie inside the picture; K1 = 0.01, K2 = 0.03.
    """
    mean, real_mean = _windows(pictures), _windows(reals)
    variance = _windows(pictures**2) - mean**2
    real_variance = _windows(reals**2) - real_mean**2
    covariance = _windows(pictures * reals) - mean * real_mean
    luminance = (2 * mean * real_mean + 0.01**2) / (mean**2 + real_mean**2 + 0.01**2)
    structure = (2 * covariance + 0.03**2) / (variance + real_variance + 0.03**2)
    return (luminance * structure).mean((1, 2, 3))


def _windows(values: np.ndarray) -> np.ndarray:
    """Means over the windows, [B, H - 10, W - 10, C]."""
    weights = np.exp(-0.5 * (np.arange(-_RADIUS, _RADIUS + 1) / _SIGMA) ** 2)
    weights /= weights.sum()
    for axis in (1, 2):
        inside = values.shape[axis] - 2 * _RADIUS
        values = sum(weight * values.take(range(at, at + inside), axis) for at, weight in enumerate(weights))
    return values
