"""Pixel ranges, worked by hand, and the inverse of each."""

from __future__ import annotations

import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from sketch2img_tf.data import preprocessing
from sketch2img_tf.data.statistics import Statistics

STATISTICS = Statistics((0.5, 0.4, 0.3), 0.7, (0.1,), 0.9)


def _encoded(picture: Image.Image, kind: str) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **({"quality": 95} if kind == "JPEG" else {}))
    return file.getvalue()


def _random_pixels(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, size=shape, dtype=np.uint8)


def test_statistics_from_metadata():
    """JSON has lists, and more keys."""
    values = dict(
        photo_mean=[0.5, 0.4, 0.3], photo_scale=0.7, sketch_mean=[0.1], sketch_scale=0.9, train=3
    )
    assert Statistics.from_dict(values) == STATISTICS


def test_photo_is_decoded_to_0_to_1():
    picture = Image.new("RGB", (16, 16), (255, 0, 51))
    decoded = preprocessing.decode_photo(_encoded(picture, "JPEG"))
    np.testing.assert_allclose(decoded, np.broadcast_to([1.0, 0.0, 0.2], [16, 16, 3]), atol=0.02)


def test_photo_is_decoded_as_by_others():
    """Pillow is the truth; TensorFlow's default has a level less of red and of blue."""
    encoded = _encoded(
        Image.fromarray(_random_pixels(8, 8, 3)).resize((64, 64), Image.Resampling.BICUBIC), "JPEG"
    )
    levels = preprocessing.decode_photo(encoded).numpy() * 255 - np.asarray(
        Image.open(io.BytesIO(encoded)), float
    )
    assert np.abs(levels).max() < 3
    np.testing.assert_allclose(levels.mean((0, 1)), 0, atol=0.2)


def test_sketch_is_decoded_inverted():
    """White paper is 0, black ink is 1, and so is every grey between."""
    pixels = _random_pixels(8, 6)
    decoded = preprocessing.decode_sketch(_encoded(Image.fromarray(pixels), "PNG"))
    np.testing.assert_allclose(decoded, 1 - pixels[..., None] / 255, atol=1e-3)


GREY = np.full([16, 16], 255, np.uint8)
GREY[4:12, 6:10] = 0  # a stroke


def _transparent_page() -> Image.Image:
    page = Image.new("RGBA", (16, 16), (0, 0, 0, 0))
    page.paste((0, 0, 0, 255), (6, 4, 10, 12))
    return page


KINDS = {
    "grey": (Image.fromarray(GREY), "PNG"),
    "colour": (Image.fromarray(GREY).convert("RGB"), "PNG"),
    "palette": (Image.fromarray(GREY).convert("P"), "PNG"),
    "bilevel": (Image.fromarray(GREY).convert("1"), "PNG"),
    "palette of two": (Image.fromarray(GREY).convert("RGB").quantize(2), "PNG"),
    "16 bits": (Image.fromarray(GREY.astype(np.uint16) * 257), "PNG"),
    "grey with opacity": (Image.fromarray(GREY).convert("LA"), "PNG"),
    "transparent page": (_transparent_page(), "PNG"),
    "jpeg": (Image.fromarray(GREY), "JPEG"),
}


@pytest.mark.parametrize("picture, kind", KINDS.values(), ids=KINDS.keys())
def test_the_same_sketch_in_every_kind_of_file(picture, kind):
    decoded = preprocessing.decode_sketch(_encoded(picture, kind)).numpy()[..., 0]
    np.testing.assert_allclose(decoded, 1 - GREY / 255, atol=0.1 if kind == "JPEG" else 1e-3)


def test_thin_ink_is_grey():
    picture = Image.new("RGBA", (2, 2), (0, 0, 0, 51))
    decoded = preprocessing.decode_sketch(_encoded(picture, "PNG"))
    np.testing.assert_allclose(decoded, np.full([2, 2, 1], 0.2), atol=1e-3)


def test_sketch_of_pixels_equals_the_sketch_of_their_file():
    pixels = _random_pixels(8, 8, 1)
    of_file = preprocessing.decode_sketch(_encoded(Image.fromarray(pixels[..., 0]), "PNG"))
    np.testing.assert_allclose(preprocessing.sketch_intensities(pixels), of_file, atol=2e-4)


def test_resize_is_antialiased():
    """A one-pixel checkerboard becomes its mean; picking pixels would keep its zeros and ones."""
    board = np.indices([256, 256]).sum(0)[..., None] % 2
    small = preprocessing.resize(tf.constant(board, tf.float32), 64).numpy()
    assert small.shape == (64, 64, 1)
    np.testing.assert_allclose(small[2:-2, 2:-2], 0.5, atol=0.01)


