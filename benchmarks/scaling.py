"""To how many devices does a run scale? Calculates this from what a step computes and exchanges,
and from the figures of some machines.

    python benchmarks/scaling.py --flagfile=configs/full.flags --perceptual_weight=0

Traces the real step on two replicas without running it, and counts: the multiply-adds per picture,
the bytes that all replicas sum or average, and the number of exchanges. With --dragan_every_steps
above 1, the exchanges are those of a step with the penalties, and the multiply-adds those of a step
without them. It assumes that devices reach a share (--utilization) of the vendors' peaks, and that
nothing is computed during an exchange. For each machine it gives the efficiency at --batch_size
pictures per device, the batch per device for 90 %, and the link for which --batch_size pictures are
enough. Takes every option of train.py. Prints one JSON object.
"""

import dataclasses
import json
import math
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import sketch2img_tf.with_tensorflow  # noqa: F401 - checks the versions before other imports

# isort: split
import tensorflow as tf
from absl import flags

from benchmarks.ring import MACHINES, Machine, Step
from sketch2img_tf import config as config_lib
from sketch2img_tf import errors
from sketch2img_tf.data.statistics import Statistics
from sketch2img_tf.devices import graph_cost, hardware
from sketch2img_tf.training.train_state import TrainState
from sketch2img_tf.training.train_step import TrainStep

_BATCH_SIZE = flags.DEFINE_integer("batch_size", 16, "Pictures per device and step.", lower_bound=1)
_UTILIZATION = flags.DEFINE_float(
    "utilization", 0.3, "Share of its peak speed that a device reaches.", lower_bound=0.01
)
_CLASSES = 125
_EXAMPLES = 68_000  # per epoch, for lengths in epochs: about the release's training part
_REPLICAS = 2
_STATISTICS = Statistics((0.5, 0.5, 0.5), 0.5, (0.0,), 1.0)
_GOAL = 0.9


class _Counting(tf.distribute.ReductionToOneDevice):
    """Notes the bytes of every exchange; tensors that are reduced together count as one message."""

    def __init__(self):
        super().__init__()
        self.messages = []

    def reduce_implementation(self, reduce_op, per_replica_value, destinations, options):
        before = len(self.messages)
        result = super().reduce_implementation(reduce_op, per_replica_value, destinations, options)
        # This class broadcasts what it has reduced; that is no message of its own
        self.messages[before:] = [_bytes(per_replica_value)]
        return result

    def batch_reduce_implementation(self, reduce_op, value_destination_pairs, options):
        before = len(self.messages)
        results = super().batch_reduce_implementation(reduce_op, value_destination_pairs, options)
        self.messages[before:] = [sum(self.messages[before:])]
        return results

    def broadcast_implementation(self, tensor, destinations):
        self.messages.append(_bytes(tensor))
        return super().broadcast_implementation(tensor, destinations)


def main() -> None:
    """Counts, calculates and prints the result."""
    run = config_lib.from_flags()
    batch = _REPLICAS * _BATCH_SIZE.value
    run = dataclasses.replace(
        run, training=dataclasses.replace(run.training, global_batch_size=batch)
    )
    run = run.in_steps(_EXAMPLES)
    step = traced(run)
    result = {
        "multiply_adds_a_picture_g": round(step.multiply_adds / 1e9, 1),
        "exchanged_mb": round(step.exchanged / 1e6, 2),
        "exchanges": step.exchanges,
        "utilization": _UTILIZATION.value,
        "batch_size_a_device": _BATCH_SIZE.value,
        "machines": {name: _on(machine, step) for name, machine in MACHINES.items()},
    }
    print(json.dumps(result))


def traced(run: config_lib.Config) -> Step:
    """One step of this run, traced on two replicas that share its batch."""
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(
        cpu, [tf.config.LogicalDeviceConfiguration()] * _REPLICAS
    )
    counting = _Counting()
    strategy = tf.distribute.MirroredStrategy(["cpu:0", "cpu:1"], cross_device_ops=counting)
    with strategy.scope():
        step = TrainStep(
            run,
            TrainState(run, len(run.data.classes) or run.data.num_classes or _CLASSES),
            _STATISTICS,
        )
    counting.messages.clear()
    own, size = run.training.pictures_per_step // _REPLICAS, run.data.image_size
    batches = strategy.distribute_datasets_from_function(lambda context: _blank(own, size))
    with hardware.for_accelerators():
        graph = step.__call__.get_concrete_function(iter(batches).element_spec).graph
    return Step(
        graph_cost.count(graph) / run.training.global_batch_size,
        sum(counting.messages),
        len(counting.messages),
    )


def _blank(count: int, size: int) -> tf.data.Dataset:
    photo, sketch = tf.zeros([size, size, 3]), tf.zeros([size, size, 1])
    example = {"photos": photo, "sketches": sketch, "labels": tf.zeros([], tf.int64)}
    return tf.data.Dataset.from_tensors(example).repeat().batch(count, drop_remainder=True)


def _bytes(value) -> int:
    """The bytes that one replica has."""
    own = getattr(value, "values", [value])[0]
    return own.shape.num_elements() * own.dtype.size


def _on(machine: Machine, step: Step) -> dict[str, float]:
    batch, utilization = _BATCH_SIZE.value, _UTILIZATION.value
    link = step.link_for(_GOAL, machine, batch, utilization)
    return {
        "computing_ms": round(1e3 * step.computing(machine, batch, utilization), 1),
        "exchanging_ms": round(1e3 * step.exchanging(machine), 1),
        "efficiency": float(f"{step.efficiency(machine, batch, utilization):.3g}"),
        "batch_for_90_percent": step.batch_for(_GOAL, machine, utilization),
        "link_for_90_percent_gb_per_s": round(link / 1e9, 1) if math.isfinite(link) else None,
    }


if __name__ == "__main__":
    config_lib.define_flags()
    flags.adopt_module_key_flags(config_lib)
    errors.run(main)
