"""The Sketchy database: sketches, each with the photo from which it was drawn."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Sequence

import numpy as np
import tensorflow_datasets as tfds

from datasets.common import pictures
from datasets.common.sources import Source
from datasets.sketchy import inspection, release
from sketch2img_tf.data.names import (
    DEFAULT_PHOTO_VARIANT,
    DEFAULT_SKETCH_VARIANT,
    MARKS,
    PHOTO_VARIANTS,
    SKETCH_VARIANTS,
    SKETCHY_VERSION,
    config_name,
)
from sketch2img_tf.surroundings import progress


@dataclasses.dataclass(eq=False)
class SketchyConfig(tfds.core.BuilderConfig):
    """One of `PHOTO_VARIANTS` and one of `SKETCH_VARIANTS`; all of them, for several folders."""

    photo_variant: str = DEFAULT_PHOTO_VARIANT
    sketch_variant: str = DEFAULT_SKETCH_VARIANT


def _config(photo_variant: str, sketch_variant: str) -> SketchyConfig:
    return SketchyConfig(
        name=f"{photo_variant}-{sketch_variant}",
        description=(
            f"Photo: {PHOTO_VARIANTS[photo_variant]}. Sketch: {SKETCH_VARIANTS[sketch_variant]}."
        ),
        photo_variant=photo_variant,
        sketch_variant=sketch_variant,
    )


def joined_config(renderings: Sequence[str]) -> SketchyConfig | str:
    """The config of folders in these renderings (`photo-sketch`): a new one if they are several."""
    each = sorted(set(renderings))
    if len(each) == 1:
        return each[0]  # TFDS takes its own configs by name
    photos, sketches = (",".join(variants) for variants in zip(*(name.split("-") for name in each)))
    return SketchyConfig(
        name=config_name(each),
        description="Folders of several renderings.",
        photo_variant=photos,
        sketch_variant=sketches,
    )


class Builder(tfds.core.GeneratorBasedBuilder):
    """Builds one choice of renderings from the release in `manual_dir`, or several from `sources`.

    Differs from other TFDS builders: class names come from the data, and `metadata.json` beside the
    records holds what a reader needs beyond the examples: class names, pixel statistics, counts by
    class and flags, and the report.

    Args:
      max_bad: how many bad files (`report.BAD_KINDS`) may be left out; with more, nothing is built.
      sources: folders of releases, each in its renderings, which become one data set; empty: the
        `manual_dir` alone.
      **kwargs: `data_dir`, `config` and `version`, as for every builder.
    """

    VERSION = tfds.core.Version(SKETCHY_VERSION)
    RELEASE_NOTES = {"1.0.0": "Initial release."}
    BUILDER_CONFIGS = [
        _config(photo_variant, sketch_variant)
        for photo_variant in PHOTO_VARIANTS
        for sketch_variant in SKETCH_VARIANTS
    ]
    DEFAULT_BUILDER_CONFIG_NAME = f"{DEFAULT_PHOTO_VARIANT}-{DEFAULT_SKETCH_VARIANT}"
    MANUAL_DOWNLOAD_INSTRUCTIONS = (
        "Put the release's two archives, rendered_256x256.7z and info-06-04.zip, or the folders"
        " extracted from them, 256x256/ and info-06-04/, into the manual_dir. See README.md beside"
        " the builder for where to get them."
    )

    def __init__(self, *, max_bad: int = 0, sources: Sequence[Source] = (), **kwargs):
        super().__init__(**kwargs)
        self._max_bad = max_bad
        self._sources = sources

    def _info(self) -> tfds.core.DatasetInfo:
        size = pictures.SIZE
        return self.dataset_info_from_configs(
            features=tfds.features.FeaturesDict(
                {
                    "photo": tfds.features.Image(shape=(size, size, 3), encoding_format="jpeg"),
                    "sketch": tfds.features.Image(shape=(size, size, 1), encoding_format="png"),
                    "label": tfds.features.ClassLabel(),
                    "photo_id": tfds.features.Text(),
                    "sketch_id": tfds.features.Text(),
                    **{flag: tfds.features.Scalar(np.bool_) for flag in MARKS},
                    "difficulty": tfds.features.Scalar(np.int64),
                    "stroke_count": tfds.features.Scalar(np.int64),
                }
            ),
            supervised_keys=("sketch", "photo"),
            homepage="https://sketchy.eye.gatech.edu/",
            metadata=tfds.core.MetadataDict(),
        )

    def _split_generators(self, dl_manager: tfds.download.DownloadManager):
        sources = self._sources or [
            Source(folder=str(dl_manager.manual_dir), renderings=self.builder_config.name)
        ]
        extract_dir = pathlib.Path(dl_manager.download_dir) / "extracted"
        releases = [
            release.find(
                pathlib.Path(source.folder), extract_dir, *source.renderings.split("-"), source
            )
            for source in sources
        ]
        inspected = inspection.inspect(releases, self._max_bad)
        self.info.features["label"].names = inspected.class_names
        self.info.metadata.update(_metadata(inspected, self.builder_config))
        return {
            "train": self._generate_examples("train", inspected.train),
            "test": self._generate_examples("test", inspected.test),
        }

    def _generate_examples(self, split: str, pairs: list[inspection.Pair]):
        for pair in progress.bar(pairs, desc=f"Writing {split}", unit=" examples"):
            yield pair.sketch.id, _example(pair)


def _metadata(inspected: inspection.Inspection, config: SketchyConfig) -> dict:
    train, test = inspected.photos("train"), inspected.photos("test")
    return {
        "class_names": inspected.class_names,
        **inspected.statistics,
        "examples": inspected.examples(),
        "training_photos": [photo.id for photo in train],
        "training_looks": [inspected.look_of[photo].hex() for photo in train],
        "held_out_photos": sorted(inspected.held_out),
        "held_out_looks": [inspected.look_of[photo].hex() for photo in test],
        "photo_variant": config.photo_variant,
        "sketch_variant": config.sketch_variant,
        "manual_dir": ",".join(dict.fromkeys(source["folder"] for source in inspected.sources)),
        "sources": inspected.sources,
        "skipped": inspected.report,
    }


def _example(pair: inspection.Pair) -> dict:
    return {
        "photo": pair.photo.path.read_bytes(),
        "sketch": pictures.read_sketch(pair.sketch.path),
        "label": pair.photo.class_name,
        "photo_id": pair.photo.id,
        "sketch_id": pair.sketch.id,
        **{flag: flag in pair.flags for flag in MARKS},
        "difficulty": pair.stats.difficulty,
        "stroke_count": pair.stats.stroke_count,
    }
