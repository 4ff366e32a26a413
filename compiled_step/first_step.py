"""Computes a packed run's first step with TensorFlow; `compiled_step.run` must find its losses.

    python -m compiled_step.first_step --packed_dir=DIR

Prints its scalars as one JSON object. It always computes in float32.
"""

import sketch2img_tf.with_tensorflow  # noqa: F401 - checks the versions before other imports

# isort: split
import json

from sketch2img_tf import errors, path_flags

_PACKED_DIR = path_flags.define("packed_dir", "", "Folder that compiled_step.pack wrote.")


def main() -> None:
    """Computes the step and prints its scalars."""
    errors.require(_PACKED_DIR)
    from compiled_step import packed  # here, when the flags are right: it takes seconds

    run = packed.Packed(_PACKED_DIR.value)
    scalars = run.restored("float32")(run.batch(run.described["step"]))
    print(json.dumps({name: float(value) for name, value in scalars.items()}))


if __name__ == "__main__":
    errors.run(main)
