"""Builds the TFRecords of a folder of your own photos, each with its outline in place of a sketch, once for all runs.

    python -m datasets.edge_maps.build --photos_dir=DIR --data_dir=DIR

DIR of --photos_dir has a folder for each class, and in it photos: JPEG, PNG or WebP, of any size from 64x64 pixels and
any colour mode. Every photo is decoded first. What is wrong is listed on stderr by kind and name; unless --max_bad
tolerates it, nothing is written. The last line on stdout is one JSON object: the numbers of examples and classes, what
was skipped, and the mean and scale of the training pictures.
"""

from __future__ import annotations

import json
import pathlib

import tensorflow as tf
import tensorflow_datasets as tfds
from absl import flags, logging

from datasets.common import building
from datasets.edge_maps.edge_maps_dataset_builder import Builder
from sketch2img_tf import errors, path_flags
from sketch2img_tf.errors import UserError


def dataset_dir(data_dir: str) -> pathlib.Path:
    """The folder in which the records are, or will be."""
    return building.resolved(data_dir) / Builder.name / str(Builder.VERSION)


def build(
    photos_dir: str,
    data_dir: str,
    testset: str = "",
    max_bad: int = 0,
    beam: bool = False,
    beam_options: list[str] | None = None,
) -> dict:
    """Builds the records, unless they are there, and says what they hold.

    Returns:
      As `datasets.sketchy.build.build`.

    Raises:
      UserError: there are no photos or more than `max_bad` bad ones, the records cannot be written, or those that are
        there are of another folder.
    """
    folder = dataset_dir(data_dir)
    if folder.is_dir():
        print(f"{folder} is already built; delete it to build it again")
    elif not photos_dir:
        raise UserError(f"{folder} is not built yet: --photos_dir=DIR says where the photos are, a folder a class")
    else:
        builder = _builder(photos_dir, data_dir, testset, max_bad, (beam_options or []) if beam else None)
        building.alone(building.resolved(data_dir), folder, builder)
    return _summary(folder, photos_dir)


def _builder(photos_dir: str, data_dir: str, testset: str, max_bad: int, beam_options: list[str] | None):
    """A function that builds."""
    photos = building.resolved(photos_dir)
    if not photos.is_dir():
        raise UserError(f"--photos_dir={photos_dir}: no such folder")
    if not any(photos.iterdir()):  # TFDS's own message is an AssertionError
        raise UserError(f"--photos_dir={photos_dir}: is empty; put photos into it, in a folder a class")
    config = tfds.download.DownloadConfig(manual_dir=photos, try_download_gcs=False)
    if beam_options is not None:
        from datasets.edge_maps import beam  # here: an optional requirement

        config.beam_options = beam.options(beam_options)

    def prepare() -> None:
        tfds.disable_progress_bar()  # TFDS's bars do not know how long it takes; the builder's do.
        builder = Builder(
            data_dir=building.resolved(data_dir), testset=testset, max_bad=max_bad, beam_options=beam_options
        )
        builder.download_and_prepare(download_config=config)

    return prepare


def _summary(folder: pathlib.Path, photos_dir: str) -> dict:
    metadata = building.read_metadata(folder)
    if photos_dir and str(building.resolved(photos_dir)) != metadata["photos_dir"]:
        raise UserError(
            f"{folder} was built from {metadata['photos_dir']}, not from --photos_dir={photos_dir}: give another "
            "--data_dir, or delete that folder"
        )
    return building.summary(metadata)


def _define_flags() -> None:
    path_flags.define("photos_dir", "", "Folder of the photos, a folder a class in it.")
    path_flags.define("data_dir", "runs/data", "Folder of the TFRecords.")
    path_flags.define(
        "testset", "", "File with the photos to hold out, class/photo.jpg a line; without one, a tenth of all."
    )
    flags.DEFINE_integer(
        "max_bad", 0, "Bad files (see datasets/edge_maps/README.md) to leave out and build all the same.", lower_bound=0
    )
    flags.DEFINE_bool("beam", False, "Build with Apache Beam (requirements-beam.txt), for large collections.")
    flags.DEFINE_list("beam_options", [], "Beam's options, as runner=DirectRunner,direct_num_workers=4.")


def _main() -> None:
    logging.set_verbosity(logging.WARNING)
    tf.config.set_visible_devices([], "GPU")  # Its memory is for whoever trains meanwhile.
    names = ("photos_dir", "data_dir", "testset", "max_bad", "beam", "beam_options")
    print(json.dumps(build(**{name: flags.FLAGS[name].value for name in names})))


if __name__ == "__main__":
    _define_flags()
    errors.run(_main)
