"""Functions with gradients that we define."""

from __future__ import annotations

from typing import Callable

import tensorflow as tf


def with_own_gradient(function: Callable) -> Callable:
    """`tf.custom_gradient` for functions of tensors only."""
    return tf.autograph.experimental.do_not_convert(tf.custom_gradient(function))
