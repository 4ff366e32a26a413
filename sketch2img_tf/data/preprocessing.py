"""Pixels in and out: the only file that knows pixel ranges.

Training, evaluation, drawing and the exported graph all use these functions. They consist of
standard TensorFlow ops, except `normalize_sketch_on_host`.

Axes: B batch, H height, W width. Ranges:
- pixels: as in a file, uint8 in [0, 255]; sketches are black lines on white paper.
- intensities: float32 in [0, 1]; sketches are inverted, so that paper is 0 and ink is 1.
- normalised: intensities minus the mean, divided by the scale s = max(|min - mean|, |max - mean|):
  within [-1, 1], like the generator's tanh.

Sketches that are encoded as distance fields have a normalised range of their own: 1 on a line, -1
at `FARTHEST` of the side from the nearest line and beyond, and linear in between. Signed distances
are about 0 on a line; where the drawing encloses a place they rise to 1 at `FARTHEST`, outside they
fall to -1, so that an outline shows where one thing ends. Differs from SketchyGAN, which binarises
and measures at 256x256, divides by each picture's own greatest distance, and has -1 on the lines.
Here an additional stroke does not change the far side of the picture, and ink is the higher value,
as in line drawings. We measure after the resize, so that an exported model, which is given pixels,
sees exactly the fields of the training.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf

from sketch2img_tf.data import distance_field, silhouette

if TYPE_CHECKING:
    from sketch2img_tf.data.statistics import Statistics

FARTHEST = 0.25

# A quarter of full ink. It lies between two of the 256 levels, so that rounding a sketch to pixels
# neither makes nor breaks a line.
_LINE = 63.5 / 255

# ITU-R BT.601. The weights of tf.image.rgb_to_grayscale add up to 0.9999, so that white paper would
# have a little ink.
_LUMA = (0.299, 0.587, 0.114)


def decode_photo(encoded: tf.Tensor) -> tf.Tensor:
    """A JPEG, string [], to intensities, float32 [H, W, 3]."""
    # TensorFlow's default is a faster transform; red and blue are a level lower on average.
    pixels = tf.io.decode_jpeg(encoded, channels=3, dct_method="INTEGER_ACCURATE")
    return photo_intensities_of_pixels(pixels)


def decode_sketch(encoded: tf.Tensor) -> tf.Tensor:
    """A PNG or JPEG of any size and colour, string [], to intensities, float32 [H, W, 1].

    Transparent pixels are paper.
    """
    pixels = tf.cond(
        tf.io.is_jpeg(encoded), lambda: decode_photo(encoded), lambda: _decode_on_paper(encoded)
    )
    return 1.0 - grey(pixels)


def grey(intensities: tf.Tensor) -> tf.Tensor:
    """The brightness of colours, float32 [..., 3] to [..., 1]; a grey keeps its value."""
    return tf.reduce_sum(intensities * _LUMA, -1, keepdims=True)


def _decode_on_paper(encoded: tf.Tensor) -> tf.Tensor:
    pixels = tf.image.convert_image_dtype(tf.io.decode_png(encoded, channels=4), tf.float32)
    colour, opacity = pixels[..., :3], pixels[..., 3:]
    # For an opaque picture of 1, 2 or 4 bits TensorFlow gives an opacity of 1, 3 or 15 of 255.
    bits = tf.cast(tf.io.decode_raw(tf.strings.substr(encoded, 24, 1), tf.uint8)[0], tf.float32)
    opaque = tf.reduce_all(tf.abs(opacity * 255.0 - (2.0**bits - 1.0)) < 0.5)
    opacity = tf.where(opaque, 1.0, opacity)
    return colour * opacity + 1.0 - opacity


def photo_intensities_of_pixels(pixels: tf.Tensor) -> tf.Tensor:
    """Photos as pixels, uint8 [..., 3], to intensities of the same shape."""
    return tf.image.convert_image_dtype(pixels, tf.float32)


def sketch_intensities(pixels: tf.Tensor) -> tf.Tensor:
    """Sketches as pixels, uint8 [..., H, W, 1], to intensities of the same shape."""
    return 1.0 - tf.image.convert_image_dtype(pixels, tf.float32)


def measured_intensities(pixels: np.ndarray) -> np.ndarray:
    """Pixels, uint8 or means of several, to float64 in [0, 1] of the same shape, for metrics.

    A sketch is not inverted: paper is 1.
    """
    return pixels / 255.0


def resize(intensities: tf.Tensor, size: int) -> tf.Tensor:
    """Scales to float32 [size, size, channels], antialiased; pads with zeros what is not square.

    The aspect ratio is kept. Zero is paper for a sketch. The release's photos are square (256x256),
    so that they are not padded.
    """
    resized = tf.image.resize_with_pad(intensities, size, size, antialias=True)
    return tf.ensure_shape(resized, [size, size, intensities.shape[-1]])


def normalize_photos(intensities: tf.Tensor, statistics: Statistics) -> tf.Tensor:
    """Photos' intensities, float32 [..., 3], to the normalised range."""
    return (intensities - tf.constant(statistics.photo_mean)) / statistics.photo_scale


