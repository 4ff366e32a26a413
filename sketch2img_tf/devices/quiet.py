"""What the libraries would print in between whatever their log levels."""

from __future__ import annotations

import functools
import os

import tensorflow as tf


@functools.cache
def first_compilation() -> None:
    """Lets XLA compile next to nothing, while stderr leads nowhere: two lines tell of a process' first compilation."""
    with tf.init_scope():  # not into a graph that is being traced
        try:
            stderr = os.dup(2)
        except OSError:  # there is none to keep clean
            return
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 2)
        try:
            tf.function(tf.negative, jit_compile=True, autograph=False)(tf.constant(1.0))
        finally:
            os.dup2(stderr, 2)
            os.close(nowhere)
            os.close(stderr)
