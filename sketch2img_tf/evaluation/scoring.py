"""Computes all metrics of a set of pictures, under their names.

A metric whose name ends with a network's name uses its features; without a network it is omitted.

Axes: N examples of a part, C features.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from sketch2img_tf.data.preprocessing import measured_intensities
from sketch2img_tf.evaluation import classifier
from sketch2img_tf.evaluation.features import FeatureFlags, FeatureNetwork, distance_names
from sketch2img_tf.evaluation.metrics import distances, diversity, neighbours, pixel_metrics
from sketch2img_tf.evaluation.metrics.faithfulness import faithfulness

if TYPE_CHECKING:
    from sketch2img_tf.evaluation.examples import Part
    from sketch2img_tf.evaluation.training_photos import TrainingPhotos

# Suffix of a metric's mean over classes, to which every class contributes equally
OF_CLASSES = "_of_classes"
_HIGHER_IS_BETTER = (
    "psnr",
    "ssim",
    "edge_recall",
    "edge_precision",
    "class_accuracy",
    "class_in_five",
    "inception_score",
    "diversity",
)
_COUNTED_BY_CLASS = ("l1", "edge_recall", "class_accuracy", "class_in_five", "perceptual")
_CHUNK = 64
_COMPARED = 4096  # distances of sets use at most this many training photos, evenly spaced
_NEIGHBOUR_SIDE = 32  # photos are compared by the means of this many squares per side


def lower_is_better(metric: str) -> bool:
    """Whether lower values of a metric are better; its name tells."""
    return not metric.startswith(_HIGHER_IS_BETTER)


def metric_names(flags: FeatureFlags) -> list[str]:
    """The names of all metrics with this network, or with none."""
    names = [
        "l1",
        "psnr",
        "ssim",
        "edge_recall",
        "edge_precision",
        "edge_recall_by_chance",
        "edge_precision_by_chance",
    ]
    names += ["nearest_train_rms"]
    if flags.network:
        kinds = ("nearest_train", "class_accuracy", "class_in_five", "perceptual")
        names += [f"{kind}_{flags.network}" for kind in kinds]
    names += [name + OF_CLASSES for name in names if _counts_by_class(name)]
    names += ["diversity_l1", "diversity_coarse_l1"]
    if flags.network:
        names += [f"{kind}_{flags.network}" for kind in ("diversity", "inception_score")]
        frechet, kernel = distance_names(flags)
        for suffix in ("", "_to_train"):
            names += [frechet + suffix, kernel + suffix, f"{kernel}{suffix}_error"]
    return names


@dataclasses.dataclass(frozen=True)
class Scores:
    """The scores of pictures.

    Attributes:
      metrics: values by name.
      per_picture: the metrics that have a value for every picture, float64 [N], by name.
    """

    metrics: dict[str, float]
    per_picture: dict[str, np.ndarray]


class Scorer:
    """Scores pictures of a part's examples, or of another's, against the part's real photos."""

    def __init__(self, part: Part, training: TrainingPhotos, network: FeatureNetwork | None):
        self.part, self.training, self.network = part, training, network
        self._training_vectors = _vectors(training.pixels)
        self._compared = np.linspace(
            0, len(training.labels) - 1, min(len(training.labels), _COMPARED)
        ).astype(int)
        reals = part.photos[part.distinct]
        self._real_features = (
            network.pooled(reals, "looking at the real photos") if network else None
        )

    def score(self, pictures: np.ndarray, part: Part, varied: np.ndarray) -> Scores:
        """Computes all metrics.

        Args:
          pictures: one per example of `part`, uint8 [N, H, W, 3].
          part: the examples that were drawn.
          varied: several pictures of some sketches, uint8 [P, S, H, W, 3].
        """
        features = (
            self.network.pooled(pictures, "looking at the pictures") if self.network else None
        )
        per_picture = {**_in_chunks(pictures, part), **self._nearest(pictures, features)}
        if self.network:
            per_picture |= self._judged(pictures, part, features)
        metrics = {name: float(values.mean()) for name, values in per_picture.items()}
        metrics |= {
            name + OF_CLASSES: mean_of_classes(values, part.labels)
            for name, values in per_picture.items()
            if _counts_by_class(name)
        }
        metrics |= self._diversity(varied)
        if self.network:
            metrics |= self._of_set(features, part.photo_numbers)
        return Scores(metrics, per_picture)

    def nearest_photos(self, pictures: np.ndarray) -> np.ndarray:
        """The number of each picture's nearest photo, int [N], as in `nearest_train_rms`."""
        return neighbours.nearest(_vectors(pictures), self._training_vectors)[1]

    def distances_of_reals(self) -> dict[str, float]:
        """The distances of training photos and the part's real photos, under all their names."""
        there = self._distances(self._compared_features, self._real_features, None, "")
        back = self._distances(self._real_features, self._compared_features, None, "_to_train")
        return {**there, **back}

    def _of_set(self, features: np.ndarray, groups: np.ndarray) -> dict[str, float]:
        """The metrics of a whole set with these features; `groups` as in `kernel_distance`."""
        probabilities = self.training.classifier.probabilities(features)
        return {
            **self._distances(features, self._real_features, groups, ""),
            **self._distances(features, self._compared_features, groups, "_to_train"),
            f"inception_score_{self.network.name}": classifier.inception_score(probabilities),
        }

    @property
    def _compared_features(self) -> np.ndarray:
        """Features of at most `_COMPARED` photos, since a kernel matrix has an entry per pair."""
        return self.training.features[self._compared]

    def _distances(
        self, features: np.ndarray, reals: np.ndarray, groups: np.ndarray | None, suffix: str
    ) -> dict[str, float]:
        frechet, kernel = self.network.distance_names
        estimate = distances.kernel_distance(features, reals, groups)
        return {
            f"{frechet}{suffix}": distances.frechet_distance(features, reals),
            f"{kernel}{suffix}": estimate.value,
            f"{kernel}{suffix}_error": estimate.error,
        }

    def _nearest(self, pictures: np.ndarray, features: np.ndarray | None) -> dict[str, np.ndarray]:
        found = {
            "nearest_train_rms": neighbours.nearest(_vectors(pictures), self._training_vectors)[0]
        }
        if self.network:
            nearest, _ = neighbours.nearest(features, self.training.features)
            found[f"nearest_train_{self.network.name}"] = nearest
        return found

    def _judged(
        self, pictures: np.ndarray, part: Part, features: np.ndarray
    ) -> dict[str, np.ndarray]:
        ranks = self.training.classifier.ranks(features, part.labels)
        return {
            f"class_accuracy_{self.network.name}": (ranks < 1).astype(float),
            f"class_in_five_{self.network.name}": (ranks < 5).astype(float),
            f"perceptual_{self.network.name}": self.network.perceptual_distances(
                pictures, part.photos
            ),
        }

    def _diversity(self, varied: np.ndarray) -> dict[str, float]:
        first, second = diversity.pairs(varied)
        pair = measured_intensities(first), measured_intensities(second)
        found = {
            "diversity_l1": diversity.mean_distance(*pair),
            "diversity_coarse_l1": diversity.mean_distance(*map(diversity.coarse, pair)),
        }
        if self.network:
            perceptual = self.network.perceptual_distances(first, second)
            found[f"diversity_{self.network.name}"] = float(perceptual.mean())
        return found


