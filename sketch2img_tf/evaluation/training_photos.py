"""The training photos with which an evaluation compares pictures; cached between evaluations.

They are the photos of the sketches. If edge maps of the same classes are built beside these, their
photos belong to them too, even if the run does not mix edge maps in. So all runs on the same data
have the same classifier.

Axes: M distinct photos; H, W height and width; C features.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import os
import sys
import zipfile
from typing import TYPE_CHECKING

import numpy as np

from sketch2img_tf.data import input_pipeline, preprocessing, sources
from sketch2img_tf.errors import UserError
from sketch2img_tf.evaluation import classifier
from sketch2img_tf.evaluation.classifier import Classifier
from sketch2img_tf.surroundings import progress

if TYPE_CHECKING:
    from sketch2img_tf.data.input_pipeline import PairedDataset
    from sketch2img_tf.evaluation.features import FeatureNetwork

_VERSION = 1  # version of the cache file's content; other versions are not read
_BATCH = 64


@dataclasses.dataclass(frozen=True)
class TrainingPhotos:
    """All distinct photos of the training parts.

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
    """Reads the cache, in the folder `evaluation` beside the TFRecords, or makes it.

    Raises:
      UserError: the network has the same features for every photo.
    """
    datasets = sources.all_photos(sketchy)
    path = _path(datasets, network)
    photos = _read(path)
    if photos is None:
        photos = _compute(datasets, network)
        _keep(path, photos)
    return photos


def _compute(datasets: list[PairedDataset], network: FeatureNetwork | None) -> TrainingPhotos:
    pixels, labels = read(datasets)
    if network is None:
        return TrainingPhotos(pixels, labels, None, None)
    features = network.pooled(pixels, "looking at the training photos")
    if len(features) > 1 and not features.std(0).any():
        raise UserError(
            f"--features_weights: {network.description['network']} gives the same features for"
            f" every photo at its layer {network.description['layer']}: the weights are not trained"
            " up to there; give others"
        )
    return TrainingPhotos(
        pixels, labels, features, classifier.train(features, labels, len(datasets[0].class_names))
    )


def read(datasets: list[PairedDataset]) -> tuple[np.ndarray, np.ndarray]:
    """The distinct training photos of the data sets: uint8 [M, H, W, 3] and labels, int64 [M]."""
    seen: dict[bytes, tuple[np.ndarray, int]] = {}  # in the order of appearance
    for dataset in datasets:
        batches = input_pipeline.evaluation_batches(dataset, "train", _BATCH)
        total = math.ceil(dataset.examples["train"] / _BATCH)
        for batch in progress.bar(
            batches, "reading the training photos", total, unit="batch", leave=False
        ):
            photos = preprocessing.photo_pixels(batch["photos"], dataset.statistics).numpy()
            for photo, label in zip(photos, batch["labels"].numpy()):
                seen.setdefault(hashlib.sha1(photo).digest(), (photo, label))
    pixels, labels = zip(*seen.values())
    return np.stack(pixels), np.array(labels, np.int64)


def _path(datasets: list[PairedDataset], network: FeatureNetwork | None) -> str:
    """The cache file, beside the records; its name is a hash of all that determines its content."""
    sketchy, *beside = datasets
    facts = {
        "version": _VERSION,
        "image_size": sketchy.config.image_size,
        "class_names": sketchy.class_names,
        "examples": sketchy.examples["train"],
        "drop_sketches": sketchy.config.drop_sketches,
        "validation_share": sketchy.config.validation_share,
        "network": network and network.description,
        **({"beside": [dataset.examples["train"] for dataset in beside]} if beside else {}),
    }
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]
    return os.path.join(
        sketchy.directory, "evaluation", f"{network.name if network else 'photos'}-{digest}.npz"
    )


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
        print(
            f"cannot keep the training photos' features for the next evaluation: {error}",
            file=sys.stderr,
        )


def _read(path: str) -> TrainingPhotos | None:
    """The cached photos; None if there is no file or it cannot be read."""
    try:
        with np.load(path) as arrays:
            found = dict(arrays)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile):
        return None
    pixels, labels, features = found.pop("pixels"), found.pop("labels"), found.pop("features", None)
    return TrainingPhotos(pixels, labels, features, Classifier(**found) if found else None)
