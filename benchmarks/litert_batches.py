"""Does a LiteRT model draw several pictures faster in one batch, in several threads, or one by one?

    taskset -c 0,1 python benchmarks/litert_batches.py [--base_width=64] [--seconds=5]

Converts an untrained generator for batches of several sizes, as export.py does for batches of one.
Measures the time per picture on one core. Then it uses all cores of the process: first by one
interpreter with a thread per core, which is how we run models, then by as many interpreters with
one thread each. Prints one JSON object.
"""

import concurrent.futures
import json
import os
import statistics
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import sketch2img_tf.with_tensorflow  # noqa: F401 - checks the versions before other imports

# isort: split
import numpy as np
import tensorflow as tf
from absl import flags

from sketch2img_tf import errors
from sketch2img_tf.config import Config, NetworkConfig
from sketch2img_tf.data.statistics import Statistics
from sketch2img_tf.export import lite_model
from sketch2img_tf.networks.generator import make_generator

_BASE_WIDTH = flags.DEFINE_integer(
    "base_width", 64, "Channels of the generator's first MRU.", lower_bound=1
)
_SECONDS = flags.DEFINE_float("seconds", 5, "Seconds to measure each case.", lower_bound=0)
_BATCH_SIZES = (1, 4, 8)
_CLASSES = 125
_STATISTICS = Statistics((0.5, 0.5, 0.5), 0.5, (0.0,), 1.0)


class Interpreter:
    """Draws batches of one fixed size."""

    def __init__(self, model: bytes, threads: int):
        self._interpreter = tf.lite.Interpreter(model_content=model, num_threads=threads)
        self._run = self._interpreter.get_signature_runner()
        random, shapes = np.random.default_rng(0), self._run.get_input_details()
        self._inputs = {
            "sketch": random.choice(np.uint8([0, 255]), shapes["sketch"]["shape"], p=[0.05, 0.95]),
            "label_id": random.integers(0, _CLASSES, shapes["label_id"]["shape"], np.int32),
            "noise": random.standard_normal(shapes["noise"]["shape"], np.float32),
        }
        self.size = len(self._inputs["label_id"])
        self.draw()  # the first call takes longer

    def draw(self) -> int:
        """Draws a batch and returns its number of pictures."""
        return len(self._run(**self._inputs)["photo"])


def main() -> None:
    """Measures and prints the result."""
    generator = make_generator(
        Config(network=NetworkConfig(base_width=_BASE_WIDTH.value)), _CLASSES
    )
    models = {size: lite_model.convert(generator, _STATISTICS, size) for size in _BATCH_SIZES}
    cores = len(os.sched_getaffinity(0))
    batches = {size: _ms_per_picture([Interpreter(model, 1)]) for size, model in models.items()}
    result = {"base_width": _BASE_WIDTH.value, "cores": cores, "one_thread_ms_by_batch": batches}
    if cores > 1:
        result["one_interpreter_ms"] = _ms_per_picture([Interpreter(models[1], cores)])
        result["interpreters_ms"] = _ms_per_picture(
            [Interpreter(models[1], 1) for _ in range(cores)]
        )
    print(json.dumps(result))


def _ms_per_picture(interpreters: list[Interpreter]) -> float:
    """The median over rounds; in a round all interpreters are called once, at the same time."""
    took = []
    with concurrent.futures.ThreadPoolExecutor(len(interpreters)) as pool:
        end = time.perf_counter() + _SECONDS.value
        while not took or time.perf_counter() < end:
            begun = time.perf_counter()
            pictures = sum(pool.map(Interpreter.draw, interpreters))
            took.append((time.perf_counter() - begun) / pictures)
    return round(1e3 * statistics.median(took), 1)


if __name__ == "__main__":
    errors.run(main)
