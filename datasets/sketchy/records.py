"""The TFRecords of the Sketchy database, built where they are missing.

`build.py` is the command.
"""

from __future__ import annotations

import pathlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

from datasets.common import building
from datasets.sketchy import release
from sketch2img_tf.data.names import (
    DEFAULT_PHOTO_VARIANT,
    DEFAULT_SKETCH_VARIANT,
    SKETCHY_VERSION,
    config_name,
)
from sketch2img_tf.errors import UserError

if TYPE_CHECKING:
    from datasets.common.sources import Source


def dataset_dir(
    data_dir: str, photo_variant: str | Sequence[str], sketch_variant: str | Sequence[str]
) -> pathlib.Path:
    """The folder of the records of these renderings, in any order, whether built or not."""
    name = config_name(release.renderings(photo_variant, sketch_variant))
    return building.resolved(data_dir) / "sketchy" / name / SKETCHY_VERSION


def build(
    manual_dir: str | Sequence[str],
    data_dir: str,
    photo_variant: str | Sequence[str] = DEFAULT_PHOTO_VARIANT,
    sketch_variant: str | Sequence[str] = DEFAULT_SKETCH_VARIANT,
    max_bad: int = 0,
) -> dict:
    """Builds the records unless they are there, and returns a summary of them.

    Args:
      manual_dir: a folder of the release, or several, which become one data set.
      data_dir: the folder of all data sets.
      photo_variant, sketch_variant: the renderings: one for all folders, or one for each.
      max_bad: how many bad files may be left out.

    Returns:
      `train` and `test` (numbers of examples), `classes`, `skipped` (counts by kind), `sources`
      (photos by folder), `photo_mean`, `photo_scale`, `sketch_mean` and `sketch_scale`.

    Raises:
      UserError: the release is not found, it has more than `max_bad` bad files, the records cannot
        be written, or those that are there were built from another release.
    """
    folder = dataset_dir(data_dir, photo_variant, sketch_variant)
    sources = (
        release.sources_of(manual_dir, release.renderings(photo_variant, sketch_variant))
        if manual_dir
        else []
    )
    if folder.is_dir():
        print(f"{folder} is already built; delete it to build it again")
    elif not sources:
        raise UserError(
            f"{folder} is not built yet: give --manual_dir=DIR, the folder of the Sketchy release"
        )
    else:
        for source in sources:
            # A short message for an empty folder; TFDS's own is long.
            release.locate(pathlib.Path(source.folder))
        building.alone(
            building.resolved(data_dir), folder, lambda: _build(sources, folder, max_bad)
        )
    metadata = building.read_metadata(folder)
    building.check_folders(
        folder, metadata["manual_dir"], "manual_dir", [source.folder for source in sources]
    )
    _check_renderings(folder, metadata, sources)
    return building.summary(metadata)


def _build(sources: list[Source], folder: pathlib.Path, max_bad: int) -> None:
    # Here: most runs find their records built
    import tensorflow_datasets as tfds

    from datasets.sketchy.sketchy_dataset_builder import Builder, joined_config

    tfds.disable_progress_bar()  # The builder's own bars show how long the build takes.
    config = joined_config([source.renderings for source in sources])
    builder = Builder(data_dir=folder.parents[2], config=config, max_bad=max_bad, sources=sources)
    builder.download_and_prepare(
        download_config=tfds.download.DownloadConfig(
            manual_dir=sources[0].folder, try_download_gcs=False
        )
    )


def _check_renderings(folder: pathlib.Path, metadata: dict, sources: list[Source]) -> None:
    """Stops if the folders were built with the same renderings, but each with another's."""
    built = [source["renderings"] for source in metadata.get("sources", ())]
    wanted = [source.renderings for source in sources]
    if built and wanted and built != wanted:
        raise UserError(
            f"{folder} was built with the renderings {', '.join(built)} of its folders, not"
            f" {', '.join(wanted)}: give another --data_dir, or delete that folder"
        )