def normalize_sketches(intensities: tf.Tensor, statistics: Statistics) -> tf.Tensor:
    """Sketches' intensities, float32 [B, H, W, 1], to the range and encoding of the statistics."""
    lines = intensities > _LINE
    if statistics.sketch_encoding == "distance_field":
        return _normalize_distances(distance_field.distances(lines))
    if statistics.sketch_encoding == "signed_distance":
        return _normalize_signed_distances(
            distance_field.distances(lines), silhouette.outside(lines)
        )
    return (intensities - tf.constant(statistics.sketch_mean)) / statistics.sketch_scale


def normalize_sketch_on_host(intensities: tf.Tensor, statistics: Statistics) -> tf.Tensor:
    """`normalize_sketches` of one sketch, [H, W, 1]; uses TensorFlow Addons if installed."""
    lines = intensities > _LINE
    if statistics.sketch_encoding == "distance_field":
        return _normalize_distances(distance_field.distances_on_host(lines))
    if statistics.sketch_encoding == "signed_distance":
        outside = silhouette.outside(lines[tf.newaxis])[0]
        return _normalize_signed_distances(distance_field.distances_on_host(lines), outside)
    return normalize_sketches(intensities, statistics)


def _normalize_distances(distances: tf.Tensor) -> tf.Tensor:
    farthest_px = _farthest_px(distances)
    return 1.0 - 2.0 / farthest_px * tf.minimum(distances, farthest_px)


def _normalize_signed_distances(distances: tf.Tensor, outside: tf.Tensor) -> tf.Tensor:
    """Distances to the lines' outer edge: above 0 on a line and where enclosed, else below."""
    signed = tf.where(outside, 0.5 - distances, distances + 0.5)
    return tf.clip_by_value(signed / _farthest_px(distances), -1.0, 1.0)


def _farthest_px(sketches: tf.Tensor) -> float:
    return FARTHEST * sketches.shape[-2]


def photo_intensities(normalized: tf.Tensor, statistics: Statistics) -> tf.Tensor:
    """The inverse of `normalize_photos`, clipped to [0, 1], which a generator may leave."""
    photos = tf.cast(normalized, tf.float32) * statistics.photo_scale + tf.constant(
        statistics.photo_mean
    )
    return tf.clip_by_value(photos, 0.0, 1.0)


def application_range(normalized: tf.Tensor, statistics: Statistics) -> tf.Tensor:
    """Normalised photos to [-1, 1], black to white, for the networks of `tf.keras.applications`.

    Not clipped, unlike `photo_intensities`: a picture that leaves the range gets a gradient back
    into it.
    """
    return 2.0 * (normalized * statistics.photo_scale + tf.constant(statistics.photo_mean)) - 1.0


def application_range_of_pixels(pixels: tf.Tensor) -> tf.Tensor:
    """Photos as pixels, uint8 [..., 3], to the same range, [-1, 1]."""
    return 2.0 * tf.image.convert_image_dtype(pixels, tf.float32) - 1.0


def photo_pixels(normalized: tf.Tensor, statistics: Statistics) -> tf.Tensor:
    """Normalised photos, float32 [..., 3], to pixels, uint8 of the same shape."""
    return to_pixels(photo_intensities(normalized, statistics))


def paper_pixels(normalized: tf.Tensor, statistics: Statistics) -> tf.Tensor:
    """Normalised sketches, float32 [..., 1], to uint8 pixels of the same shape: black on white."""
    return to_pixels(paper_intensities(normalized, statistics))


def paper_intensities(normalized: tf.Tensor, statistics: Statistics) -> tf.Tensor:
    """Normalised sketches, float32 [..., 1], for people to look at: ink 0, paper 1.

    A distance field, signed or not, becomes its lines without their greys; these lines give the
    same field again.
    """
    if statistics.sketch_encoding == "distance_field":
        # A distance of less than half a pixel: on a line
        return tf.where(normalized > 1.0 - 1.0 / _farthest_px(normalized), 0.0, 1.0)
    if statistics.sketch_encoding == "signed_distance":
        return tf.where(
            (normalized > 0.0) & (normalized * _farthest_px(normalized) < 1.0), 0.0, 1.0
        )
    ink = normalized * statistics.sketch_scale + tf.constant(statistics.sketch_mean)
    return 1.0 - tf.clip_by_value(ink, 0.0, 1.0)


def to_pixels(intensities: tf.Tensor) -> tf.Tensor:
    """Intensities to uint8 pixels of the same shape, rounded to the nearest."""
    return tf.cast(tf.round(intensities * 255.0), tf.uint8)
