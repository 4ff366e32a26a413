"""The train step's graph is one that a TPU takes: static shapes, standard
ops, and XLA compiles the whole of it.
"""

from __future__ import annotations

import json
import pathlib

import numpy as np
import pytest
import tensorflow as tf

from sketch2img_tf import config as config_lib
from sketch2img_tf.data.statistics import Statistics
from sketch2img_tf.devices import hardware
from sketch2img_tf.training.train_state import TrainState
from sketch2img_tf.training.train_step import TrainStep
from tests.paired import paired

pytestmark = pytest.mark.ci

CONFIGS = pathlib.Path(__file__).resolve().parents[2] / "configs"
BATCH, CLASSES = 2, 3
STATISTICS = Statistics((0.5, 0.5, 0.5), 0.5, (0.0,), 1.0)
HOST_OPS = {"PyFunc", "EagerPyFunc", "PyFuncStateless", "Print", "PrintV2"}
FLOAT32_OPS = {
    *("Abs", "Exp", "Log1p", "Mean", "SparseSoftmaxCrossEntropyWithLogits"),  # losses
    *("RealDiv", "Sqrt", "Square"),  # the penalty, power iteration and its kernels' norms, Adam
    *("Rsqrt", "SquaredDifference"),  # the norms' statistics
    *("AssignVariableOp", "ReadVariableOp", "Tanh"),  # all that is kept, averages too; the picture
}
RAGGED_OPS = {"Where", "Unique", "UniqueV2"}  # only running them tells how much they give


def _spec(batch: int) -> dict[str, tf.TensorSpec]:
    return {
        "photos": tf.TensorSpec([batch, 64, 64, 3]),
        "sketches": tf.TensorSpec([batch, 64, 64, 1]),
        "labels": tf.TensorSpec([batch], tf.int64),
    }


def _step(**values) -> TrainStep:
    config = config_lib.from_dict(
        dict(base_width=4, global_batch_size=BATCH, perceptual_weight=0.0, **values)
    )
    return TrainStep(config, TrainState(config, CLASSES), STATISTICS)


def _graphs(graph: tf.Graph) -> list:
    """The graph and those of all functions that it calls, as node lists."""
    definition = graph.as_graph_def()
    return [definition.node, *(called.node_def for called in definition.library.function)]


@pytest.fixture(scope="module")
def traced():
    """The graph of a whole step as configs/tpu.flags has it, in
    bfloat16, for devices that have it; narrow.
    """
    step = _step(label_noise=0.1, precision="mixed_bfloat16")
    with hardware.for_accelerators():
        return step.__call__.get_concrete_function(_spec(BATCH)).graph


def test_no_op_of_the_host_and_no_shape_that_only_running_tells(traced):
    nodes = [node for graph in _graphs(traced) for node in graph]
    assert len(nodes) > 2000
    assert (HOST_OPS | RAGGED_OPS) & {node.op for node in nodes} == set()
    assert not [node.op for node in nodes if node.op.startswith("Addons>")]
    unknown = [
        op.name for op in traced.get_operations() for out in op.outputs if not _is_static(out)
    ]
    assert not unknown


def _is_static(tensor: tf.Tensor) -> bool:
    return tensor.dtype in (tf.resource, tf.variant) or tensor.shape.is_fully_defined()


def test_bfloat16_is_for_convolutions_and_what_lies_between_them(traced):
    """Losses, penalty, norms' statistics, power iteration, updates and
    averages are float32, and the last layers.
    """
    operations = traced.get_operations()
    half = {
        op.name
        for op in operations
        if tf.bfloat16 in {tensor.dtype for tensor in [*op.inputs, *op.outputs]}
    }
    assert {op.type for op in operations if op.name not in half} >= FLOAT32_OPS
    assert {op.type for op in operations if op.name in half} & FLOAT32_OPS == set()
    convolutions = {op.name for op in operations if op.type.startswith("Conv2D")}
    assert len(convolutions) > 100 and convolutions - half == {
        name for name in convolutions if "to_rgb/" in name
    }
    for layer in ("to_rgb/", "real_head/", "class_head/"):
        of_layer = [op for op in operations if layer in op.name]
        assert of_layer and not [
            op.name for op in of_layer if op.name in half and op.type != "Cast"
        ]


def _values(name: str) -> dict[str, object]:
    """What a flagfile says, together with base.flags."""
    lines = [
        line
        for file in ("base", name)
        for line in (CONFIGS / f"{file}.flags").read_text().splitlines()
    ]
    given = dict(
        line[2:].split("=") for line in lines if line.startswith("--") and "flagfile" not in line
    )
    return {
        flag: json.loads(value) if _is_number(value) else value for flag, value in given.items()
    }


def _is_number(value: str) -> bool:
    return value.replace(".", "").replace("e-", "").isdigit()


@pytest.mark.parametrize("name, batch", [("multi_worker", 2 * 16), ("tpu", 8 * 16)])
def test_flagfiles_for_several_devices_are_the_full_run_on_them(name, batch):
    full, several = (config_lib.from_dict(_values(each)) for each in ("full", name))
    assert (several.training.strategy, several.training.global_batch_size) == (name, batch)
    assert (several.network, several.losses, several.data) == (full.network, full.losses, full.data)


@pytest.mark.slow
def test_xla_compiles_the_full_runs_whole_step():
    """configs/full.flags, with its perceptual loss, at its own width; of a batch of two, which
    compiles alike.

    As a TPU traces it: convolutions by tiles are for CPUs.
    """
    config = config_lib.from_dict(
        {**_values("full"), "global_batch_size": BATCH, "perceptual_weights": "random"}
    )
    step = TrainStep(config, TrainState(config, 125), STATISTICS)
    compiled = tf.function(lambda given: step(given), autograph=False, jit_compile=True)
    batch = {name: tf.zeros(spec.shape, spec.dtype) for name, spec in _spec(BATCH).items()}
    with hardware.for_accelerators():
        text = compiled.experimental_get_compiler_ir(batch)(stage="optimized_hlo")
    assert "HloModule" in text and text.count("convolution") > 300


@pytest.mark.slow
def test_several_steps_in_one_call_are_the_same_steps():
    examples = {
        name: tf.random.stateless_uniform([6, *spec.shape[1:]], [1, 2])
        for name, spec in _spec(BATCH).items()
    }
    examples["labels"] = tf.constant([0, 1, 2, 2, 1, 0], tf.int64)
    batches = tf.data.Dataset.from_tensor_slices(examples).batch(BATCH, drop_remainder=True)
    one, many = _step(), _step()
    scalars = [one(batch) for batch in batches]
    values, last = many.several(iter(batches), 3)
    assert values.keys() == scalars[0].keys()
    for name, value in values.items():
        expected = [float(each[name]) for each in scalars]
        np.testing.assert_allclose(value, expected, rtol=1e-4, atol=1e-6, err_msg=name)
    for name, of_three in examples.items():
        np.testing.assert_array_equal(last[name], of_three[2 * BATCH :])
    assert int(many.state.step) == 3
    for expected, found in paired(one.state.generator.variables, many.state.generator.variables):
        tf.debugging.assert_near(expected, found, rtol=1e-4, atol=1e-5)
