"""Hides messages that the libraries print at every log level."""

from __future__ import annotations

import functools

import tensorflow as tf

from sketch2img_tf.surroundings import standard_streams


@functools.cache
def first_compilation() -> None:
    """Compiles a tiny function with XLA, and hides the two lines of its first compilation."""
    # init_scope: not as a part of a graph that is being traced.
    with tf.init_scope(), standard_streams.silenced_stderr():
        tf.function(tf.negative, jit_compile=True, autograph=False)(tf.constant(1.0))
