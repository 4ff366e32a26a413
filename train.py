"""Trains a generator that turns sketches into pictures.

    python train.py --flagfile=configs/full.flags --manual_dir=DIR --data_dir=DIR --workdir=DIR

A flag after --flagfile overrides what the file says. The same command again goes on from the last
checkpoint.
"""

import sketch2img_tf.with_tensorflow  # noqa: F401 - checks the versions before other imports

# isort: split
from absl import flags

from sketch2img_tf import config, errors

_DRY_RUN = flags.DEFINE_bool(
    "dry_run", False, "Print the resolved flags, parameter counts and steps per epoch, and stop."
)


def main() -> None:
    """Trains, or says what it would train."""
    run = config.from_flags()
    # Here, when the flags are right: these imports take seconds
    from sketch2img_tf.training import preparation, trainer

    if _DRY_RUN.value:
        print(preparation.describe(run))
    else:
        trainer.train(run)


if __name__ == "__main__":
    config.define_flags()
    flags.adopt_module_key_flags(config)  # --help shows them
    errors.run(main)
