"""Opens the built data that a run reads, and builds them if they are missing."""

from __future__ import annotations

import dataclasses
import pathlib
import sys
from typing import TYPE_CHECKING

import datasets.edge_maps.records as edge_maps_records
import datasets.sketchy.records as sketchy_records
from datasets.common import looks
from datasets.common.sources import line as line_of_folder
from sketch2img_tf.data import input_pipeline, tfrecord_integrity
from sketch2img_tf.errors import UserError

if TYPE_CHECKING:
    from sketch2img_tf.config import DataConfig
    from sketch2img_tf.data.input_pipeline import PairedDataset


def directory(data: DataConfig) -> pathlib.Path:
    """The folder of the records of `--dataset`, whether they are built or not."""
    if data.dataset == "edge_maps":
        return edge_maps_records.dataset_dir(data.data_dir)
    return sketchy_records.dataset_dir(data.data_dir, data.photo_variant, data.sketch_variant)


def open_data(data: DataConfig) -> PairedDataset:
    """Opens the pictures that the configuration chooses, and the edge maps to mix in.

    Builds the records that are missing.

    Raises:
      UserError: there is nothing to build from, no example is chosen, or the edge maps do not fit
        the sketches.
    """
    _build_missing(data)
    sketchy = input_pipeline.open_paired_dataset(str(directory(data)), data)
    tfrecord_integrity.check(sketchy.directory)
    return _with_edge_maps(sketchy) if data.mixes_edge_maps else sketchy


def all_photos(sketchy: PairedDataset) -> list[PairedDataset]:
    """`sketchy` and, if there are any, the edge maps of its classes that are built beside it.

    A run need not mix them in. If they do not fit the sketches, prints why and leaves them out.
    """
    if sketchy.edge_maps or sketchy.config.dataset == "edge_maps":
        return [sketchy, *([sketchy.edge_maps] if sketchy.edge_maps else [])]
    if not edge_maps_records.dataset_dir(sketchy.config.data_dir).is_dir():
        return [sketchy]
    try:
        return [sketchy, _with_edge_maps(sketchy).edge_maps]
    except UserError as error:
        print(f"the photos of the edge maps are left out: {error}", file=sys.stderr)
        return [sketchy]


def check_built(data: DataConfig) -> None:
    """Raises a UserError if anything is not built: several workers must not build it at once."""
    for name, folder in _missing(data).items():
        raise UserError(
            f"{folder} is not built yet: build it first, with `python -m datasets.{name}.build`"
        )


def describe(sketchy: PairedDataset) -> list[str]:
    """If the data were built from several folders, a line for each: its photos of all classes."""
    built = [sketchy, *([sketchy.edge_maps] if sketchy.edge_maps else [])]
    metadata = [input_pipeline.read_metadata(each.directory) for each in built]
    lines = [
        line_of_folder(of_folder) for each in metadata for of_folder in each.get("sources", ())
    ]
    return lines if len(lines) > 1 else []


def _missing(data: DataConfig) -> dict[str, pathlib.Path]:
    """The folders that `data` needs and that do not exist, by the name of the data set."""
    folders = {data.dataset: directory(data)}
    if data.mixes_edge_maps:
        folders["edge_maps"] = edge_maps_records.dataset_dir(data.data_dir)
    return {name: folder for name, folder in folders.items() if not folder.is_dir()}


def _build_missing(data: DataConfig) -> None:
    missing = _missing(data)
    if "sketchy" in missing:
        sketchy_records.build(
            data.manual_dir, data.data_dir, data.photo_variant, data.sketch_variant, data.max_bad
        )
    if "edge_maps" in missing:
        sketches_dir = str(directory(data)) if data.mixes_edge_maps else ""
        edge_maps_records.build(
            data.photos_dir, data.data_dir, max_bad=data.max_bad, sketches_dir=sketches_dir
        )


def _with_edge_maps(sketchy: PairedDataset) -> PairedDataset:
    """`sketchy` with the edge maps of its classes, which are normalised by its statistics."""
    folder = edge_maps_records.dataset_dir(sketchy.config.data_dir)
    metadata = input_pipeline.read_metadata(str(folder))
    missing = [name for name in sketchy.class_names if name not in metadata["class_names"]]
    if missing:
        raise UserError(
            f"{folder}: the edge maps have no class {missing[0]}, which the sketches have; they"
            f" have {', '.join(metadata['class_names'])}: give the photos' folders the names of the"
            " sketches' classes"
        )
    _check_held_out(sketchy, folder, metadata)
    chosen = dataclasses.replace(
        sketchy.config, dataset="edge_maps", classes=sketchy.class_names, num_classes=0
    )
    edge_maps = input_pipeline.open_paired_dataset(str(folder), chosen)
    tfrecord_integrity.check(edge_maps.directory)
    return dataclasses.replace(
        sketchy, edge_maps=dataclasses.replace(edge_maps, statistics=sketchy.statistics)
    )


def _check_held_out(sketchy: PairedDataset, folder: pathlib.Path, metadata: dict) -> None:
    """Stops if a photo whose sketches are held out would be trained on with its edges."""
    sketches = input_pipeline.read_metadata(sketchy.directory)
    if "held_out_looks" not in sketches:
        raise UserError(
            f"{sketchy.directory} does not say which photos it holds out: delete it and build it"
            " again"
        )
    both = sorted(set(sketches["held_out_photos"]) & set(metadata["training_photos"]))
    if not both:
        held_out, trained_on = sketches["held_out_looks"], metadata.get("training_looks", ())
        alike = looks.first_alike(
            list(map(bytes.fromhex, trained_on)), list(map(bytes.fromhex, held_out))
        )
        both = [name for name, position in zip(metadata["training_photos"], alike) if position >= 0]
    if both:
        raise UserError(
            f"{folder} would train on {len(both)} photos that the sketches hold out, such as"
            f" {both[0]}: delete it and build it with `python -m datasets.edge_maps.build"
            f" --sketches_dir={sketchy.directory}`"
        )
