"""What a program's parameters and results are: run by JAX, it does to
the variables what TensorFlow does.
"""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from compiled_step import hlo
from sketch2img_tf.errors import UserError
from tests.paired import paired

_RUN = """
import sys, jax, numpy as np
from compiled_step.xla import Executable
folder = sys.argv[1]
program = Executable(open(folder + "/hlo", "rb").read(), jax.devices()[0], folder)
again = Executable(open(folder + "/hlo", "rb").read(), jax.devices()[0], folder)
with np.load(folder + "/inputs.npz") as inputs:
    arrays = [inputs[str(number)] for number in range(len(inputs.files))]
results, others = (
    [np.asarray(each) for each in run(*map(run.put, arrays))] for run in (program, again)
)
same = all((one == other).all() for one, other in zip(results, others))
assert same, "what was kept is another program"
np.savez(folder + "/results.npz", *results)
"""


class _Toy(tf.Module):
    """Variables of one shape: read only, written, written under a condition, and an integer."""

    def __init__(self):
        super().__init__()
        self.read, self.added, self.chosen = (
            tf.Variable(tf.fill([3], value)) for value in (1.0, 2.0, 3.0)
        )
        self.steps = tf.Variable(5, dtype=tf.int64)
        self.outside = tf.constant([10.0, 20.0, 30.0])

    def step(self, x: tf.Tensor) -> dict[str, tf.Tensor]:
        self._choose(x)
        self.added.assign_add(self.read * x + self.outside)
        self.steps.assign_add(1)
        return {"sum": tf.reduce_sum(self.added), "and": tf.reduce_sum(self.chosen)}

    @tf.function
    def _choose(self, x: tf.Tensor) -> None:
        if tf.reduce_sum(x) > 0.0:
            self.chosen.assign(-self.chosen * x)


def _results(program: hlo.Program, argument: np.ndarray, by_jax, folder) -> list[np.ndarray]:
    """What JAX makes of the program with this argument: its results, and the variables it writes.

    Checks that these are the toy's sums, and its three variables.
    """
    (folder / "hlo").write_bytes(program.hlo)
    inputs = [argument, *(np.asarray(each) for each in program.captured)]
    np.savez(folder / "inputs.npz", **{str(number): array for number, array in enumerate(inputs)})
    by_jax("-c", _RUN, folder)
    with np.load(folder / "results.npz") as file:
        results = [file[name] for name in file.files]
    assert program.results == ["and", "sum"] and len(results) == 2 + 3
    return results


def test_jax_does_to_the_variables_what_tensorflow_does(by_jax, tmp_path):
    toy, x = _Toy(), np.array([0.5, 1.0, 2.0], np.float32)
    program = hlo.compiled(toy.step, tf.TensorSpec([3]))
    assert {id(each) for each in program.written} == {
        id(each) for each in (toy.added, toy.chosen, toy.steps)
    }
    results = _results(program, x, by_jax, tmp_path)
    expected = toy.step(tf.constant(x))
    for name, found in paired(program.results, results[:2]):
        np.testing.assert_allclose(found, expected[name], rtol=1e-6)
    for variable, found in paired(program.written, results[2:]):
        np.testing.assert_allclose(found, variable, rtol=1e-6, err_msg=variable.name)


def test_a_loop_of_the_programs_own_is_as_many_calls(by_jax, tmp_path):
    toy, xs = _Toy(), np.array([[0.5, 1.0, 2.0], [-3.0, -1.0, 0.0], [1.0, 1.0, 1.0]], np.float32)
    program = hlo.compiled(hlo.repeated(toy.step, 3, ["and", "sum"]), tf.TensorSpec([3, 3]))
    assert {id(each) for each in program.written} == {
        id(each) for each in (toy.added, toy.chosen, toy.steps)
    }
    results = _results(program, xs, by_jax, tmp_path)
    expected = [toy.step(tf.constant(x)) for x in xs]
    for name, found in paired(program.results, results[:2]):
        np.testing.assert_allclose(found, [each[name] for each in expected], rtol=1e-6)
    for variable, found in paired(program.written, results[2:]):
        np.testing.assert_allclose(found, variable, rtol=1e-6, err_msg=variable.name)


def test_what_xla_cannot_do_is_a_line():
    with pytest.raises(UserError, match="XLA cannot compile .*EagerPyFunc.*; train"):
        hlo.compiled(lambda x: tf.py_function(lambda y: y, [x], tf.float32), tf.TensorSpec([3]))


def test_a_variable_reached_by_its_handle_alone_is_known_if_it_is_named():
    """As Adam's slots are, which nothing reads."""
    moved, slots = tf.Variable([1.0]), [tf.Variable([0.0]), tf.Variable([0.0])]

    def step(gradient: tf.Tensor) -> None:
        handles = dict(zip(("var", "m", "v"), (each.handle for each in [moved, *slots])))
        settings = dict(
            beta1_power=0.9, beta2_power=0.9, lr=0.1, beta1=0.9, beta2=0.9, epsilon=1e-7
        )
        tf.raw_ops.ResourceApplyAdam(**handles, **settings, grad=gradient)

    program = hlo.compiled(step, tf.TensorSpec([1]), variables=[moved, *slots])
    assert {id(each) for each in program.written} == {id(each) for each in [moved, *slots]}
