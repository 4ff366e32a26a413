"""Many operations on each element, in one pass through memory.

On CPUs TensorFlow makes a pass for every operation, and in bfloat16 many of them are slow; see
docs/performance.md. XLA compiles them to one, of large tensors, for which its compiling pays. It
computes in float32 whatever it is given. Of small tensors the operations are what they are.

Axes: B batch, H and W positions, C channels. Arguments are full, [B, H, W, C], or spread over
positions, [B or 1, 1, 1, C].
"""

from __future__ import annotations

import functools
from typing import Callable, Optional

import tensorflow as tf

from sketch2img_tf.layers.cpu.own_gradients import with_own_gradient
from sketch2img_tf.layers.cpu.recomputation import recomputed
from sketch2img_tf.layers.cpu.tracing import call_traced

_LARGE = 2**20  # elements
# XLA sums columns slowly. It adds these parts of the rows, element by element,
# and TensorFlow sums what is left.
_PARTS = 4

Function = Callable[..., tf.Tensor]
Axes = Optional[tuple]  # to sum over; None: not at all


def fused(function: Function) -> Function:
    """The function, with gradients of every order, for which only its arguments are kept.

    Args:
      function: of one full float tensor or more, then any that are spread, to a full one of the
        first one's type. Each element of it comes from the same element of the arguments. It reads
        no variable. Its module's own: what is compiled is kept for as long as the function is.
    """

    @tf.autograph.experimental.do_not_convert
    def call(*arguments: tf.Tensor) -> tf.Tensor:
        if not _suits(arguments):
            return recomputed(function)(*arguments)
        (result,) = _call(_listed(function), (None,), (arguments[0].dtype,), arguments)
        return result

    return call


def summed(function: Function, axes: list[int], *arguments: tf.Tensor) -> tf.Tensor:
    """The sums of a function's elements over positions, and over the batch too if axes say so.

    Args:
      function: as for `fused`, of float32 to float32.
      axes: [1, 2] or [0, 1, 2].
      arguments: the function's, float.

    Returns:
      float32 [B or 1, 1, 1, C].
    """
    if not _suits(arguments):
        return tf.reduce_sum(
            function(*(tf.cast(each, tf.float32) for each in arguments)), axes, keepdims=True
        )
    (result,) = _call(_listed(function), (tuple(axes),), (tf.float32,), arguments)
    return result


def _suits(arguments: tuple[tf.Tensor, ...]) -> bool:
    """What is of one picture is left as it is: it may be exported,
    and no export takes what XLA compiled.
    """
    shape = arguments[0].shape
    if not all(each.shape.is_fully_defined() for each in arguments):
        return False
    return (
        shape.rank == 4
        and shape[0] > 1
        and shape[1] % _PARTS == 0
        and shape.num_elements() >= _LARGE
    )


@tf.autograph.experimental.do_not_convert
def _call(
    function: Callable, sums: tuple[Axes, ...], dtypes: tuple[tf.DType, ...], arguments
) -> list[tf.Tensor]:
    """The function's results, all of them full if they are not summed."""

    @with_own_gradient
    def call(*arguments):
        def gradient(*upstreams):
            shape = _shape([*arguments, *upstreams])
            of_arguments = tuple(_spread_over(each, shape) for each in arguments)
            types = tuple(each.dtype for each in arguments)
            return _call(
                _gradient(function, len(arguments)), of_arguments, types, (*arguments, *upstreams)
            )

        return _computed(function, sums, dtypes, arguments), gradient

    results = call(*arguments)
    return list(results) if isinstance(results, (list, tuple)) else [results]


def _computed(function, sums, dtypes, arguments) -> list[tf.Tensor]:
    results = call_traced(_compiled(function, sums, dtypes), *arguments)
    return [
        result if axes is None else tf.cast(tf.reduce_sum(result, axes, keepdims=True), dtype)
        for result, axes, dtype in zip(results, sums, dtypes)
    ]


@functools.cache
def _compiled(function, sums, dtypes) -> tf.types.experimental.GenericFunction:
    """Of the same arguments: the function's results, those to be
    summed added up to one part of the rows.
    """

    def compiled(*arguments):
        wide = [tf.cast(each, tf.float32) for each in arguments]
        height = _shape(wide)[1]
        # The parts are of the arguments, each with operations of its own: else XLA
        # would write down all of a result.
        parts = (
            [function(*(_part(each, part, height) for each in wide)) for part in range(_PARTS)]
            if any(sums)
            else []
        )
        results = function(*wide)
        return [
            tf.cast(result, dtype) if axes is None else tf.add_n([part[number] for part in parts])
            for number, (result, axes, dtype) in enumerate(zip(results, sums, dtypes))
        ]

    return tf.function(compiled, jit_compile=True, autograph=False)


def _part(x: tf.Tensor, part: int, height: int) -> tf.Tensor:
    rows = height // _PARTS
    return x if x.shape[1] == 1 else x[:, part * rows : (part + 1) * rows]


@functools.cache
def _listed(function: Function) -> Callable:
    return lambda *arguments: [function(*arguments)]


@functools.cache
def _gradient(function: Callable, count: int) -> Callable:
    """Of the function's arguments, so many, and of the gradients of its
    results: those of its arguments, all full.
    """

    def gradient(*tensors):
        shape = _shape(tensors)
        full = [tf.broadcast_to(each, shape) for each in tensors]
        with tf.GradientTape() as tape:
            tape.watch(full[:count])
            results = function(*full[:count])
        return tape.gradient(results, full[:count], full[count:], unconnected_gradients="zero")

    return gradient


def _shape(tensors) -> tf.TensorShape:
    return functools.reduce(tf.broadcast_static_shape, [each.shape for each in tensors])


def _spread_over(x: tf.Tensor, shape: tf.TensorShape) -> Axes:
    """The axes along which it is the same everywhere."""
    axes = tuple(axis for axis in (0, 1, 2) if x.shape[axis] == 1 and shape[axis] > 1)
    return axes or None
