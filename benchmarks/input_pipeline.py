"""How many pictures per second does the input pipeline give?

    python benchmarks/input_pipeline.py --data_dir=DIR [--batches=50]

Reads, decodes, changes and resizes training batches of TFRecords as train.py does, and does nothing
else. Prints one JSON object. Without --data_dir it draws a small miniature Sketchy and reads that.
"""

import json
import os
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import sketch2img_tf.with_tensorflow  # noqa: F401 - checks the versions before other imports

# isort: split
from absl import flags

from datasets.miniature import release as miniature
from datasets.sketchy import records
from sketch2img_tf import errors, path_flags
from sketch2img_tf.config import DataConfig
from sketch2img_tf.data import input_pipeline
from sketch2img_tf.data.names import DEFAULT_PHOTO_VARIANT, DEFAULT_SKETCH_VARIANT
from sketch2img_tf.surroundings import progress

_DATA_DIR = path_flags.define("data_dir", "", "Folder of the TFRecords.")
_PHOTO_VARIANT = flags.DEFINE_string(
    "photo_variant", DEFAULT_PHOTO_VARIANT, "Rendering of the photos."
)
_SKETCH_VARIANT = flags.DEFINE_string(
    "sketch_variant", DEFAULT_SKETCH_VARIANT, "Rendering of the sketches."
)
_BATCH_SIZE = flags.DEFINE_integer("batch_size", 16, "Pictures per batch.", lower_bound=1)
_BATCHES = flags.DEFINE_integer(
    "batches", 50, "Batches to measure, after ten to warm up.", lower_bound=1
)
_WARM_UP = 10


def main() -> None:
    """Measures and prints the result."""
    with tempfile.TemporaryDirectory() as folder:
        data_dir = _DATA_DIR.value or _miniature(folder)
        config = DataConfig(
            photo_variant=(_PHOTO_VARIANT.value,), sketch_variant=(_SKETCH_VARIANT.value,)
        )
        directory = records.dataset_dir(data_dir, config.photo_variant, config.sketch_variant)
        sketchy = input_pipeline.open_paired_dataset(str(directory), config)
        seconds = _seconds(sketchy)
    pictures = _BATCHES.value * _BATCH_SIZE.value
    result = {
        "pictures_per_s": round(pictures / seconds, 1),
        "pictures": pictures,
        "batch_size": _BATCH_SIZE.value,
        "examples": sketchy.examples["train"],
        "cores": os.cpu_count(),
    }
    print(json.dumps(result))


def _miniature(folder: str) -> str:
    release, data_dir = os.path.join(folder, "sketchy"), os.path.join(folder, "data")
    miniature.write(release, photos_per_class=2)
    records.build(release, data_dir)
    return data_dir


def _seconds(sketchy: input_pipeline.PairedDataset) -> float:
    """The time for all measured batches together."""
    batches = iter(input_pipeline.training_batches(sketchy, _BATCH_SIZE.value, seed=0))
    for _ in range(_WARM_UP):
        next(batches)
    start = time.perf_counter()
    for _ in progress.bar(range(_BATCHES.value), unit="batch"):
        next(batches)
    return time.perf_counter() - start


if __name__ == "__main__":
    errors.run(main)
