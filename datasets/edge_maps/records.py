"""The TFRecords of photos and their outlines, built where they are missing.

`build.py` is the command.
"""

from __future__ import annotations

import pathlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from datasets.common import building, sources
from sketch2img_tf.data.names import EDGE_MAPS_VERSION
from sketch2img_tf.errors import UserError

if TYPE_CHECKING:
    from datasets.edge_maps.ink_network import LinesOptions


def dataset_dir(data_dir: str) -> pathlib.Path:
    """The folder of the records, whether they are built or not."""
    return building.resolved(data_dir) / "edge_maps" / EDGE_MAPS_VERSION


def build(
    photos_dir: str | Sequence[str],
    data_dir: str,
    testset: str = "",
    max_bad: int = 0,
    beam: bool = False,
    beam_options: list[str] | None = None,
    sketches_dir: str = "",
    lines_weights: str = "",
    features_weights: str = "imagenet",
) -> dict:
    """Builds the records unless they are there, and returns a summary of them.

    Args:
      photos_dir: a folder of photos by class, or several.
      data_dir: the folder of all data sets.
      testset, sketches_dir, lines_weights, features_weights: as the flags of these names.
      max_bad: how many bad files may be left out.
      beam, beam_options: whether Apache Beam does the work, and its options.

    Returns:
      As `datasets.sketchy.records.build`.

    Raises:
      UserError: there are no photos, more than `max_bad` are bad, the weights do not fit, the
        records cannot be written, or those that are there were built from another folder or with
        other lines.
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
            lines=_lines(lines_weights, features_weights),
            beam_options=(beam_options or []) if beam else None,
        )
        building.alone(
            building.resolved(data_dir), folder, _builder(building.resolved(data_dir), options)
        )
    metadata = building.read_metadata(folder)
    building.check_folders(folder, metadata["photos_dir"], "photos_dir", given)
    # Older versions had no such lines
    of_lines = metadata.get("lines_sha256", "")
    _check_lines(folder, of_lines, lines_weights)
    return {**building.summary(metadata), "lines_sha256": of_lines}


def _check_lines(folder: pathlib.Path, of_lines: str, lines_weights: str) -> None:
    if lines_weights:
        from datasets.edge_maps import ink_network  # here: it imports TensorFlow

        if ink_network.sha256(lines_weights) != of_lines:
            raise UserError(
                f"{folder} was not built with --lines_weights={lines_weights}: give another"
                " --data_dir, or delete that folder"
            )


def _lines(lines_weights: str, features_weights: str) -> LinesOptions | None:
    if not lines_weights:
        return None
    # Here: most runs find their records built
    from datasets.edge_maps import ink_network

    options = ink_network.LinesOptions(lines_weights, features_weights)
    ink_network.of_photo(options)  # Raises an error if the files do not fit
    return options


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
    # Here: most runs find their records built
    import tensorflow_datasets as tfds

    from datasets.edge_maps.edge_maps_dataset_builder import Builder

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
