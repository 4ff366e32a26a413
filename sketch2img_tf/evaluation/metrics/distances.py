"""Distances between two sets of pictures, from their features. NumPy, float64.

Axes: M, N pictures of the two sets, C features.
"""

from __future__ import annotations

import dataclasses

import numpy as np

_SUBSETS = 100
_BLOCK = 1024  # rows of a kernel matrix that are in memory at once


def frechet_distance(features: np.ndarray, real_features: np.ndarray) -> float:
    """The squared Frechet distance of Gaussians with the means and covariances of the two sets.

    |m1 - m2|^2 + tr(S1 + S2 - 2 (S1 S2)^(1/2)). M. Heusel et al., "GANs Trained by a Two Time-Scale
    Update Rule", 2017, eq. 6.

    Differs from common implementations: the trace of the root is the sum of the singular values of
    A1 A2^T, where S = A^T A. So we need no root of a matrix without full rank, and add nothing to
    its diagonal.

    Args:
      features: [M, C], at least two rows.
      real_features: [N, C], at least two rows.
    """
    (mean, root), (real_mean, real_root) = _moments(features), _moments(real_features)
    trace = np.sum(root**2) + np.sum(real_root**2)
    trace_of_root = np.linalg.svd(root @ real_root.T, compute_uv=False).sum()
    return float(np.sum((mean - real_mean) ** 2) + trace - 2.0 * trace_of_root)


def _moments(features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The mean, [C], and an A, [at most C, C], with A^T A the sample covariance."""
    features = np.asarray(features, np.float64)
    mean = features.mean(0)
    centred = (features - mean) / np.sqrt(len(features) - 1)
    return mean, np.linalg.qr(centred, mode="r") if len(centred) > centred.shape[1] else centred


@dataclasses.dataclass(frozen=True)
class Estimate:
    """A value and its standard error."""

    value: float
    error: float


def kernel_distance(
    features: np.ndarray, real_features: np.ndarray, groups: np.ndarray | None = None, seed: int = 0
) -> Estimate:
    """The squared maximum mean discrepancy under the kernel (x.y / C + 1)^3, unbiased.

    It may be below zero.

    M. Binkowski et al., "Demystifying MMD GANs", 2018, section 3.1. The error is the deviation of
    the same estimate over a hundred random halves of the pictures (J. Shao and C. F. J. Wu, "A
    General Theory for Jackknife Variance Estimation", 1989: deleting a half, the factor is 1).

    Differs from common implementations: the value is that of all pictures, not the mean over small
      subsets.

    Args:
      features: [M, C].
      real_features: [N, C].
      groups: int [M]; pictures of one group depend on each other, such as those of sketches of one
        photo. A half has all pictures of a group or none.
      seed: determines the halves.
    """
    x, y = (np.asarray(values, np.float64) for values in (features, real_features))
    rng = np.random.default_rng(seed)
    groups = np.arange(len(x)) if groups is None else groups
    of_x, of_y = _all_and_halves(groups, rng), _all_and_halves(np.arange(len(y)), rng)
    values = _within(x, of_x) + _within(y, of_y) - 2.0 * _between(x, y, of_x, of_y)
    return Estimate(float(values[0]), float(np.sqrt(np.nanmean((values[1:] - values[0]) ** 2))))


def _all_and_halves(groups: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The members of each subset, float64 [1 + subsets, M], 0 or 1: all, then random halves."""
    names, group = np.unique(groups, return_inverse=True)
    ranks = rng.random([_SUBSETS, len(names)]).argsort(1).argsort(1)
    chosen = np.concatenate([np.ones([1, len(names)], bool), ranks < len(names) / 2])
    return chosen[:, group].astype(np.float64)


def _within(x: np.ndarray, subsets: np.ndarray) -> np.ndarray:
    """For every subset the mean of the kernel over pairs of two different rows, [subsets]."""
    count = subsets.sum(1)
    pairs = _sums(x, x, subsets, subsets) - subsets @ _kernel_of(
        np.einsum("mc,mc->m", x, x), x.shape[1]
    )
    # A subset of one row has no pairs, and its mean is not a number
    with np.errstate(invalid="ignore", divide="ignore"):
        return pairs / (count * (count - 1))


def _between(x: np.ndarray, y: np.ndarray, of_x: np.ndarray, of_y: np.ndarray) -> np.ndarray:
    return _sums(x, y, of_x, of_y) / (of_x.sum(1) * of_y.sum(1))


def _sums(x: np.ndarray, y: np.ndarray, of_x: np.ndarray, of_y: np.ndarray) -> np.ndarray:
    """For every subset the sum of the kernel over its rows of x and its rows of y, [subsets]."""
    total = np.zeros(len(of_x))
    for start in range(0, len(x), _BLOCK):
        block = slice(start, start + _BLOCK)
        kernel = _kernel_of(x[block] @ y.T, x.shape[1])
        total += np.einsum("sm,sm->s", of_x[:, block], of_y @ kernel.T)
    return total


def _kernel_of(products: np.ndarray, size: int) -> np.ndarray:
    return (products / size + 1.0) ** 3
