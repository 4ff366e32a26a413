"""A user's own photos, each with its outline in place of a sketch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import tensorflow_datasets as tfds

from datasets.common.pictures import SIZE
from datasets.common.sources import Source
from datasets.edge_maps import ink_network, inspection, photos
from sketch2img_tf.data.names import EDGE_MAPS_VERSION
from sketch2img_tf.surroundings import progress

if TYPE_CHECKING:
    from datasets.edge_maps.ink_network import LinesOptions


class Builder(tfds.core.GeneratorBasedBuilder):
    """Builds pairs of an outline and a photo, from one or several folders of photos by class.

    Readers read the records and `metadata.json` as those of `datasets.sketchy`; no example has a
    reviewer's mark.

    Differs from other TFDS builders: as the builder of `datasets.sketchy` does, and Beam is a
      choice, not a requirement.

    Args:
      sources: the folders of the photos, which become one data set; empty: the `manual_dir` alone.
      testset: a file that lists the photos to hold out, `class/photo.jpg` per line; empty: a tenth
        of the photos is held out.
      sketches_dir: a folder of built sketches with which training will mix the photos; see
        `inspection.inspect`.
      max_bad: how many unreadable photos may be left out; with more, nothing is built.
      lines: the network that chooses the lines; None: the most salient edges are drawn.
      beam_options: options of Apache Beam, which then does the work; None: this process does it.
      **kwargs: `data_dir` and `version`, as for every builder.
    """

    VERSION = tfds.core.Version(EDGE_MAPS_VERSION)
    RELEASE_NOTES = {"1.0.0": "Initial release."}
    MANUAL_DOWNLOAD_INSTRUCTIONS = (
        "The manual_dir is a folder of your photos, one folder per class inside."
    )

    def __init__(
        self,
        *,
        sources: Sequence[Source] = (),
        testset: str = "",
        sketches_dir: str = "",
        max_bad: int = 0,
        lines: LinesOptions | None = None,
        beam_options: list[str] | None = None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self._sources = sources
        self._testset = testset
        self._sketches_dir = sketches_dir
        self._max_bad = max_bad
        self._lines = lines
        self._beam_options = beam_options

    def _info(self) -> tfds.core.DatasetInfo:
        return self.dataset_info_from_configs(
            features=tfds.features.FeaturesDict(
                {
                    "photo": tfds.features.Image(shape=(SIZE, SIZE, 3), encoding_format="jpeg"),
                    "sketch": tfds.features.Image(shape=(SIZE, SIZE, 1), encoding_format="png"),
                    "label": tfds.features.ClassLabel(),
                    "photo_id": tfds.features.Text(),
                }
            ),
            supervised_keys=("sketch", "photo"),
            metadata=tfds.core.MetadataDict(),
        )

    def _split_generators(self, dl_manager: tfds.download.DownloadManager):
        sources = self._sources or [Source(folder=str(dl_manager.manual_dir))]
        inspected = inspection.inspect(
            sources, self._testset, self._sketches_dir, self._max_bad, self._check_all
        )
        self.info.features["label"].names = inspected.class_names
        of_lines = ink_network.sha256(self._lines.lines_weights) if self._lines else ""
        self.info.metadata.update(
            {**_metadata(inspected), "testset": self._testset, "lines_sha256": of_lines}
        )
        return {
            "train": self._generate_examples("train", inspected.train),
            "test": self._generate_examples("test", inspected.test),
        }

    def _check_all(self, found: list) -> list[inspection.Checked]:
        if self._beam_options is None:
            return inspection.check_all_here(found, self._lines)
        from datasets.edge_maps import beam  # here: an optional requirement

        options = beam.options(self._beam_options)
        return beam.check_all(found, options, str(self.data_path.parent), self._lines)

    def _generate_examples(self, split: str, pairs: list[inspection.Pair]):
        if self._beam_options is None:
            return _examples(split, pairs)
        from datasets.edge_maps import beam

        return beam.examples(pairs, _example)


def _metadata(inspected: inspection.Inspection) -> dict:
    return {
        "class_names": inspected.class_names,
        **inspected.statistics,
        "examples": inspected.examples(),
        "training_photos": [pair.photo.id for pair in inspected.train],
        "training_looks": [pair.checked.photo.look.hex() for pair in inspected.train],
        "photos_dir": ",".join(source["folder"] for source in inspected.sources),
        "sources": inspected.sources,
        "skipped": inspected.report,
    }


def _examples(split: str, pairs: list[inspection.Pair]):
    for pair in progress.bar(pairs, desc=f"Writing {split}", unit=" examples"):
        yield pair.record_key, _example(pair)


def _example(pair: inspection.Pair) -> dict:
    return {
        "photo": photos.to_jpeg(photos.decode(pair.photo.path.read_bytes())),
        "sketch": pair.checked.outline,
        "label": pair.photo.class_name,
        "photo_id": pair.photo.id,
    }
