"""Builds the TFRecords of your own photos, once for all runs; outlines take the place of sketches.

    python -m datasets.edge_maps.build --photos_dir=DIR[,DIR...] --data_dir=DIR

DIR of --photos_dir has a folder for each class, with photos in it: JPEG, PNG or WebP files, at
least 64x64 pixels, in any colour mode. Several such folders become one data set; a photo that is in
two of them is taken once. The build decodes every photo first. It lists what is wrong on stderr, by
kind and name, and then writes nothing, unless --max_bad allows so many bad files. The last line on
stdout is a JSON object: the numbers of examples and classes, what was skipped, what each folder
gave, and the mean and scale of the training pictures.
"""

from __future__ import annotations

import json
import pathlib
from collections.abc import Callable, Sequence

import tensorflow as tf
import tensorflow_datasets as tfds
from absl import flags, logging

from datasets.common import building, sources
from datasets.edge_maps.edge_maps_dataset_builder import Builder
from sketch2img_tf import errors, path_flags
from sketch2img_tf.errors import UserError


def dataset_dir(data_dir: str) -> pathlib.Path:
    """The folder of the records, whether they are built or not."""
    return building.resolved(data_dir) / Builder.name / str(Builder.VERSION)


def build(
    photos_dir: str | Sequence[str],
    data_dir: str,
    testset: str = "",
    max_bad: int = 0,
    beam: bool = False,
    beam_options: list[str] | None = None,
    sketches_dir: str = "",
) -> dict:
    """Builds the records unless they are there, and returns a summary of them.

    Args:
      photos_dir: a folder of photos by class, or several.
      data_dir: the folder of all data sets.
      testset, sketches_dir: as the flags of these names.
      max_bad: how many bad files may be left out.
      beam, beam_options: whether Apache Beam does the work, and its options.

    Returns:
      As `datasets.sketchy.build.build`.

    Raises:
      UserError: there are no photos, more than `max_bad` are bad, the records cannot be written, or
        those that are there were built from another folder.
    """
    folder, given = dataset_dir(data_dir), sources.as_list(photos_dir)
    if folder.is_dir():
        print(f"{folder} is already built; delete it to build it again")
    elif not given:
        raise UserError(
            f"{folder} is not built yet: give --photos_dir=DIR, a folder with a folder of photos"
            " for each class"
        )
    else:
        for each in given:
            _check_photos_dir(each)
        options = dict(
            sources=sources.of_folders([building.resolved(each) for each in given]),
            testset=testset,
            sketches_dir=sketches_dir,
            max_bad=max_bad,
            beam_options=(beam_options or []) if beam else None,
        )
        building.alone(
            building.resolved(data_dir), folder, _builder(building.resolved(data_dir), options)
        )
    metadata = building.read_metadata(folder)
    building.check_folders(folder, metadata["photos_dir"], "photos_dir", given)
    return building.summary(metadata)


def _check_photos_dir(photos_dir: str) -> None:
    photos = building.resolved(photos_dir)
    if not photos.is_dir():
        raise UserError(f"--photos_dir={photos_dir}: no such folder")
    if not any(photos.iterdir()):  # TFDS's own message is an AssertionError
        raise UserError(
            f"--photos_dir={photos_dir}: is empty; put photos into it, in a folder per class"
        )


def _builder(data_dir: pathlib.Path, options: dict) -> Callable[[], None]:
    """A function that builds the records."""
    config = tfds.download.DownloadConfig(
        manual_dir=options["sources"][0].folder, try_download_gcs=False
    )
    if options["beam_options"] is not None:
        from datasets.edge_maps import beam  # here: an optional requirement

        config.beam_options = beam.options(options["beam_options"])

    def prepare() -> None:
        tfds.disable_progress_bar()  # The builder's own bars show how long the build takes.
        Builder(data_dir=data_dir, **options).download_and_prepare(download_config=config)

    return prepare


def _define_flags() -> None:
    path_flags.define_list("photos_dir", [], "Folders of photos; each has a folder per class.")
    path_flags.define("data_dir", "runs/data", "Folder of the TFRecords.")
    path_flags.define(
        "testset",
        "",
        "File that lists the photos to hold out, one class/photo.jpg per line; by default, a tenth"
        " of the photos is held out.",
    )
    path_flags.define(
        "sketches_dir",
        "",
        "Folder of built sketches, DATA_DIR/sketchy/RENDERINGS/VERSION, with which a run mixes"
        " the photos. Photos that the sketches hold out are held out here too, photos that the"
        " sketches train on are left out, and no tenth is held out.",
    )
    flags.DEFINE_integer(
        "max_bad",
        0,
        "How many bad files (see datasets/edge_maps/README.md) the build may leave out.",
        lower_bound=0,
    )
    flags.DEFINE_bool(
        "beam", False, "Build with Apache Beam (requirements-beam.txt), for large collections."
    )
    flags.DEFINE_list(
        "beam_options", [], "Beam's options, such as runner=DirectRunner,direct_num_workers=4."
    )


def _main() -> None:
    logging.set_verbosity(logging.WARNING)
    tf.config.set_visible_devices([], "GPU")  # Leave its memory to a training on this computer.
    names = ("photos_dir", "data_dir", "testset", "max_bad", "beam", "beam_options", "sketches_dir")
    print(json.dumps(build(**{name: flags.FLAGS[name].value for name in names})))


if __name__ == "__main__":
    _define_flags()
    errors.run(_main)
