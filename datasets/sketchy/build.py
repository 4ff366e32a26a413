"""Builds the TFRecords of the Sketchy database from the files of its release, once for all runs.

    python -m datasets.sketchy.build --manual_dir=DIR[,DIR...] --data_dir=DIR

DIR of --manual_dir holds the release as it was downloaded (rendered_256x256.7z and info-06-04.zip)
or extracted (256x256/ and info-06-04/). Several such folders, each in its renderings, become one
data set; a photo that is in two of them is taken once. The build decodes every picture first. It
lists what is wrong on stderr, by kind and name, and then writes nothing, unless --max_bad allows so
many bad files. The last line on stdout is a JSON object: the numbers of examples and classes, what
was skipped, what each folder gave, and the mean and scale of the training pictures.
"""

from __future__ import annotations

import json

from absl import flags, logging

from sketch2img_tf import errors, path_flags
from sketch2img_tf.data.names import (
    DEFAULT_PHOTO_VARIANT,
    DEFAULT_SKETCH_VARIANT,
    PHOTO_VARIANTS,
    SKETCH_VARIANTS,
)


def _define_flags() -> None:
    path_flags.define_list(
        "manual_dir",
        [],
        "Folders of the release: 256x256/ and info-06-04/, or their two archives. Usually one"
        " folder.",
    )
    path_flags.define("data_dir", "runs/data", "Folder of the TFRecords.")
    flags.DEFINE_list(
        "photo_variant",
        [DEFAULT_PHOTO_VARIANT],
        "Rendering of the photos: one for all folders, or one for each."
        f" {_explained(PHOTO_VARIANTS)}",
    )
    flags.DEFINE_list(
        "sketch_variant",
        [DEFAULT_SKETCH_VARIANT],
        f"Rendering of the sketches: one or several, too. {_explained(SKETCH_VARIANTS)}",
    )
    flags.DEFINE_integer(
        "max_bad",
        0,
        "How many bad files (see datasets/sketchy/README.md) the build may leave out.",
        lower_bound=0,
    )


def _explained(variants: dict[str, str]) -> str:
    return "".join(f"\n{name}: {text}." for name, text in variants.items())


def _main() -> None:
    # Here, when the flags are right: these imports take seconds
    import tensorflow as tf

    from datasets.sketchy import records

    logging.set_verbosity(logging.WARNING)
    tf.config.set_visible_devices([], "GPU")  # Leave its memory to a training on this computer.
    names = ("manual_dir", "data_dir", "photo_variant", "sketch_variant", "max_bad")
    print(json.dumps(records.build(**{name: flags.FLAGS[name].value for name in names})))


if __name__ == "__main__":
    _define_flags()
    errors.run(_main)
