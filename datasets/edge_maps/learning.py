"""Teaches the `ink_network` where people drew, from built Sketchy records.

People draw from memory: a line lies several pixels beside the edge that it means. A network that is
taught the pixels of lines learns fog, so this one is taught two things that bear such errors, each
as its mean over the people who drew a photo: how near a place is to a line, and whether it is
inside the silhouette of what was drawn.
"""

from __future__ import annotations

import dataclasses
import pathlib

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds
from PIL import Image
from scipy import ndimage

from datasets.edge_maps import drawing, outlines
from datasets.edge_maps.ink_network import GRID, Features, InkNetwork
from sketch2img_tf.errors import UserError
from sketch2img_tf.surroundings import progress

_MARKS = ("error", "pose", "context")  # of sketches that show another thing, pose or more things
_MOST_PHOTOS = 2500  # their features, of 1 MB per photo, stay in memory
_MOST_MEASURED = 200  # of the held-out photos
_NEAR = 6.0  # pixels of 256: deviation of a line around the edge that it means
_GAPS = 12  # pixels of 256: a silhouette's border may be open so far
_BATCH = 16
_STEPS = 600
_LEARNING_RATE = 2e-3
_BALANCE = 0.7  # classes are sampled as often as their photos to the power of 1 - this
_SEED = 0
_TOLERANCE = 6  # pixels of 256 between lines that agree


@dataclasses.dataclass(frozen=True)
class Drawn:
    """The photos of a split, and what people drew.

    Attributes:
      photos: uint8 [N, 256, 256, 3].
      labels: int [N].
      lines: for each photo, its drawings: bool [256, 256].
    """

    photos: np.ndarray
    labels: np.ndarray
    lines: list[list[np.ndarray]]


def learn(sketches_dir: str, features_weights: str, output: str, steps: int = _STEPS) -> dict:
    """Trains a network, writes it to `output`, and measures it on the photos held out.

    Args:
      sketches_dir: the folder of built Sketchy records.
      features_weights: as `ink_network.Features`.
      output: the file to write.
      steps: of the training.

    Returns:
      `photos`, `sketches`, and the measures of `held_out`.

    Raises:
      UserError: there are no such records, the weights do not fit, or the file cannot be written.
    """
    _check_place(output)
    features = Features(features_weights)
    train = _read(sketches_dir, "train", _MOST_PHOTOS)
    test = _read(sketches_dir, "test", _MOST_MEASURED)
    network = trained(train, features, steps)
    try:
        network.save(output)
    except OSError as error:
        raise UserError(f"--output={output}: cannot be written ({error})") from error
    return {
        "photos": len(train.photos),
        "sketches": sum(map(len, train.lines)),
        "held_out": _measures(test, train, network, features),
    }


def _check_place(output: str) -> None:
    if not pathlib.Path(output).parent.is_dir():
        raise UserError(f"--output={output}: there is no folder for it; make it first")


def _read(sketches_dir: str, split: str, most: int) -> Drawn:
    try:
        builder = tfds.builder_from_directory(sketches_dir)
        if not {*_MARKS, "sketch_id"} <= set(builder.info.features):
            raise ValueError("has no marked sketches")
        examples = builder.as_dataset(split=split)
        found: dict[tuple, tuple] = {}
        for example in tfds.as_numpy(examples):
            if not any(example[mark] for mark in _MARKS):
                key = int(example["label"]), example["photo_id"]
                _, lines = found.setdefault(key, (example["photo"], []))
                lines.append(example["sketch"][..., 0] < 128)
    except (OSError, ValueError, KeyError, tf.errors.OpError) as error:
        raise UserError(
            f"--sketches_dir={sketches_dir}: is no folder of built sketches, such as"
            f" DATA_DIR/sketchy/RENDERINGS/VERSION ({str(error).splitlines()[0]})"
        ) from error
    if not found:
        raise UserError(f"--sketches_dir={sketches_dir}: no sketch to use in its {split} part")
    keys = _some(list(found), most)
    photos, lines = zip(*(found[key] for key in keys))
    return Drawn(np.stack(photos), np.array([label for label, _ in keys]), list(lines))


def _some(keys: list[tuple], most: int) -> list[tuple]:
    """At most so many of the photos, first one of each class, then a second one, ..."""
    order = np.random.default_rng(_SEED).permutation(len(keys))
    ranked, count = [], {}
    for position in order:
        label = keys[position][0]
        ranked.append((count.setdefault(label, 0), position))
        count[label] += 1
    chosen = sorted(position for _, position in sorted(ranked)[:most])
    return [keys[position] for position in chosen]


def targets(lines: list[np.ndarray]) -> np.ndarray:
    """What the network is taught of a photo, float32 [G, G, 2]: the means over its drawings."""
    return np.mean([np.stack([_near(one), _inside(one)], -1) for one in lines], 0, np.float32)


def _near(lines: np.ndarray) -> np.ndarray:
    """1 on a line, less beside it."""
    small = lines.reshape(128, 2, 128, 2).any((1, 3))
    if not small.any():
        return np.zeros([GRID, GRID], np.float32)
    distance = 2 * ndimage.distance_transform_edt(~small)
    return _pooled(np.exp(-((distance / _NEAR) ** 2) / 2))


def _inside(lines: np.ndarray) -> np.ndarray:
    """1 on a line and inside closed lines."""
    small = np.pad(lines.reshape(64, 4, 64, 4).any((1, 3)), 8)
    radius = _GAPS // 4
    disc = np.hypot(*np.mgrid[-radius : radius + 1, -radius : radius + 1]) <= radius
    filled = ndimage.binary_fill_holes(ndimage.binary_dilation(small, disc))
    return _pooled((ndimage.binary_erosion(filled, disc) | small)[8:-8, 8:-8])


