"""How long does a train step take?

    python benchmarks/train_step.py --precision=mixed_bfloat16 --batch_size=16 --steps=5 \\
      --perceptual_weight=0

Sends random pictures through the real step, with every option of train.py; with
--flagfile=configs/NAME.flags it measures that run's step. `s_to_trace` is the time to trace the
graph; the first step, which prepares it, is left out. Prints one JSON object: among others the
multiply-adds of a step's convolutions and matrix products, without those of lazy penalties, the
multiply-adds per second, and their share of the rate of the fastest product of two matrices of the
same type, measured before and after the steps.
"""

import dataclasses
import json
import os
import resource
import statistics
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import sketch2img_tf.with_tensorflow  # noqa: F401 - checks the versions before other imports

# isort: split
import numpy as np
import tensorflow as tf
from absl import flags

from benchmarks import matrix_products
from sketch2img_tf import config as config_lib
from sketch2img_tf import errors
from sketch2img_tf.data.statistics import Statistics
from sketch2img_tf.devices import graph_cost, host_memory
from sketch2img_tf.networks import critic, perceptual
from sketch2img_tf.surroundings import progress
from sketch2img_tf.training.train_state import TrainState
from sketch2img_tf.training.train_step import TrainStep

_BATCH_SIZE = flags.DEFINE_integer("batch_size", 16, "Pictures per step.", lower_bound=1)
_STEPS = flags.DEFINE_integer("steps", 5, "Steps to measure, after the first.", lower_bound=1)
_CLASSES = 125
_EXAMPLES = 68_000  # per epoch, for lengths in epochs: about the release's training part
_STATISTICS = Statistics((0.5, 0.5, 0.5), 0.5, (0.0,), 1.0)


def main() -> None:
    """Measures and prints the result."""
    run = config_lib.from_flags()
    run = dataclasses.replace(
        run, training=dataclasses.replace(run.training, global_batch_size=_BATCH_SIZE.value)
    )
    run = run.in_steps(_EXAMPLES)
    perceptual.check_weights(run.losses)
    critic.check_weights(run.losses)
    num_classes = len(run.data.classes) or run.data.num_classes or _CLASSES
    state = TrainState(run, num_classes)
    step, batch = TrainStep(run, state, _STATISTICS), _random_batch(run, num_classes)
    dtype = state.generator.compute_dtype
    peaks = [matrix_products.rate(dtype)]
    started = time.perf_counter()
    graph = step.__call__.get_concrete_function(batch).graph
    to_trace = time.perf_counter() - started
    _seconds(step, batch)
    host_memory.give_back()  # as training does
    seconds = [_seconds(step, batch) for _ in progress.bar(range(_STEPS.value), unit="step")]
    peaks.append(matrix_products.rate(dtype))
    median = statistics.median(seconds)
    multiply_adds = graph_cost.count(graph)
    result = {
        "median_s_per_step": round(median, 4),
        "s_per_step": [round(value, 4) for value in seconds],
        "pictures_per_s": round(_BATCH_SIZE.value / median, 3),
        "s_to_trace": round(to_trace, 1),
        "precision": run.training.precision,
        "batch_size": _BATCH_SIZE.value,
        "base_width": run.network.base_width,
        "image_size": run.data.image_size,
        "classes": num_classes,
        "perceptual_weight": run.losses.perceptual_weight,
        "critic": run.losses.critic,
        "multiply_adds_g": round(multiply_adds / 1e9, 4),
        "multiply_adds_g_per_s": round(multiply_adds / median / 1e9, 2),
        "matrix_product_g_per_s": round(max(peaks) / 1e9, 1),
        "share_of_matrix_product": round(multiply_adds / median / max(peaks), 4),
        "generator_parameters": _parameters(state.generator),
        "discriminator_parameters": _parameters(state.discriminator),
        "critic_parameters": _parameters(state.critic) if state.critic else 0,
        "peak_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }
    print(json.dumps(result))


def _random_batch(run: config_lib.Config, num_classes: int) -> dict[str, tf.Tensor]:
    rng = np.random.default_rng(0)
    count, size = run.training.pictures_per_step, run.data.image_size
    pictures = {
        name: tf.constant(rng.uniform(-1, 1, [count, size, size, channels]), tf.float32)
        for name, channels in (("photos", 3), ("sketches", 1))
    }
    return {**pictures, "labels": tf.constant(rng.integers(num_classes, size=count))}


def _seconds(step: TrainStep, batch: dict[str, tf.Tensor]) -> float:
    start = time.perf_counter()
    tf.nest.map_structure(np.asarray, step(batch))  # waits for the device
    return time.perf_counter() - start


def _parameters(network: tf.keras.Model) -> int:
    return sum(int(np.prod(variable.shape)) for variable in network.trainable_variables)


if __name__ == "__main__":
    config_lib.define_flags()
    flags.adopt_module_key_flags(config_lib)
    errors.run(main)
