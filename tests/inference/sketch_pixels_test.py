"""Sketch files without TensorFlow, against what an exported graph reads of them."""

from __future__ import annotations

import re

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from sketch2img_tf.errors import UserError
from sketch2img_tf.export import encoded_sketches
from sketch2img_tf.inference import sketch_pixels
from tests.export import exports


def files() -> dict[str, bytes]:
    grey = exports.drawing(0, 256)
    coloured = Image.merge("RGB", [exports.drawing(number, 200) for number in range(3)])
    see_through = coloured.copy()
    see_through.putalpha(exports.drawing(4, 200))
    sixteen = Image.fromarray(np.asarray(grey, np.uint16) * 257)
    wide, tall = coloured.resize((300, 200)), coloured.resize((151, 401))
    pictures = {"grey": grey, "coloured": coloured, "see-through": see_through, "sixteen": sixteen}
    pictures |= {
        "wide": wide,
        "tall": tall,
        "tiny": grey.resize((20, 31)),
        "bits": grey.convert("1"),
    }
    pictures |= {
        "palette": coloured.quantize(16),
        "canvas": grey.resize((512, 512)).convert("RGBA"),
    }
    encoded = {name: exports.encoded(picture) for name, picture in pictures.items()}
    return {
        **encoded,
        "JPEG": exports.encoded(wide, "JPEG"),
        "grey JPEG": exports.encoded(grey, "JPEG"),
    }


@pytest.mark.parametrize("name", files())
def test_the_pixels_are_those_of_the_exported_graph(name):
    encoded = files()[name]
    [ink], [problem] = encoded_sketches.read(tf.constant([encoded]), 64)
    assert problem == b""
    pixels = sketch_pixels.read(encoded, 64)
    assert (pixels.dtype, pixels.shape) == (np.uint8, (64, 64, 1))
    # Beyond rounding: JPEG's colours are made of their halved planes by each library in its own
    # way.
    assert np.abs(pixels - (255 - 255 * ink.numpy())).max() < (2.5 if name == "JPEG" else 0.51)


@pytest.mark.parametrize(
    ("encoded", "says"), [(b"a cat", "neither PNG nor JPEG"), (None, "damaged")]
)
def test_what_cannot_be_read_is_one_line(encoded, says):
    if encoded is None:
        encoded = exports.encoded(exports.drawing(0, 256))[:-300]
    with pytest.raises(UserError, match=f"^the .*{says}"):
        sketch_pixels.read(encoded, 64)


@pytest.mark.parametrize(
    ("sides", "drawn"),
    [
        ((2048, 2048), True),
        ((2049, 100), False),
        ((100, 2049), False),
        ((20000, 20000), False),
        ((640, 10), True),
        ((650, 10), False),
        ((10, 641), False),
    ],
)
def test_the_limits_are_those_of_the_exported_graph(sides, drawn):
    encoded = exports.encoded(Image.new("1", sides, 1))
    [problem] = encoded_sketches.read(tf.constant([encoded]), 64)[1].numpy()
    assert (problem == b"") == drawn
    if drawn:
        sketch_pixels.read(encoded, 64)
        return
    with pytest.raises(UserError, match=f"^{re.escape(problem.decode())}$"):
        sketch_pixels.read(encoded, 64)


def test_a_file_of_too_many_bytes_is_not_looked_at():
    encoded = exports.encoded(exports.drawing(0, 64)) + bytes(encoded_sketches.MAX_BYTES)
    [problem] = encoded_sketches.read(tf.constant([encoded]), 64)[1].numpy()
    with pytest.raises(UserError, match=f"^{problem.decode()}$"):
        sketch_pixels.read(encoded, 64)
