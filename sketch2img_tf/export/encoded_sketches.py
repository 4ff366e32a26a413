"""Reads sketch files from anybody inside the exported graph: checks a header, then decodes.

Axes: B batch.
"""

from __future__ import annotations

import functools

import tensorflow as tf

from sketch2img_tf.data import preprocessing
from sketch2img_tf.export import sketch_limits
from sketch2img_tf.export.sketch_limits import MAX_BYTES, MAX_SIDE

_AT_ONCE = 4  # files decoded at the same time; it bounds a batch's memory

# The signature, then the length and the name of the chunk that always comes first (PNG
# specification, 5.2 and 11.2.1).
_PNG_START = b"\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR"


def read(encoded: tf.Tensor, size: int) -> tuple[tf.Tensor, tf.Tensor]:
    """PNG or JPEG files to sketches, and the problem of each bad file.

    Args:
      encoded: string [B].
      size: S, pixels of the side of the sketches.

    Returns:
      sketches: intensities, float32 [B, S, S, 1]; blank if the file is bad.
      problems: string [B]; empty if the file is good.
    """
    specs = (tf.TensorSpec([size, size, 1], tf.float32), tf.TensorSpec([], tf.string))
    one = functools.partial(_read_or_damaged, size=size)
    return tf.map_fn(one, encoded, fn_output_signature=specs, parallel_iterations=_AT_ONCE)


def _read_or_damaged(encoded: tf.Tensor, size: int) -> tuple[tf.Tensor, tf.Tensor]:
    # An error in a decoding op would end the whole batch. Only a Dataset can go on after one.
    result = (
        tf.data.Dataset.from_tensors(encoded)
        .map(functools.partial(_read, size=size))
        .ignore_errors()
    )
    damaged = tf.data.Dataset.from_tensors(_stand_in("the PNG or JPEG is damaged", size))
    return result.concatenate(damaged).take(1).get_single_element()


def _read(encoded: tf.Tensor, size: int) -> tuple[tf.Tensor, tf.Tensor]:
    problem = _problem(encoded, size)
    return tf.cond(
        problem == "", lambda: (_decode(encoded, size), problem), lambda: _stand_in(problem, size)
    )


def _problem(encoded: tf.Tensor, size: int) -> tf.Tensor:
    """What size and header forbid, string []; fails if there is no whole header."""
    is_large = tf.strings.length(encoded) > MAX_BYTES
    is_png = tf.strings.substr(encoded, 0, len(_PNG_START)) == _PNG_START
    return tf.case(
        [
            (is_large, lambda: tf.constant(sketch_limits.TOO_MANY_BYTES)),
            (is_png, lambda: _size_problem(_png_size(encoded), size)),
            (
                tf.io.is_jpeg(encoded),
                lambda: _size_problem(tf.image.extract_jpeg_shape(encoded)[:2], size),
            ),
        ],
        default=lambda: tf.constant("the sketch is neither PNG nor JPEG"),
    )


def _png_size(encoded: tf.Tensor) -> tf.Tensor:
    sides = tf.strings.substr(encoded, len(_PNG_START), 8)
    return tf.ensure_shape(tf.io.decode_raw(sides, tf.int32, little_endian=False), [2])


def _size_problem(sides: tf.Tensor, size: int) -> tf.Tensor:
    shorter, longer = tf.reduce_min(sides), tf.reduce_max(sides)
    # The shorter side keeps at least one pixel when it is scaled down
    fits = (shorter > 0) & (longer <= MAX_SIDE) & (longer <= size * shorter)
    return tf.where(fits, "", sketch_limits.wrong_sides(size))


def _decode(encoded: tf.Tensor, size: int) -> tf.Tensor:
    return preprocessing.resize(preprocessing.decode_sketch(encoded), size)


def _stand_in(problem: str | tf.Tensor, size: int) -> tuple[tf.Tensor, tf.Tensor]:
    return tf.zeros([size, size, 1]), tf.convert_to_tensor(problem)
