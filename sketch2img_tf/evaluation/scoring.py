"""All metrics of a set of pictures, under their names.

The names that end in a network's are those of its features; without a network they are left out.

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

_HIGHER_IS_BETTER = ("psnr", "ssim", "edge_recall", "edge_precision", "class_accuracy", "inception_score", "diversity")
_CHUNK = 64
_NEIGHBOUR_SIDE = 32  # photos are compared as means of so many squares a side


def lower_is_better(metric: str) -> bool:
    """Whether a picture is the better for a lower value, which a metric's name tells."""
    return not metric.startswith(_HIGHER_IS_BETTER)


def metric_names(flags: FeatureFlags) -> list[str]:
    """The names of all metrics with this network, or without one."""
    names = ["l1", "psnr", "ssim", "edge_recall", "edge_precision", "edge_recall_by_chance", "edge_precision_by_chance"]
    names += ["nearest_train_rms", "diversity_l1", "diversity_coarse_l1"]
    if flags.network:
        kinds = ("nearest_train", "class_accuracy", "perceptual", "diversity", "inception_score")
        names += [f"{kind}_{flags.network}" for kind in kinds]
        frechet, kernel = distance_names(flags)
        for suffix in ("", "_to_train"):
            names += [frechet + suffix, kernel + suffix, f"{kernel}{suffix}_error"]
    return names


@dataclasses.dataclass(frozen=True)
class Scores:
    """What pictures are worth.

    Attributes:
      metrics: name to value.
      per_picture: those of them that every picture has by itself, float64 [N].
    """

    metrics: dict[str, float]
    per_picture: dict[str, np.ndarray]


class Scorer:
    """Scores pictures of the examples of a part, or of another part, against the real photos of the part."""

    def __init__(self, part: Part, training: TrainingPhotos, network: FeatureNetwork | None):
        self.part, self.training, self.network = part, training, network
        self._training_vectors = _vectors(training.pixels)
        reals = part.photos[part.distinct]
        self._real_features = network.pooled(reals, "looking at the real photos") if network else None

    def score(self, pictures: np.ndarray, part: Part, varied: np.ndarray) -> Scores:
        """Everything.

        Args:
          pictures: one of every example of `part`: pixels, uint8 [N, H, W, 3].
          part: what they are pictures of.
          varied: several pictures of some sketches, uint8 [P, S, H, W, 3].
        """
        features = self.network.pooled(pictures, "looking at the pictures") if self.network else None
        per_picture = {**_in_chunks(pictures, part), **self._nearest(pictures, features)}
        if self.network:
            per_picture |= self._judged(pictures, part, features)
        metrics = {name: float(values.mean()) for name, values in per_picture.items()}
        metrics |= self._diversity(varied)
        if self.network:
            metrics |= self._of_set(features, part.photo_numbers)
        return Scores(metrics, per_picture)

    def nearest_photos(self, pictures: np.ndarray) -> np.ndarray:
        """Numbers of the training photos that are nearest to the pictures, int [N], as in `nearest_train_rms`."""
        return neighbours.nearest(_vectors(pictures), self._training_vectors)[1]

    def distances_of_reals(self) -> dict[str, float]:
        """Those from the training photos to the real ones of the part; a distance is the same in both directions."""
        there = self._distances(self.training.features, self._real_features, None, "")
        back = self._distances(self._real_features, self.training.features, None, "_to_train")
        return {**there, **back}

    def _of_set(self, features: np.ndarray, groups: np.ndarray) -> dict[str, float]:
        """Of pictures with these features as a set; `groups` as in `kernel_distance`."""
        probabilities = self.training.classifier.probabilities(features)
        return {
            **self._distances(features, self._real_features, groups, ""),
            **self._distances(features, self.training.features, groups, "_to_train"),
            f"inception_score_{self.network.name}": classifier.inception_score(probabilities),
        }

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
        found = {"nearest_train_rms": neighbours.nearest(_vectors(pictures), self._training_vectors)[0]}
        if self.network:
            nearest, _ = neighbours.nearest(features, self.training.features)
            found[f"nearest_train_{self.network.name}"] = nearest
        return found

    def _judged(self, pictures: np.ndarray, part: Part, features: np.ndarray) -> dict[str, np.ndarray]:
        return {
            f"class_accuracy_{self.network.name}": self.training.classifier.hits(features, part.labels).astype(float),
            f"perceptual_{self.network.name}": self.network.perceptual_distances(pictures, part.photos),
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


def _in_chunks(pictures: np.ndarray, part: Part) -> dict[str, np.ndarray]:
    starts = range(0, len(pictures), _CHUNK)
    chunks = [_of_pixels(*(array[at : at + _CHUNK] for array in (pictures, part.photos))) for at in starts]
    found = {name: np.concatenate([chunk[name] for chunk in chunks]) for name in chunks[0]}
    return {**found, **faithfulness(pictures, part.sketch_pixels)}


def _of_pixels(pictures: np.ndarray, photos: np.ndarray) -> dict[str, np.ndarray]:
    pair = measured_intensities(pictures), measured_intensities(photos)
    return {name: getattr(pixel_metrics, name)(*pair) for name in ("l1", "psnr", "ssim")}


def _vectors(pictures: np.ndarray) -> np.ndarray:
    """Intensities of 32x32 squares, float32 [N, C]."""
    means = measured_intensities(diversity.coarse(pictures, _NEIGHBOUR_SIDE))
    return means.reshape(len(pictures), -1).astype(np.float32)
