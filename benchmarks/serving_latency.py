"""How long does an exported model take per picture, compared with its multiply-adds alone?

    python benchmarks/serving_latency.py [--base_width=64] [--seconds=12]

Exports an untrained generator in both formats, then sends it batches of sketches for some seconds
each: PNG bytes in, PNG bytes out. TensorFlow Lite draws the pictures of a batch one by one. The
yardstick is the time for the generator's multiply-adds at the rate of the fastest of some float32
matrix products, measured in the same run. Also runs generate.py, from its start to its one picture.
Uses the cores that the process may use: on a larger computer run
`taskset -c 0,1 python benchmarks/serving_latency.py`. Prints one JSON object.
"""

import io
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time
from typing import Callable

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import sketch2img_tf.with_tensorflow  # noqa: F401 - checks the versions before other imports

# isort: split
import numpy as np
import tensorflow as tf
from absl import flags
from PIL import Image

from benchmarks import matrix_products
from sketch2img_tf import errors
from sketch2img_tf.config import Config, NetworkConfig
from sketch2img_tf.data.statistics import Statistics
from sketch2img_tf.devices import graph_cost, hardware
from sketch2img_tf.export import exported_model, lite_model, warm_up
from sketch2img_tf.inference.local_model import LocalModel
from sketch2img_tf.networks.generator import Generator, make_generator
from sketch2img_tf.run_folder.run_card import Card
from sketch2img_tf.surroundings import progress

_BASE_WIDTH = flags.DEFINE_integer(
    "base_width", 64, "Channels of the generator's first MRU.", lower_bound=1
)
_SECONDS = flags.DEFINE_float("seconds", 12, "Seconds to measure each batch size.", lower_bound=0)
_BATCH_SIZES = (1, 8, 32)
_CLASSES = 125
_ROOT = pathlib.Path(__file__).resolve().parents[1]

Draw = Callable[[list[bytes]], list[bytes]]


def main() -> None:
    """Measures and prints the result."""
    config = Config(network=NetworkConfig(base_width=_BASE_WIDTH.value))
    names = tuple(f"class {number}" for number in range(_CLASSES))
    card = Card(config, names, Statistics((0.5, 0.5, 0.5), 0.5, (0.0,), 1.0))
    generator = make_generator(config, _CLASSES)
    with tempfile.TemporaryDirectory() as folder:
        saved = exported_model.export(generator, card, 0, folder)
        lite = os.path.join(lite_model.export(generator, card, 0, folder), lite_model.MODEL_FILE)
        peaks, per_picture = [matrix_products.rate()], _multiply_adds(generator)
        results = {
            "saved_model": {
                "megabytes": _megabytes(saved),
                **_measured(lambda: _saved_model(saved)),
            },
            "tflite": {"megabytes": _megabytes(lite), **_measured(lambda: _lite_model(lite))},
        }
        peaks.append(matrix_products.rate())
        command_s = statistics.median(
            _generate_seconds(saved, pathlib.Path(folder)) for _ in range(3)
        )
    peak = max(peaks)
    for result in results.values():
        for size, times in result["batches"].items():
            times["times_the_multiply_adds"] = round(
                times["p50_ms"] / (1e3 * size * per_picture / peak), 2
            )
    machine = {
        "cores": _cores(),
        "base_width": _BASE_WIDTH.value,
        "multiply_adds_g": round(per_picture / 1e9, 3),
        "matrix_product_g_per_s": round(peak / 1e9, 1),
    }
    print(json.dumps({**machine, "generate_py_s": round(command_s, 2), **results}))


def _generate_seconds(version: str, folder: pathlib.Path) -> float:
    """Seconds of one run of generate.py, including the import of TensorFlow."""
    (folder / "sketch.png").write_bytes(warm_up.sketch_png())
    flags_given = [f"--model={version}", f"--sketch={folder}/sketch.png", "--label=class 0"]
    command = [sys.executable, "generate.py", *flags_given, f"--output={folder}/picture.png"]
    start = time.perf_counter()
    subprocess.run(command, cwd=_ROOT, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - start


def _saved_model(version: str) -> Draw:
    model = LocalModel(version)

    def draw(sketches: list[bytes]) -> list[bytes]:
        return model.from_bytes(sketches, ["class 0"] * len(sketches), list(range(len(sketches))))

    return draw


def _lite_model(path: str) -> Draw:
    """The .tflite model, with Pillow for the files, as an application would use it."""
    interpreter = tf.lite.Interpreter(path, num_threads=_cores())
    run = interpreter.get_signature_runner()
    noise_shape = run.get_input_details()["noise"]["shape"]
    size = tuple(run.get_input_details()["sketch"]["shape"][1:3])
    random, label_id = np.random.default_rng(0), np.zeros(1, np.int32)

    def draw_one(sketch: bytes) -> bytes:
        pixels = np.asarray(Image.open(io.BytesIO(sketch)).convert("L").resize(size))
        noise = random.standard_normal(noise_shape, np.float32)
        photo = run(sketch=pixels[np.newaxis, ..., np.newaxis], label_id=label_id, noise=noise)[
            "photo"
        ]
        file = io.BytesIO()
        Image.fromarray(photo[0]).save(file, "PNG")
        return file.getvalue()

    return lambda sketches: list(map(draw_one, sketches))


def _measured(load: Callable[[], Draw]) -> dict:
    """Seconds to load and to draw first; then milliseconds per call, by batch size."""
    sketch = warm_up.sketch_png()
    start = time.perf_counter()
    draw = load()
    loaded = time.perf_counter()
    draw([sketch])
    first = time.perf_counter()
    sizes = progress.bar(_BATCH_SIZES, unit="batch size")
    batches = {size: _times(lambda size=size: draw([sketch] * size)) for size in sizes}
    return {
        "load_s": round(loaded - start, 2),
        "first_picture_s": round(first - loaded, 2),
        "batches": batches,
    }


def _times(call: Callable[[], object]) -> dict:
    call()
    times, end = [], time.perf_counter() + _SECONDS.value
    while not times or time.perf_counter() < end:
        start = time.perf_counter()
        call()
        times.append(1e3 * (time.perf_counter() - start))
    p50, p99 = np.percentile(times, [50, 99])
    return {"calls": len(times), "p50_ms": round(p50, 1), "p99_ms": round(p99, 1)}


def _multiply_adds(generator: Generator) -> int:
    """The multiply-adds of the convolutions, for one picture."""
    size = generator.image_size
    specs = (
        tf.TensorSpec([1, size, size, 1]),
        tf.TensorSpec([1], tf.int64),
        tf.TensorSpec([1, *generator.noise_shape]),
    )
    with hardware.for_accelerators():  # an export for any batch size uses no tiles
        graph = (
            tf.function(lambda *inputs: generator(inputs, training=False))
            .get_concrete_function(*specs)
            .graph
        )
    return graph_cost.count(graph)


def _megabytes(path: str) -> float:
    files = (
        [path]
        if os.path.isfile(path)
        else [str(file) for file in pathlib.Path(path).rglob("*") if file.is_file()]
    )
    return round(sum(map(os.path.getsize, files)) / 1e6, 1)


def _cores() -> int:
    return len(os.sched_getaffinity(0))


if __name__ == "__main__":
    errors.run(main)
