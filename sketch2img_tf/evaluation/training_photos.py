"""The photos that a run trains on: what new pictures are compared with, kept from one evaluation to the next.

Axes: M photos, each once however many sketches there are of it; H, W height and width; C features.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import sys
import zipfile
from typing import TYPE_CHECKING

import numpy as np

from sketch2img_tf.errors import UserError
from sketch2img_tf.evaluation import classifier, examples
from sketch2img_tf.evaluation.classifier import Classifier

if TYPE_CHECKING:
    from sketch2img_tf.data.input_pipeline import PairedDataset
    from sketch2img_tf.evaluation.features import FeatureNetwork

_VERSION = 1  # of what is kept: other numbers are not read


@dataclasses.dataclass(frozen=True)
class TrainingPhotos:
    """Every distinct training photo once.

    Attributes:
      pixels: uint8 [M, H, W, 3].
      labels: int64 [M].
      features: float32 [M, C]; None without a network.
      classifier: trained on these features; None without a network.
    """

    pixels: np.ndarray
    labels: np.ndarray
    features: np.ndarray | None
    classifier: Classifier | None


def load(sketchy: PairedDataset, network: FeatureNetwork | None) -> TrainingPhotos:
    """From the folder `evaluation` beside the TFRecords, or else from them; what is computed is kept there.

    Raises:
      UserError: the network sees the same in every photo.
    """
    path = _path(sketchy, network)
    photos = _read(path)
    if photos is None:
        photos = _compute(sketchy, network)
        _keep(path, photos)
    return photos


def _compute(sketchy: PairedDataset, network: FeatureNetwork | None) -> TrainingPhotos:
    part = examples.read_part(sketchy, "train")
    pixels, labels = part.photos[part.distinct], part.labels[part.distinct]
    if network is None:
        return TrainingPhotos(pixels, labels, None, None)
    features = network.pooled(pixels, "looking at the training photos")
    if len(features) > 1 and not features.std(0).any():
        raise UserError(
            f"--features_weights: {network.description['network']} gives the same features for every photo at its layer"
            f" {network.description['layer']}: the weights are not trained up to there; give others"
        )
    return TrainingPhotos(pixels, labels, features, classifier.train(features, labels, len(sketchy.class_names)))


def _path(sketchy: PairedDataset, network: FeatureNetwork | None) -> str:
    """The file's name holds a hash of all that its content follows from, beside the records."""
    facts = {
        "version": _VERSION,
        "image_size": sketchy.config.image_size,
        "class_names": sketchy.class_names,
        "examples": sketchy.examples["train"],
        "drop_sketches": sketchy.config.drop_sketches,
        "validation_share": sketchy.config.validation_share,
        "network": network and network.description,
    }
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]
    return os.path.join(sketchy.directory, "evaluation", f"{network.name if network else 'photos'}-{digest}.npz")


def _keep(path: str, photos: TrainingPhotos) -> None:
    arrays = {"pixels": photos.pixels, "labels": photos.labels}
    if photos.classifier is not None:
        arrays.update(features=photos.features, **dataclasses.asdict(photos.classifier))
    temporary = f"{path}.{os.getpid()}.tmp.npz"
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        np.savez(temporary, **arrays)
        os.replace(temporary, path)
    except OSError as error:
        print(f"the training photos' features are not kept for the next time ({error})", file=sys.stderr)


def _read(path: str) -> TrainingPhotos | None:
    """None if there is nothing, or nothing that can be read: it is computed again then."""
    try:
        with np.load(path) as arrays:
            found = dict(arrays)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile):
        return None
    pixels, labels, features = found.pop("pixels"), found.pop("labels"), found.pop("features", None)
    return TrainingPhotos(pixels, labels, features, Classifier(**found) if found else None)
