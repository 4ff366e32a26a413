"""What holds of every picture, whatever its size, its pixels and the data's statistics."""

from __future__ import annotations

import io

import numpy as np
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

from sketch2img_tf.data import preprocessing
from sketch2img_tf.data.statistics import Statistics

# The same pictures each time, however slow the computer.
SETTINGS = settings(max_examples=40, deadline=None, derandomize=True)
SIDES = st.integers(1, 40)


def _pictures(channels: int, sides=SIDES):
    return st.tuples(sides, sides).flatmap(
        lambda shape: arrays.arrays(np.uint8, (*shape, channels))
    )


@st.composite
def _statistics(draw) -> Statistics:
    """Means anywhere in [0, 1], with the scale that a whole range of intensities has about them."""
    photo_mean = tuple(draw(st.floats(0.0, 1.0, width=32)) for _ in range(3))
    sketch_mean = (draw(st.floats(0.0, 1.0, width=32)),)
    return Statistics(photo_mean, _scale(photo_mean), sketch_mean, _scale(sketch_mean))


def _scale(means: tuple[float, ...]) -> float:
    return max(max(abs(0.0 - mean), abs(1.0 - mean)) for mean in means)


@SETTINGS
@given(_pictures(3), _statistics())
def test_normalising_photos_keeps_them_within_one_and_comes_back_to_the_pixel(pixels, statistics):
    normalized = preprocessing.normalize_photos(
        tf.image.convert_image_dtype(pixels, tf.float32), statistics
    )
    assert np.abs(normalized).max() <= 1 + 1e-6
    np.testing.assert_array_equal(preprocessing.photo_pixels(normalized, statistics), pixels)


@SETTINGS
@given(_pictures(1), _statistics())
def test_normalising_sketches_comes_back_to_the_pixel(pixels, statistics):
    intensities = preprocessing.sketch_intensities(tf.constant(pixels))
    normalized = preprocessing.normalize_sketches(intensities[tf.newaxis], statistics)
    assert np.abs(normalized).max() <= 1 + 1e-6
    np.testing.assert_array_equal(preprocessing.paper_pixels(normalized, statistics)[0], pixels)


@SETTINGS
@given(
    arrays.arrays(
        np.float32, st.tuples(SIDES, SIDES, st.just(1)), elements=st.floats(0, 1, width=32)
    )
)
def test_resizing_invents_no_ink_that_is_darker_or_paper_that_is_brighter(ink):
    resized = preprocessing.resize(tf.constant(ink), 64).numpy()
    assert resized.shape == (64, 64, 1)
    assert -1e-5 <= resized.min() and resized.max() <= ink.max() + 1e-5


@SETTINGS
@given(_pictures(4))
def test_a_png_with_opacity_is_what_pillow_puts_on_white_paper(pixels):
    file = io.BytesIO()
    Image.fromarray(pixels, "RGBA").save(file, "PNG")
    paper = Image.new("RGBA", pixels.shape[1::-1], "white")
    expected = np.asarray(
        Image.alpha_composite(paper, Image.fromarray(pixels, "RGBA")).convert("RGB"), np.float64
    )
    expected = 1 - expected @ [0.299, 0.587, 0.114] / 255
    found = preprocessing.decode_sketch(file.getvalue())[..., 0]
    # Pillow rounds to pixels on its way
    np.testing.assert_allclose(found, expected, atol=1.5 / 255)
