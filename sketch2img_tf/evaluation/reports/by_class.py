"""A model's scores class by class."""

from __future__ import annotations

import dataclasses

import numpy as np

from sketch2img_tf.evaluation.scoring import Scores, lower_is_better


@dataclasses.dataclass(frozen=True)
class ClassScores:
    """The scores of one class.

    Attributes:
      examples: numbers of its examples, int [n].
      metrics: the means over these examples, by name.
      metrics: means over them, name to value.
    """

    name: str
    examples: np.ndarray
    metrics: dict[str, float]


def by_class(scores: Scores, labels: np.ndarray, class_names: tuple[str, ...]) -> list[ClassScores]:
    """The classes that have examples, the best by `ranking_metric` first.

    Args:
      scores: those of pictures of all classes.
      labels: int [N].
      class_names: in the order of the labels.
    """
    found = []
    for label in np.unique(labels):
        examples = np.flatnonzero(labels == label)
        means = {
            name: float(values[examples].mean()) for name, values in scores.per_picture.items()
        }
        found.append(ClassScores(class_names[label], examples, means))
    metric = ranking_metric(scores)
    sign = 1 if lower_is_better(metric) else -1
    return sorted(found, key=lambda scores_of_class: sign * scores_of_class.metrics[metric])


def ranking_metric(scores: Scores) -> str:
    """The perceptual distance if there is a network, else the L1."""
    return next((name for name in scores.per_picture if name.startswith("perceptual_")), "l1")