def _pooled(values: np.ndarray) -> np.ndarray:
    picture = Image.fromarray(values.astype(np.float32))
    return np.asarray(picture.resize((GRID, GRID), Image.Resampling.BOX))


def trained(train: Drawn, features: Features, steps: int) -> InkNetwork:
    """A network that has learnt from all photos and their mirror images."""
    seen, mirrored = (
        _of_photos(photos, features)
        for photos in (train.photos, np.ascontiguousarray(train.photos[:, :, ::-1]))
    )
    taught = np.stack([targets(lines) for lines in train.lines])
    floats = [values[:: max(1, len(values) // 256)].astype(np.float32) for values in seen]
    network = InkNetwork(
        [values.mean((0, 1, 2)) for values in floats],
        [_deviations(values) for values in floats],
        features.sha256,
    )
    rate = tf.keras.optimizers.schedules.CosineDecay(_LEARNING_RATE, steps)
    network.decoder.compile(
        tf.keras.optimizers.Adam(rate), tf.keras.losses.BinaryCrossentropy(from_logits=True)
    )
    random = np.random.default_rng(_SEED)
    weights = np.bincount(train.labels)[train.labels] ** -_BALANCE
    weights /= weights.sum()
    for _ in progress.bar(range(steps), desc="Learning where people draw", unit=" steps"):
        chosen = random.choice(len(weights), _BATCH, p=weights)
        values, maps = (mirrored, taught[:, :, ::-1]) if random.integers(2) else (seen, taught)
        network.decoder.train_on_batch(
            network.units([each[chosen] for each in values]), maps[chosen]
        )
    return network


def _deviations(values: np.ndarray) -> np.ndarray:
    """Of each channel, float32; of one that is nearly always 0, not so small."""
    deviations = values.std((0, 1, 2))
    return deviations + 0.05 * deviations.mean() + 1e-6


def _of_photos(photos: np.ndarray, features: Features) -> list[np.ndarray]:
    """The features of all photos in float16, by scale."""
    starts = progress.bar(range(0, len(photos), _BATCH), desc="Looking at photos", unit=" batches")
    found = [
        [values.numpy().astype(np.float16) for values in features(photos[start : start + _BATCH])]
        for start in starts
    ]
    return [np.concatenate(of_scale) for of_scale in zip(*found)]


def _measures(test: Drawn, train: Drawn, network: InkNetwork, features: Features) -> dict:
    """How well maps and lines agree with the people who drew photos that are held out.

    Returns:
      `cross_entropy` of the maps: of the network, of the mean map of the training, and the least
      possible; then the `agreement` of lines with the sketches of the same photo, each beside the
      `by_chance` one with those of another photo of the class: of the most salient edges, of the
      lines drawn here, and of another person.
    """
    taught = np.stack([targets(lines) for lines in test.lines])
    mean = np.mean([targets(lines) for lines in train.lines], 0)
    maps = network.maps(_of_photos(test.photos, features))
    drawn = {
        "edges": [outlines.outline(photo)[..., 0] == 0 for photo in test.photos],
        "learned": [
            drawing.draw(photo, *np.moveaxis(of_photo, -1, 0))[..., 0] == 0
            for photo, of_photo in zip(test.photos, maps)
        ],
        "another person": [lines[0] if len(lines) > 1 else None for lines in test.lines],
    }
    others = _of_another(test)
    return {
        "photos": len(test.photos),
        "cross_entropy": {
            "learned": _cross_entropy(taught, maps),
            "mean map": _cross_entropy(taught, mean),
            "least": _cross_entropy(taught, taught),
        },
        "lines": {
            name: {
                "agreement": _mean_agreement(lines, [sketches[1:] for sketches in test.lines])
                if name == "another person"
                else _mean_agreement(lines, test.lines),
                "by_chance": _mean_agreement(lines, others),
                "ink": _mean([one.mean() for one in lines if one is not None]),
            }
            for name, lines in drawn.items()
        },
    }


def _of_another(test: Drawn) -> list[list[np.ndarray]]:
    """For each photo the drawings of another one of its class; none if there is no other."""
    found = []
    for position, label in enumerate(test.labels):
        same = np.flatnonzero(test.labels == label)
        following = same[(np.searchsorted(same, position) + 1) % len(same)]
        found.append(test.lines[following] if following != position else [])
    return found


def _mean_agreement(lines: list, sketches: list[list[np.ndarray]]) -> float | None:
    values = [
        np.mean([agreement(one, sketch) for sketch in of_photo])
        for one, of_photo in zip(lines, sketches)
        if one is not None and of_photo
    ]
    return _mean(values)


def _mean(values: list[float]) -> float | None:
    return float(np.mean(values)) if values else None


def agreement(first: np.ndarray, second: np.ndarray) -> float:
    """The F-measure of two drawings, bool [H, W]: the harmonic mean of the two shares of ink that
    lie at most `_TOLERANCE` pixels from ink of the other; 0 if either is empty.
    """
    if not (first.any() and second.any()):
        return 0.0
    of_first = (ndimage.distance_transform_edt(~second)[first] <= _TOLERANCE).mean()
    of_second = (ndimage.distance_transform_edt(~first)[second] <= _TOLERANCE).mean()
    return 2 * of_first * of_second / max(of_first + of_second, 1e-9)


def _cross_entropy(taught: np.ndarray, maps: np.ndarray) -> float:
    maps = maps.clip(1e-4, 1 - 1e-4)
    return float(-(taught * np.log(maps) + (1 - taught) * np.log(1 - maps)).mean())
