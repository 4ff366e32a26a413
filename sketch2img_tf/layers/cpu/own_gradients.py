"""Gradients of our own, and where there are none of them."""

from __future__ import annotations

import contextlib
import contextvars
from collections.abc import Iterator
from typing import Callable

import tensorflow as tf

_LEFT_OUT = contextvars.ContextVar("left_out", default=False)


def with_own_gradient(function: Callable) -> Callable:
    """As `tf.custom_gradient`, of tensors alone; in `left_out()` the gradient is TensorFlow's."""
    with_gradient = tf.autograph.experimental.do_not_convert(tf.custom_gradient(function))

    @tf.autograph.experimental.do_not_convert
    def call(*arguments):
        return function(*arguments)[0] if _LEFT_OUT.get() else with_gradient(*arguments)

    return call


@contextlib.contextmanager
def left_out() -> Iterator[None]:
    """For graphs that are saved: a SavedModel would hold the own gradients too, which are many, and warn of them."""
    token = _LEFT_OUT.set(True)
    try:
        yield
    finally:
        _LEFT_OUT.reset(token)
