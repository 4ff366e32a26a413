"""Builds the TFRecords of the Sketchy database from the files of its release, once for all runs.

    python -m datasets.sketchy.build --manual_dir=DIR --data_dir=DIR

DIR of --manual_dir holds the release as it is downloaded (rendered_256x256.7z and info-06-04.zip) or as it is extracted
(256x256/ and info-06-04/). Every picture is decoded first. What is wrong is listed on stderr by kind and name; unless
--max_bad tolerates it, nothing is written. The last line on stdout is one JSON object: the numbers of examples and
classes, what was skipped, and the mean and scale of the training pictures.
"""

from __future__ import annotations

import json
import pathlib

import tensorflow as tf
import tensorflow_datasets as tfds
from absl import flags, logging

from datasets.common import building
from datasets.names import DEFAULT_PHOTO_VARIANT, DEFAULT_SKETCH_VARIANT, PHOTO_VARIANTS, SKETCH_VARIANTS
from datasets.sketchy import release
from datasets.sketchy.sketchy_dataset_builder import Builder
from sketch2img_tf import errors, path_flags
from sketch2img_tf.errors import UserError


def dataset_dir(data_dir: str, photo_variant: str, sketch_variant: str) -> pathlib.Path:
    """The folder in which a choice of renderings is, or will be."""
    return building.resolved(data_dir) / Builder.name / f"{photo_variant}-{sketch_variant}" / str(Builder.VERSION)


def build(
    manual_dir: str,
    data_dir: str,
    photo_variant: str = DEFAULT_PHOTO_VARIANT,
    sketch_variant: str = DEFAULT_SKETCH_VARIANT,
    max_bad: int = 0,
) -> dict:
    """Builds the records, unless they are there, and says what they hold.

    Returns:
      `train` and `test` (examples), `classes`, `skipped` (counts by kind), `photo_mean`, `photo_scale`, `sketch_mean`
      and `sketch_scale`.

    Raises:
      UserError: the release is not found or has more than `max_bad` bad files, the records cannot be written, or those
        that are there are of another release.
    """
    folder = dataset_dir(data_dir, photo_variant, sketch_variant)
    if folder.is_dir():
        print(f"{folder} is already built; delete it to build it again")
    elif not manual_dir:
        raise UserError(f"{folder} is not built yet: --manual_dir=DIR says where the Sketchy release is")
    else:
        release.locate(building.resolved(manual_dir))  # TFDS's own message on an empty folder is long.
        building.alone(
            building.resolved(data_dir), folder, lambda: _build(building.resolved(manual_dir), folder, max_bad)
        )
    return _summary(folder, manual_dir)


def _build(manual_dir: pathlib.Path, folder: pathlib.Path, max_bad: int) -> None:
    tfds.disable_progress_bar()  # TFDS's bars do not know how long it takes; the builder's do.
    builder = Builder(data_dir=folder.parents[2], config=folder.parent.name, max_bad=max_bad)
    builder.download_and_prepare(
        download_config=tfds.download.DownloadConfig(manual_dir=manual_dir, try_download_gcs=False)
    )


def _summary(folder: pathlib.Path, manual_dir: str) -> dict:
    metadata = building.read_metadata(folder)
    if manual_dir and str(building.resolved(manual_dir)) != metadata["manual_dir"]:
        raise UserError(
            f"{folder} was built from {metadata['manual_dir']}, not from --manual_dir={manual_dir}: give another "
            "--data_dir, or delete that folder"
        )
    return building.summary(metadata)


def _define_flags() -> None:
    path_flags.define("manual_dir", "", "Folder of the release: 256x256/ and info-06-04/, or their two archives.")
    path_flags.define("data_dir", "runs/data", "Folder of the TFRecords.")
    flags.DEFINE_enum(
        "photo_variant",
        DEFAULT_PHOTO_VARIANT,
        list(PHOTO_VARIANTS),
        f"Rendering of the photos. {_explained(PHOTO_VARIANTS)}",
    )
    flags.DEFINE_enum(
        "sketch_variant",
        DEFAULT_SKETCH_VARIANT,
        list(SKETCH_VARIANTS),
        f"Rendering of the sketches. {_explained(SKETCH_VARIANTS)}",
    )
    flags.DEFINE_integer(
        "max_bad", 0, "Bad files (see datasets/sketchy/README.md) to leave out, and build all the same.", lower_bound=0
    )


def _explained(variants: dict[str, str]) -> str:
    return "".join(f"\n{name}: {text}." for name, text in variants.items())


def _main() -> None:
    logging.set_verbosity(logging.WARNING)
    tf.config.set_visible_devices([], "GPU")  # Its memory is for whoever trains meanwhile.
    names = ("manual_dir", "data_dir", "photo_variant", "sketch_variant", "max_bad")
    print(json.dumps(build(**{name: flags.FLAGS[name].value for name in names})))


if __name__ == "__main__":
    _define_flags()
    errors.run(_main)
