"""float64 wherever the code says float32, so that what differs is no rounding.

In float32 two devices differ from one by what rounding makes of a sum in another order, and by far
more once a value lies so near to a kink of |x| or ReLU that this decides on a sign. In float64 the
rounding is 5e8 times smaller; a gradient that is averaged twice differs as before.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from unittest import mock

import numpy as np
import tensorflow as tf
from tensorflow.python.framework import constant_op

from sketch2img_tf.devices import precision

_constant, _one_hot, _resize, _loss_scale = (
    tf.constant,
    tf.one_hot,
    tf.image.resize,
    precision.loss_scale,
)


@contextlib.contextmanager
def in_doubles() -> Iterator[None]:
    """What is made, or traced, in this context is float64, whichever Keras policy it asks for.

    The inputs have to be float64 already.
    """
    before = tf.keras.backend.floatx()
    tf.keras.backend.set_floatx("float64")
    with contextlib.ExitStack() as patches:
        for owner, name, value in (
            (tf, "float32", tf.float64),
            (tf, "zeros", _of_doubles(tf.zeros)),
            (tf, "ones", _of_doubles(tf.ones)),
            (tf, "one_hot", _one_hot_of_doubles),
            (tf, "constant", _constant_of_doubles),
            # Of Python's numbers among the arguments
            (constant_op, "constant", _constant_of_doubles),
            (tf.image, "resize", lambda images, size: tf.cast(_resize(images, size), tf.float64)),
            (tf.keras.mixed_precision.Policy, "compute_dtype", "float64"),
            (tf.keras.mixed_precision.Policy, "variable_dtype", "float64"),
            (
                precision,
                "loss_scale",
                lambda optimizer: tf.cast(_loss_scale(optimizer), tf.float64),
            ),
        ):
            patches.enter_context(mock.patch.object(owner, name, value))
        try:
            yield
        finally:
            tf.keras.backend.set_floatx(before)


def doubles(batch: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    """The batch with its float32 as float64."""
    return {k: tf.cast(v, tf.float64) if v.dtype.is_floating else v for k, v in batch.items()}


def _of_doubles(function):
    return lambda shape, dtype=tf.float64: function(shape, dtype)


def _one_hot_of_doubles(indices, depth, dtype=tf.float64) -> tf.Tensor:
    return _one_hot(indices, depth, dtype=dtype)


def _constant_of_doubles(value, dtype=None, *arguments, **named) -> tf.Tensor:
    plain = isinstance(value, (float, list, tuple, np.ndarray, np.floating))
    if dtype is None and plain and np.asarray(value).dtype.kind == "f":
        dtype = tf.float64
    return _constant(value, dtype, *arguments, **named)
