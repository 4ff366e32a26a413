"""Evaluates models on one part of the data; what all evaluations need is read only once.

Axes: N examples of the part; P sketches that are drawn S times each; H, W height and width.
"""

from __future__ import annotations

import dataclasses
import functools
from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf

from sketch2img_tf.evaluation import examples, scoring, training_photos
from sketch2img_tf.evaluation.features import FeatureFlags, FeatureNetwork
from sketch2img_tf.evaluation.scoring import Scorer, Scores

if TYPE_CHECKING:
    from sketch2img_tf.data.input_pipeline import PairedDataset
    from sketch2img_tf.evaluation.examples import Draw, Part
    from sketch2img_tf.evaluation.protocols import Protocol


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """A model's pictures, one per example of a part, uint8 [N, H, W, 3], and their scores."""

    pictures: np.ndarray
    scores: Scores


class Evaluator:
    """Evaluates by a protocol on given data, with or without a network.

    Raises:
      UserError: on creation, if the network's weights are missing.
    """

    def __init__(self, sketchy: PairedDataset, protocol: Protocol, flags: FeatureFlags):
        self.sketchy, self.protocol = sketchy, protocol
        self.network = FeatureNetwork(flags) if flags.network else None
        self.training = training_photos.load(sketchy, self.network)
        self.part = examples.read_part(sketchy, protocol.split, protocol.pictures)
        self._scorer = Scorer(self.part, self.training, self.network)
        self._varied = examples.spread_over_classes(self.part.labels, protocol.diversity_sketches)

    def evaluate(self, draw: Draw) -> Evaluation:
        """Evaluates a model on the part."""
        return self._evaluate(draw, self.part, self._varied)

    def evaluate_on_training(self, draw: Draw) -> Evaluation:
        """Evaluates a model on training sketches, with the same metrics."""
        part = self._training_part
        varied = examples.spread_over_classes(part.labels, self.protocol.diversity_sketches)
        return self._evaluate(draw, part, varied)

    def mean_colour(self) -> Scores:
        """The lower reference: every sketch becomes the mean colour of the training photos."""
        return self._evaluate(draw_mean_colour, self.part, self._varied).scores

    def sketches(self) -> Scores:
        """The scores of the sketches themselves, as pictures: what the lines alone achieve."""
        pictures = np.repeat(self.part.sketch_pixels, 3, axis=-1)
        several = np.repeat(
            pictures[self._varied][:, np.newaxis], self.protocol.diversity_seeds, axis=1
        )
        return self._scorer.score(pictures, self.part, several)

    def real(self) -> Scores:
        """The upper reference: the real photos of the part, as pictures.

        Some metrics cannot compare these photos with themselves. For these the training photos take
        their place: for distances of sets, and for diversity, which is that of one class's photos.
        """
        scores = self._scorer.score(self.part.photos, self.part, self._photos_of_a_class())
        distances = self._scorer.distances_of_reals() if self.network else {}
        return Scores({**scores.metrics, **distances}, scores.per_picture)

    def by_class(self, columns: dict[str, Scores]) -> dict:
        """`scoring.by_class` for scores of the part."""
        return scoring.by_class(columns, self.part.labels, self.sketchy.class_names)

    def nearest_training_photos(self, pictures: np.ndarray) -> np.ndarray:
        """The training photo that is nearest to each picture; both are uint8 [B, H, W, 3]."""
        return self.training.pixels[self._scorer.nearest_photos(pictures)]

    def description(self) -> dict:
        """The description of the evaluation in a result line."""
        protocol = self.protocol
        return {
            "name": protocol.name,
            "split": protocol.split,
            "sketches": len(self.part.labels),
            "photos": len(self.part.distinct),
            "training_photos": len(self.training.labels),
            "training_sketches": len(self._training_part.labels),
            "classes": len(self.sketchy.class_names),
            "picture_size": self.sketchy.config.image_size,
            "seeds": f"0-{len(self.part.labels) - 1}",
            "diversity_sketches": len(self._varied),
            "diversity_seeds": f"0-{protocol.diversity_seeds - 1}",
            "features": self.network and self.network.description,
        }

    @functools.cached_property
    def _training_part(self) -> Part:
        return examples.read_part(self.sketchy, "train", self.protocol.training_pictures)

    def _evaluate(self, draw: Draw, part: Part, varied: np.ndarray) -> Evaluation:
        statistics, times = self.sketchy.statistics, self.protocol.diversity_seeds
        pictures = examples.draw_part(draw, part, statistics, f"drawing {part.split}")
        seeds = np.tile(np.arange(times), len(varied))
        several = examples.draw_examples(
            draw, part, np.repeat(varied, times), seeds, statistics, "drawing variations"
        )
        several = several.reshape(len(varied), times, *pictures.shape[1:])
        return Evaluation(pictures, self._scorer.score(pictures, part, several))

    def _photos_of_a_class(self) -> np.ndarray:
        """For each varied sketch S training photos of its class, or repeats: [P, S, H, W, 3]."""
        times, labels = self.protocol.diversity_seeds, self.training.labels
        found = [np.flatnonzero(labels == label) for label in self.part.labels[self._varied]]
        return np.stack(
            [self.training.pixels[np.resize(numbers, times)] for numbers in found if len(numbers)]
        )


def draw_mean_colour(sketches: tf.Tensor, labels: tf.Tensor, seeds: tf.Tensor) -> tf.Tensor:
    """Draws the mean colour of the training photos everywhere."""
    return tf.zeros([*sketches.shape[:3], 3])
