"""The Sketchy database: sketches, each with the photo it was drawn from."""

from __future__ import annotations

import dataclasses
import pathlib

import numpy as np
import tensorflow_datasets as tfds

from datasets.common import pictures
from datasets.names import (
    DEFAULT_PHOTO_VARIANT,
    DEFAULT_SKETCH_VARIANT,
    MARKS,
    PHOTO_VARIANTS,
    SKETCH_VARIANTS,
    SKETCHY_VERSION,
)
from datasets.sketchy import inspection, release
from sketch2img_tf.surroundings import progress


@dataclasses.dataclass(eq=False)
class SketchyConfig(tfds.core.BuilderConfig):
    """A choice of renderings, one of `PHOTO_VARIANTS` and one of `SKETCH_VARIANTS`."""

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


class Builder(tfds.core.GeneratorBasedBuilder):
    """Builds one choice of renderings from the release in `manual_dir`.

    Differs from other TFDS builders: class names come from the data, and `metadata.json` beside the records holds what
    a reader needs beyond the examples: class names, pixel statistics, counts by class and flags, and the report.

    Args:
      max_bad: bad files to leave out (`report.BAD_KINDS`); with more, nothing is built.
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
        "Put the release's two archives, rendered_256x256.7z and info-06-04.zip, or the folders extracted from them, "
        "256x256/ and info-06-04/, into the manual_dir. See README.md beside the builder for where to get them."
    )

    def __init__(self, *, max_bad: int = 0, **kwargs):
        super().__init__(**kwargs)
        self._max_bad = max_bad

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
        manual_dir, config = pathlib.Path(dl_manager.manual_dir), self.builder_config
        extract_dir = pathlib.Path(dl_manager.download_dir) / "extracted"
        found = release.find(manual_dir, extract_dir, config.photo_variant, config.sketch_variant)
        inspected = inspection.inspect(found, self._max_bad)
        self.info.features["label"].names = inspected.class_names
        self.info.metadata.update(_metadata(inspected, manual_dir, config))
        return {
            "train": self._generate_examples("train", inspected.train),
            "test": self._generate_examples("test", inspected.test),
        }

    def _generate_examples(self, split: str, pairs: list[inspection.Pair]):
        for pair in progress.bar(pairs, desc=f"Writing {split}", unit=" examples"):
            yield pair.sketch.id, _example(pair)


def _metadata(inspected: inspection.Inspection, manual_dir: pathlib.Path, config: SketchyConfig) -> dict:
    return {
        "class_names": inspected.class_names,
        **inspected.statistics,
        "examples": inspected.examples(),
        "held_out_photos": sorted({pair.photo.id for pair in inspected.test}),
        "photo_variant": config.photo_variant,
        "sketch_variant": config.sketch_variant,
        "manual_dir": str(manual_dir),
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
