"""A small export and requests for it, which several tests of serving share."""

from __future__ import annotations

import io

import numpy as np
import tensorflow as tf
from PIL import Image, ImageDraw

from sketch2img_tf.config import Config, NetworkConfig
from sketch2img_tf.data.statistics import Statistics
from sketch2img_tf.networks.generator import Generator, make_generator
from sketch2img_tf.run_folder.run_card import Card

CLASSES = ("apple", "car_(sedan)", "hot-air_balloon")
CARD = Card(
    Config(network=NetworkConfig(base_width=4)),
    CLASSES,
    Statistics((0.5, 0.4, 0.3), 0.7, (0.1,), 0.9),
)
STEP = 1200


def untrained_generator() -> Generator:
    """One whose pictures follow the sketch, the class and the seed, as those of a trained one."""
    generator = make_generator(CARD.config, len(CLASSES))
    randomize(generator.variables, np.random.default_rng(0))
    return generator


def randomize(variables: list[tf.Variable], random: np.random.Generator) -> None:
    """Assigns values as large as those of a trained network."""
    for variable in variables:
        positive = "variance" in variable.name or "gamma" in variable.name
        values = (
            random.uniform(0.5, 1.5, variable.shape)
            if positive
            else random.normal(0, 0.15, variable.shape)
        )
        variable.assign(values)


def drawing(number: int, side: int = 64) -> Image.Image:
    """A free shape of black lines on white."""
    points = [
        tuple(point) for point in np.random.default_rng(number).uniform(0, side, (7, 2)).tolist()
    ]
    picture = Image.new("L", (side, side), 255)
    ImageDraw.Draw(picture).line(points, fill=0, width=max(2, side // 32), joint="curve")
    return picture


def encoded(picture: Image.Image, form: str = "PNG") -> bytes:
    """The bytes of a file."""
    file = io.BytesIO()
    picture.save(file, form)
    return file.getvalue()


def pixels(photo_bytes: bytes) -> np.ndarray:
    """Of a PNG, uint8 [H, W, C]."""
    picture = Image.open(io.BytesIO(photo_bytes))
    assert picture.format == "PNG"
    return np.asarray(picture)


def tensors(count: int) -> dict[str, np.ndarray]:
    """A request for the signature `tensors`."""
    return {
        "sketch": np.stack([np.asarray(drawing(number))[..., None] for number in range(count)]),
        "label_id": np.arange(count) % len(CLASSES),
        "seed": np.arange(count) * 7 - 3,
    }


def files(count: int) -> dict[str, np.ndarray]:
    """The same sketches, classes and seeds, for the signatures that take files."""
    request = tensors(count)
    return {
        "sketch_bytes": objects([encoded(drawing(number)) for number in range(count)]),
        "label": objects([CLASSES[label].encode() for label in request["label_id"]]),
        "seed": request["seed"],
    }


def objects(values: list[bytes]) -> np.ndarray:
    """Strings as NumPy holds them without cutting zeros off their ends."""
    return np.array(values, dtype=object)


def python_pictures(generator: Generator, request: dict[str, np.ndarray]) -> np.ndarray:
    """What the Python generator makes of a request of tensors: float64 [B,
    64, 64, 3], pixels not yet rounded.
    """
    statistics = CARD.statistics
    ink = (
        (1 - request["sketch"] / 255 - statistics.sketch_mean[0]) / statistics.sketch_scale
    ).astype(np.float32)
    photos = generator.draw(*map(tf.constant, (ink, request["label_id"], request["seed"]))).numpy()
    return (
        np.clip(photos.astype(np.float64) * statistics.photo_scale + statistics.photo_mean, 0, 1)
        * 255
    )
