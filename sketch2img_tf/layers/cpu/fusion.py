"""Several operations on each element, in one pass through memory.

On CPUs TensorFlow makes a pass for every operation, and in bfloat16 many of them are slow; see
docs/performance.md. XLA compiles them to one pass, which computes in float32 for every input type.
Large tensors are worth this compiling; small ones go through TensorFlow's operations.

Axes: B batch, H and W positions, C channels. An argument is full, [B, H, W, C], or spread over the
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
# XLA is slow at sums over rows. So it only adds this many parts of the rows to each other, element
# by element, and TensorFlow sums the rest.
_PARTS = 4

Function = Callable[..., tf.Tensor]
Axes = Optional[tuple]  # to sum over; None: not at all


def fused(function: Function) -> Function:
    """The function with gradients of every order, which keep nothing but its arguments.

    Args:
      function: takes one or more full float tensors, then any that are spread; gives a full one of
        the first one's type. Each element depends on the same element of the arguments only. It
        reads no variable. Make it once: what is compiled for it is never freed.
    """

    @tf.autograph.experimental.do_not_convert
    def call(*arguments: tf.Tensor) -> tf.Tensor:
        if not _suits(arguments):
            return recomputed(function)(*arguments)
        (result,) = _call(_listed(function), (None,), (arguments[0].dtype,), arguments)
        return result

    return call


def summed(function: Function, axes: list[int], *arguments: tf.Tensor) -> tf.Tensor:
    """The sums of a function's elements over positions, and over the batch too if `axes` says so.

    Args:
      function: as for `fused`, from float32 to float32.
      axes: [1, 2] or [0, 1, 2].
      arguments: the function's arguments, float.

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
    """Whether to compile. No single picture is: it may be exported, but XLA's code cannot be."""
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
    """The function's results, which are full unless they are summed."""

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
    """The compiled function; a result that is to be summed is added up to one part of its rows."""

    def compiled(*arguments):
        wide = [tf.cast(each, tf.float32) for each in arguments]
        height = _shape(wide)[1]
        # We cut the arguments, not the result, into parts, each with its own operations. Otherwise
        # XLA would write the whole result to memory.
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
    """A function from `count` arguments and the results' gradients to the arguments', all full."""

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
    """The axes along which x has one value, but `shape` several; None if there are none."""
    axes = tuple(axis for axis in (0, 1, 2) if x.shape[axis] == 1 and shape[axis] > 1)
    return axes or None
