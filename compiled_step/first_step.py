"""A packed run's first step by TensorFlow, here: the losses that `compiled_step.run` has to find
there.

    python -m compiled_step.first_step --packed_dir=DIR

Prints its scalars as one JSON object. Always in float32.
"""

import sketch2img_tf.with_tensorflow  # noqa: F401 - checks the versions before other imports

# isort: split
import json

from compiled_step import packed
from sketch2img_tf import errors, path_flags

_PACKED_DIR = path_flags.define("packed_dir", "", "What compiled_step.pack wrote.")


def main() -> None:
    """Computes and prints."""
    errors.require(_PACKED_DIR)
    run = packed.Packed(_PACKED_DIR.value)
    scalars = run.restored("float32")(run.batch(run.described["step"]))
    print(json.dumps({name: float(value) for name, value in scalars.items()}))


if __name__ == "__main__":
    errors.run(main)
