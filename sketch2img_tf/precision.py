"""The arithmetic of the networks: Keras' precision policies."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import tensorflow as tf


@contextlib.contextmanager
def policy(name: str) -> Iterator[None]:
    """Layers made inside compute in this type, "float32" or "mixed_bfloat16"; variables are float32 in both."""
    before = tf.keras.mixed_precision.global_policy()
    tf.keras.mixed_precision.set_global_policy(name)
    try:
        yield
    finally:
        tf.keras.mixed_precision.set_global_policy(before)
