"""Makes an ordinary checkpoint from the results of `compiled_step.run`, for train.py and export.py.

    python -m compiled_step.unpack --packed_dir=DIR --output_dir=DIR --workdir=DIR

If there was time only for the averaged generator, --workdir gets its weights. export.py and
evaluate.py take them; train.py cannot go on from them.
"""

import sketch2img_tf.with_tensorflow  # noqa: F401 - checks the versions before other imports

# isort: split
from sketch2img_tf import errors, path_flags

_PACKED_DIR = path_flags.define("packed_dir", "", "Folder that compiled_step.pack wrote.")
_OUTPUT_DIR = path_flags.define("output_dir", "", "Folder that compiled_step.run wrote.")
_WORKDIR = path_flags.define(
    "workdir", "", "Folder of the run that the checkpoint goes to: a new one, or its own."
)


def main() -> None:
    """Writes the checkpoint, the scalars, and the flags."""
    errors.require(_PACKED_DIR, _OUTPUT_DIR, _WORKDIR)
    from compiled_step import unpacking  # here, when the flags are right: it takes seconds

    print(unpacking.unpack(_PACKED_DIR.value, _OUTPUT_DIR.value, _WORKDIR.value))


if __name__ == "__main__":
    errors.run(main)
