"""A classifier of real photos, with which we judge generated ones; not the discriminator's. NumPy.

All of it computes in float64. Axes: M pictures, C features, K classes.
"""

from __future__ import annotations

import dataclasses

import numpy as np
from scipy import optimize

# Weight decay, for standardised features; values from 1e-4 to 1e-2 are equally accurate on
# held-out real photos
_DECAY = 1e-3
_ITERATIONS = 200
# A feature's smallest scale, times the mean scale: it may vary on generated photos, hardly on real
_LEAST_DEVIATION = 0.1


@dataclasses.dataclass(frozen=True)
class Classifier:
    """Multinomial logistic regression on standardised features.

    Attributes:
      mean, scale: those of the features, float64 [C].
      weights: float64 [C, K].
      bias: float64 [K].
    """

    mean: np.ndarray
    scale: np.ndarray
    weights: np.ndarray
    bias: np.ndarray

    def probabilities(self, features: np.ndarray) -> np.ndarray:
        """The probabilities of the classes, float64 [M, K], for features [M, C]."""
        return np.exp(_log_softmax((features - self.mean) / self.scale @ self.weights + self.bias))

    def ranks(self, features: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """How many other classes are at least as probable as the label, int [M]."""
        probabilities = self.probabilities(features)
        of_label = np.take_along_axis(probabilities, labels[:, np.newaxis], 1)
        return (probabilities >= of_label).sum(1) - 1


def train(features: np.ndarray, labels: np.ndarray, num_classes: int) -> Classifier:
    """Fits a classifier to features [M, C] with labels, int [M]; the result is deterministic.

    It minimises the cross entropy plus a quadratic penalty on the weights, which is convex, by
    L-BFGS from zero. With more features than photos, the weights lie in the span of the photos, and
    the search is in this span.
    """
    features = np.asarray(features, np.float64)
    mean = features.mean(0)
    scale = np.maximum(features.std(0), _LEAST_DEVIATION * features.std(0).mean())
    x = (features - mean) / scale
    directions, x = _span(x)
    targets = np.eye(num_classes)[labels]
    shape = (x.shape[1] + 1, num_classes)
    found = optimize.minimize(
        _loss,
        np.zeros(shape).ravel(),
        (x, targets),
        "L-BFGS-B",
        jac=True,
        options={"maxiter": _ITERATIONS},
    )
    solution = found.x.reshape(shape)
    return Classifier(mean, scale, directions @ solution[:-1], solution[-1])


def inception_score(probabilities: np.ndarray) -> float:
    """exp(E KL(p(y|x) || p(y))), from 1 to K: high for clear single pictures of many classes.

    T. Salimans et al., "Improved Techniques for Training GANs", 2016, section 4. Differs from the
    paper: the classes are those of the data, by `Classifier`, not ImageNet's; and p(y) is the mean
    over all pictures, not over each of ten parts.

    Args:
      probabilities: float64 [M, K].
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = probabilities * (np.log(probabilities) - np.log(probabilities.mean(0)))
    return float(np.exp(np.nansum(terms, 1).mean()))


def _span(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """An orthonormal basis, [C, D], of the span of x's rows, and the rows' coordinates, [M, D]."""
    if len(x) >= x.shape[1]:
        return np.eye(x.shape[1]), x
    directions, lower = np.linalg.qr(x.T)  # x = lower^T directions^T
    return directions, lower.T


def _loss(parameters: np.ndarray, x: np.ndarray, targets: np.ndarray) -> tuple[float, np.ndarray]:
    """The mean loss over pictures, and its gradient."""
    parameters = parameters.reshape(x.shape[1] + 1, targets.shape[1])
    weights, bias = parameters[:-1], parameters[-1]
    logs = _log_softmax(x @ weights + bias)
    loss = -np.sum(targets * logs) / len(x) + 0.5 * _DECAY * np.sum(weights**2)
    errors = (np.exp(logs) - targets) / len(x)
    return loss, np.vstack([x.T @ errors + _DECAY * weights, errors.sum(0)]).ravel()


def _log_softmax(logits: np.ndarray) -> np.ndarray:
    logits = logits - logits.max(1, keepdims=True)
    return logits - np.log(np.exp(logits).sum(1, keepdims=True))