def mean_of_classes(values: np.ndarray, labels: np.ndarray) -> float:
    """The mean over classes of each class's mean of values, [N]; their labels are int [N]."""
    sums, counts = np.bincount(labels, values), np.bincount(labels)
    return float((sums[counts > 0] / counts[counts > 0]).mean())


def by_class(columns: dict[str, Scores], labels: np.ndarray, class_names: tuple[str, ...]) -> dict:
    """One number per class: the classifier's accuracy if there is a network, otherwise the L1.

    Args:
      columns: scores of pictures of the same examples, by the column's name; the model's first.
      labels: the examples' labels, int [N].
      class_names: in the order of the labels.

    Returns:
      {"metric": its name, "mean": {column: mean of classes, ...}, "classes": {class: {"sketches":
      how many, column: number, ...}, ...}}, with the classes that have examples, the best of the
      model's first.
    """
    model = next(iter(columns))
    metric = next(
        (name for name in columns[model].per_picture if name.startswith("class_accuracy_")), "l1"
    )
    classes = {}
    for label in np.unique(labels):
        of_class = labels == label
        means = {
            column: float(scores.per_picture[metric][of_class].mean())
            for column, scores in columns.items()
        }
        classes[class_names[label]] = {"sketches": int(of_class.sum()), **means}
    sign = 1 if lower_is_better(metric) else -1
    return {
        "metric": metric,
        "mean": {column: scores.metrics[metric + OF_CLASSES] for column, scores in columns.items()},
        "classes": dict(sorted(classes.items(), key=lambda one: sign * one[1][model])),
    }


def _counts_by_class(name: str) -> bool:
    return name.startswith(_COUNTED_BY_CLASS) and not name.endswith("_by_chance")


def _in_chunks(pictures: np.ndarray, part: Part) -> dict[str, np.ndarray]:
    starts = range(0, len(pictures), _CHUNK)
    chunks = [
        _of_pixels(*(array[at : at + _CHUNK] for array in (pictures, part.photos))) for at in starts
    ]
    found = {name: np.concatenate([chunk[name] for chunk in chunks]) for name in chunks[0]}
    return {**found, **faithfulness(pictures, part.sketch_pixels)}


def _of_pixels(pictures: np.ndarray, photos: np.ndarray) -> dict[str, np.ndarray]:
    pair = measured_intensities(pictures), measured_intensities(photos)
    return {name: getattr(pixel_metrics, name)(*pair) for name in ("l1", "psnr", "ssim")}


def _vectors(pictures: np.ndarray) -> np.ndarray:
    """Mean intensities of 32x32 squares per picture, float32 [N, C]."""
    means = measured_intensities(diversity.coarse(pictures, _NEIGHBOUR_SIDE))
    return means.reshape(len(pictures), -1).astype(np.float32)
