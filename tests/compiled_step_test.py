"""The train step's graph is one that a TPU takes: static shapes, standard ops, and XLA compiles the whole of it."""

from __future__ import annotations

import pathlib

import pytest
import tensorflow as tf

from sketch2img_tf import config as config_lib
from sketch2img_tf.data.statistics import Statistics
from sketch2img_tf.train_step import TrainState, TrainStep

FULL = pathlib.Path(__file__).resolve().parents[1] / "configs" / "full.flags"
BATCH, CLASSES = 2, 3
STATISTICS = Statistics((0.5, 0.5, 0.5), 0.5, (0.0,), 1.0)
HOST_OPS = {"PyFunc", "EagerPyFunc", "PyFuncStateless", "Print", "PrintV2"}
RAGGED_OPS = {"Where", "Unique", "UniqueV2"}  # only running them tells how much they give


def _spec(batch: int) -> dict[str, tf.TensorSpec]:
    return {
        "photos": tf.TensorSpec([batch, 64, 64, 3]),
        "sketches": tf.TensorSpec([batch, 64, 64, 1]),
        "labels": tf.TensorSpec([batch], tf.int64),
    }


def _step(**values) -> TrainStep:
    config = config_lib.from_dict(dict(base_width=4, global_batch_size=BATCH, perceptual_weight=0.0, **values))
    return TrainStep(config, TrainState(config, CLASSES), STATISTICS)


def _graphs(function) -> list:
    """The function's graph and those of all functions that it calls, as node lists."""
    definition = function.graph.as_graph_def()
    return [definition.node, *(called.node_def for called in definition.library.function)]


def test_no_op_of_the_host_and_no_shape_that_only_running_tells():
    step = _step(label_noise=0.1)
    function = step.__call__.get_concrete_function(_spec(BATCH))
    nodes = [node for graph in _graphs(function) for node in graph]
    assert len(nodes) > 2000
    assert (HOST_OPS | RAGGED_OPS) & {node.op for node in nodes} == set()
    assert not [node.op for node in nodes if node.op.startswith("Addons>")]
    unknown = [op.name for op in function.graph.get_operations() for out in _tensors(op) if not _is_static(out)]
    assert not unknown


def _tensors(op: tf.Operation) -> list[tf.Tensor]:
    """What it gives; not the scratch of fused batch norm's kernel, its sixth, nor the zeros in its gradient's place."""
    if op.type == "ZerosLike" and op.inputs[0].op.type == "FusedBatchNormV3":
        return []
    return op.outputs[:5] if op.type == "FusedBatchNormV3" else op.outputs


def _is_static(tensor: tf.Tensor) -> bool:
    return tensor.dtype in (tf.resource, tf.variant) or tensor.shape.is_fully_defined()


@pytest.mark.slow
def test_xla_compiles_the_full_runs_whole_step(tmp_path):
    """configs/full.flags, with its perceptual loss, at its own width; of a batch of two, which compiles alike."""
    lines = FULL.read_text().splitlines() + (FULL.parent / "base.flags").read_text().splitlines()
    flags = dict(line[2:].split("=") for line in lines if line.startswith("--") and "flagfile" not in line)
    values = {name: float(value) if _is_number(value) else value for name, value in flags.items()}
    values.update(base_width=int(values["base_width"]), global_batch_size=BATCH, perceptual_weights="random")
    values["train_steps"] = int(values["train_steps"])
    config = config_lib.from_dict(values)
    step = TrainStep(config, TrainState(config, 125), STATISTICS)
    compiled = tf.function(step._replica_step, jit_compile=True)
    batch = {name: tf.zeros(spec.shape, spec.dtype) for name, spec in _spec(BATCH).items()}
    text = compiled.experimental_get_compiler_ir(batch)(stage="optimized_hlo")
    assert "HloModule" in text and text.count("convolution") > 300


def _is_number(value: str) -> bool:
    return value.replace(".", "").replace("e-", "").isdigit()


@pytest.mark.slow
def test_several_steps_in_one_call_are_the_same_steps():
    examples = {name: tf.random.stateless_uniform([6, *spec.shape[1:]], [1, 2]) for name, spec in _spec(BATCH).items()}
    examples["labels"] = tf.constant([0, 1, 2, 2, 1, 0], tf.int64)
    batches = tf.data.Dataset.from_tensor_slices(examples).batch(BATCH, drop_remainder=True)
    one, many = _step(), _step()
    scalars = [one(batch) for batch in batches]
    means = many.several(iter(batches), 3)
    for name, value in means.items():
        assert float(value) == pytest.approx(sum(float(each[name]) for each in scalars) / 3, rel=1e-4, abs=1e-6), name
    assert int(many.state.step) == 3
    for expected, found in zip(one.state.generator.variables, many.state.generator.variables):
        tf.debugging.assert_near(expected, found, rtol=1e-4, atol=1e-5)
