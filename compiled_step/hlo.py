"""A TensorFlow function as XLA's HLO, and the meaning of its parameters and results."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Callable

import tensorflow as tf
from tensorflow.compiler.xla.service import hlo_pb2
from tensorflow.python.framework import auto_control_deps_utils

from sketch2img_tf.errors import UserError


@dataclasses.dataclass(frozen=True)
class Program:
    """HLO: its parameters are the arguments, then `captured`; its results, then `written`.

    Attributes:
      hlo: an HloModuleProto, serialised.
      captured: the variables, and constants from outside the function.
      written: those variables that a run changes.
      results: the names in the dict of tensors that the function returns; empty if it has no names.
    """

    hlo: bytes
    captured: list[tf.Variable | tf.Tensor]
    written: list[tf.Variable]
    results: list[str]


def compiled(
    function: Callable, *specs: tf.TensorSpec, variables: Iterable[tf.Variable] = ()
) -> Program:
    """Compiles `function` for arguments of these shapes and types.

    Args:
      function: the function to compile.
      specs: of its arguments.
      variables: those that it may reach by their handles only, as Adam does its slots: a graph does
        not know them.

    Raises:
      UserError: XLA has no kernel for an operation of it.
    """
    compilable = tf.function(function, jit_compile=True)
    concrete = compilable.get_concrete_function(*specs)
    blank = [tf.zeros(spec.shape, spec.dtype) for spec in specs]
    try:
        hlo = compilable.experimental_get_compiler_ir(*blank)(stage="hlo_serialized")
    except ValueError as error:
        raise UserError(
            f"XLA cannot compile this run's step ({str(error).splitlines()[0]}); train it with"
            " train.py"
        ) from None
    graph = concrete.graph
    of_handles = {id(variable.handle): variable for variable in [*graph.variables, *variables]}
    captured = [of_handles.get(id(outside), outside) for outside in concrete.captured_inputs]
    first = len(graph.inputs) - len(captured)
    # XLA's bridge returns the variables that are written in the order of the parameters.
    read_only = set(auto_control_deps_utils.get_read_only_resource_input_indices_graph(graph))
    written = [
        each
        for number, each in enumerate(captured, first)
        if isinstance(each, tf.Variable) and number not in read_only
    ]
    results = concrete.structured_outputs
    return Program(
        _portable(hlo), captured, written, sorted(results) if isinstance(results, dict) else []
    )


def repeated(function: Callable, count: int, names: list[str]) -> Callable:
    """A function that calls `function` in a loop within the program.

    Args:
      function: from tensors to a dict of scalars, float32 [].
      count: the number of calls.
      names: the names of the scalars.

    Returns:
      A function of the same tensors, stacked for all calls, [count, ...], that gives the scalars of
      all calls, float32 [count].
    """

    def loop(*arguments: tf.Tensor) -> dict[str, tf.Tensor]:
        def once(i: tf.Tensor, table: tf.TensorArray) -> tuple[tf.Tensor, tf.TensorArray]:
            scalars = function(*(tf.gather(argument, i) for argument in arguments))
            return i + 1, table.write(i, tf.stack([scalars[name] for name in names]))

        table = tf.TensorArray(tf.float32, count, element_shape=[len(names)])
        start = tf.constant(0), table
        _, table = tf.while_loop(lambda i, _: i < count, once, start, parallel_iterations=1)
        return dict(zip(names, tf.unstack(table.stack(), axis=1)))

    return loop


def _portable(hlo: bytes) -> bytes:
    """The HLO without copies, which JAX from 0.11 on cannot read; a reshape replaces each."""
    module = hlo_pb2.HloModuleProto.FromString(hlo)
    for computation in module.computations:
        for instruction in computation.instructions:
            if instruction.opcode == "copy":
                instruction.opcode = "reshape"
    return module.SerializeToString()