@pytest.mark.parametrize("size", [64, 128])
@pytest.mark.parametrize("channels", [1, 3])
def test_resize_is_that_of_pillow(size, channels):
    """Whose bilinear filter is a triangle as wide as the reduction, too."""
    picture = np.random.default_rng(0).uniform(size=[256, 256, channels]).astype(np.float32)
    planes = [Image.fromarray(picture[..., channel]) for channel in range(channels)]
    resized = [plane.resize((size, size), Image.Resampling.BILINEAR) for plane in planes]
    np.testing.assert_allclose(
        preprocessing.resize(picture, size), np.stack(resized, -1), atol=1e-5
    )


def test_resize_keeps_what_has_the_size():
    picture = tf.constant(_random_pixels(64, 64, 3) / 255, tf.float32)
    np.testing.assert_allclose(preprocessing.resize(picture, 64), picture, atol=1e-6)


def test_resize_keeps_the_aspect_on_paper():
    """A wide drawing full of ink: paper above and below."""
    small = preprocessing.resize(tf.ones([100, 200, 1]), 64).numpy()[..., 0]
    np.testing.assert_allclose(small[16:48], 1.0, atol=1e-5)
    np.testing.assert_array_equal(small[:16], 0.0)
    np.testing.assert_array_equal(small[48:], 0.0)


def test_photos_are_normalised():
    """(0.5, 0.4, 0.3) is the mean; 0.7 above it, where channel three reaches 1, is 1."""
    photos = tf.constant([[[[0.5, 0.4, 0.3], [1.0, 1.0, 1.0], [0.0, 0.0, 0.0]]]])
    expected = [
        [[[0.0, 0.0, 0.0], [0.5 / 0.7, 0.6 / 0.7, 1.0], [-0.5 / 0.7, -0.4 / 0.7, -0.3 / 0.7]]]
    ]
    np.testing.assert_allclose(
        preprocessing.normalize_photos(photos, STATISTICS), expected, atol=1e-6
    )


def test_sketches_are_normalised():
    sketches = tf.constant([0.1, 1.0, 0.0])[:, tf.newaxis]
    expected = [[0.0], [1.0], [-1 / 9]]
    np.testing.assert_allclose(
        preprocessing.normalize_sketches(sketches, STATISTICS), expected, atol=1e-6
    )


def test_photo_intensities_invert_the_normalisation_and_clip():
    photos = tf.constant(np.random.default_rng(0).uniform(size=[2, 4, 4, 3]), tf.float32)
    normalized = preprocessing.normalize_photos(photos, STATISTICS)
    np.testing.assert_allclose(
        preprocessing.photo_intensities(normalized, STATISTICS), photos, atol=1e-6
    )
    beyond = preprocessing.photo_intensities(
        tf.constant([[1.0, 1.0, 1.0], [-1.0, -1.0, -1.0]]), STATISTICS
    )
    np.testing.assert_allclose(beyond, [[1.0, 1.0, 1.0], [0.0, 0.0, 0.0]], atol=1e-6)


def test_paper_intensities_invert_the_normalisation_with_ink_dark():
    ink = tf.constant([[0.0], [0.25], [1.0]])
    normalized = preprocessing.normalize_sketches(ink, STATISTICS)
    np.testing.assert_allclose(
        preprocessing.paper_intensities(normalized, STATISTICS), 1 - ink, atol=1e-6
    )


@pytest.mark.parametrize("network", ["inception_v3", "inception_resnet_v2", "mobilenet"])
def test_application_range_is_that_of_the_applications(network):
    """Keras' own `preprocess_input` of the pixels is the truth."""
    pixels = _random_pixels(4, 4, 3)
    normalized = preprocessing.normalize_photos(tf.constant(pixels / 255, tf.float32), STATISTICS)
    expected = getattr(tf.keras.applications, network).preprocess_input(pixels.astype(np.float32))
    np.testing.assert_allclose(
        preprocessing.application_range(normalized, STATISTICS), expected, atol=1e-5
    )


def test_application_range_has_a_gradient_beyond_real_photos():
    photos = tf.constant([[3.0, -3.0, 0.0]])
    with tf.GradientTape() as tape:
        tape.watch(photos)
        pictures = preprocessing.application_range(photos, STATISTICS)
    np.testing.assert_allclose(tape.gradient(pictures, photos), [[1.4, 1.4, 1.4]], rtol=1e-6)


def test_pixels_survive_the_way_to_the_networks_and_back():
    """All 256 values, in every channel."""
    pixels = np.repeat(np.arange(256, dtype=np.uint8)[:, None, None], 3, -1)
    normalized = preprocessing.normalize_photos(tf.constant(pixels / 255, tf.float32), STATISTICS)
    back = preprocessing.to_pixels(preprocessing.photo_intensities(normalized, STATISTICS))
    assert back.dtype == tf.uint8
    np.testing.assert_array_equal(back, pixels)


def test_pixels_are_rounded_to_the_nearest():
    np.testing.assert_array_equal(
        preprocessing.to_pixels(tf.constant([0.0, 0.999, 0.6, 1.4]) / 255), [0, 1, 1, 1]
    )
