"""What the libraries would print in between whatever their log levels."""

from __future__ import annotations

import functools

import tensorflow as tf

from sketch2img_tf.surroundings import standard_streams


@functools.cache
def first_compilation() -> None:
    """Lets XLA compile next to nothing, while stderr leads nowhere: two lines tell of a process' first compilation."""
    # Not into a graph that is being traced.
    with tf.init_scope(), standard_streams.silenced_stderr():
        tf.function(tf.negative, jit_compile=True, autograph=False)(tf.constant(1.0))
