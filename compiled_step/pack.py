"""Packs a run into a folder, which `compiled_step.run` runs with JAX and without TensorFlow.

    python -m compiled_step.pack --flagfile=configs/best_full.flags --data_dir=DIR \\
      --workdir=DIR --packed_dir=DIR

The folder has the whole train step with its updates as XLA's HLO, or --steps_per_call steps in a
loop; the programs that make a batch and a sheet of our own drawings; the state at the start, from
the newest checkpoint in --workdir or of a new run; and the training pictures.
`compiled_step.unpack` makes a checkpoint of the result. It takes all flags of train.py;
--precision=auto is bfloat16.
"""

from __future__ import annotations

import sketch2img_tf.with_tensorflow  # noqa: F401 - checks the versions before other imports

# isort: split
import os

from absl import flags

from sketch2img_tf import config as config_lib
from sketch2img_tf import errors, path_flags
from sketch2img_tf.errors import UserError

_BY_HOW_MUCH = ("_fraction", "_pixels")

_PACKED_DIR = path_flags.define("packed_dir", "", "Folder to write; it must not be there yet.")
_REDRAW = flags.DEFINE_bool(
    "redraw",
    False,
    "Draw a new run's large kernels again, from a normal distribution with the same mean and"
    " deviation, so that the folder holds a seed in place of them.",
)
_PHOTO_QUALITY = flags.DEFINE_integer(
    "photo_quality",
    0,
    "Pack photos as JPEG files of this quality, a fifth as large; 0: as they are.",
    lower_bound=0,
    upper_bound=95,
)
_MOST_A_CLASS = flags.DEFINE_integer(
    "most_a_class",
    0,
    "Pack of each class at most so many sketches, and so many edge maps; 0: all.",
    lower_bound=0,
)


def main() -> None:
    """Packs the run."""
    errors.require(_PACKED_DIR)
    run = config_lib.from_flags()
    _check(run)
    from compiled_step import packing  # here, when the flags are right: it takes seconds

    how = _REDRAW.value, _PHOTO_QUALITY.value, _MOST_A_CLASS.value
    print(packing.pack(run, _PACKED_DIR.value, *how))


def _check(run: config_lib.Config) -> None:
    if os.path.exists(_PACKED_DIR.value):
        raise UserError(f"--packed_dir={_PACKED_DIR.value}: exists already; give another folder")
    of_the_host = [
        name
        for name in vars(run.data)
        if name.startswith("sketch_") and name.endswith(_BY_HOW_MUCH)
    ]
    for name in ("crop_fraction", *of_the_host):
        if getattr(run.data, name):
            raise UserError(
                f"--{name}: XLA cannot compile this change; set it to 0, or train with train.py"
            )
    if run.training.precision == "mixed_float16":
        raise UserError(
            "--precision=mixed_float16: the packed step cannot scale its losses; give"
            " mixed_bfloat16, which does not need it"
        )
    if run.training.discriminator_steps > 1:
        raise UserError(
            "--discriminator_steps: the packed step takes one batch; set it to 1, or train with"
            " train.py"
        )


if __name__ == "__main__":
    config_lib.define_flags()
    flags.adopt_module_key_flags(config_lib)
    errors.run(main)
