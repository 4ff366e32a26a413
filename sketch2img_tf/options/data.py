"""Options of the pictures."""

from __future__ import annotations

import dataclasses

from sketch2img_tf.data.names import (
    DEFAULT_PHOTO_VARIANT,
    DEFAULT_SKETCH_VARIANT,
    MARKS,
    PHOTO_VARIANTS,
    SKETCH_VARIANTS,
)
from sketch2img_tf.options.option import option

SKETCH_ENCODINGS = ("lines", "distance_field", "signed_distance")


@dataclasses.dataclass(frozen=True)
class DataConfig:
    """Which pictures."""

    dataset: str = option(
        "sketchy",
        "Sketches that people drew of photos, or your own photos with their edges (datasets/edge_maps/README.md).",
        choices=("sketchy", "edge_maps"),
    )
    manual_dir: tuple[str, ...] = option(
        (), "Folders of the Sketchy release, mostly one, read once to build the TFRecords.", path=True
    )
    data_dir: str = option(
        "runs/data", "Folder of the TFRecords; built from --manual_dir when they are missing.", path=True
    )
    photos_dir: tuple[str, ...] = option(
        (), "Folders of your photos, a folder per class in each, read once to build the edge maps.", path=True
    )
    photo_variant: tuple[str, ...] = option(
        (DEFAULT_PHOTO_VARIANT,),
        "Rendering of the photos, one for all of --manual_dir or one for each;"
        " `python -m datasets.sketchy.build --help` explains them.",
        choices=tuple(PHOTO_VARIANTS),
    )
    sketch_variant: tuple[str, ...] = option(
        (DEFAULT_SKETCH_VARIANT,),
        "Rendering of the sketches, likewise.",
        choices=tuple(SKETCH_VARIANTS),
    )
    max_bad: int = option(0, "Bad files to leave out when the TFRecords are built.", lower=0)
    drop_sketches: tuple[str, ...] = option(
        ("error",), "Sketches with any of these flags are left out.", choices=MARKS
    )
    sketch_encoding: str = option(
        "lines",
        "What the networks see of a sketch: its lines, each pixel's distance to the nearest line, or this distance with"
        " a sign that tells what the drawing encloses from what is around it.",
        choices=SKETCH_ENCODINGS,
    )
    image_size: int = option(
        64, "Pixels of a picture's side, sketch and photo alike, which a run keeps for life.", choices=(64, 128)
    )
    classes: tuple[str, ...] = option((), "Classes to use, by name; empty for all.", instead_of="num_classes")
    num_classes: int = option(
        0, "Use the first N classes in alphabetical order; 0 for all.", lower=0, instead_of="classes"
    )
    shuffle_buffer: int = option(8192, "Examples among which the next one is drawn.", lower=1)
    balance_classes: float = option(
        0.0, "Classes with few examples are read more often: 0, as they come, to 1, all alike.", lower=0, upper=1
    )
    validation_share: float = option(
        0.0, "Share of the training photos, to a thousandth, that is kept out of the training.", lower=0, upper=0.5
    )
    brightness_jitter: float = option(
        0.3, "Training photos are made brighter or darker, by a factor of up to 1 +- this.", lower=0, upper=1
    )
    contrast_jitter: float = option(
        0.2, "Their contrast, about the photo's mean grey, is changed by a factor of up to 1 +- this.", lower=0, upper=1
    )
    horizontal_flip_probability: float = option(
        0.0, "Share of the training pairs that are mirrored, photo and sketch alike.", lower=0, upper=1
    )
    crop_fraction: float = option(
        0.0, "Up to this share of the side is cut off training pairs, photo and sketch alike.", lower=0, upper=0.5
    )
    sketch_warp_fraction: float = option(
        0.0, "Lines of training sketches are bent by this share of the side, photos are not.", lower=0, upper=0.1
    )
    edge_maps_share: float = option(
        0.0, "Share of edge maps among the training examples at first, to a thousandth.", lower=0, upper=1
    )
    edge_maps_share_end: float = option(0.0, "Their share in the end, likewise.", lower=0, upper=1)
    edge_maps_share_steps: int = option(
        50_000, "Steps from the one share to the other, in a straight line.", lower=1, upper=1_000_000
    )

    @property
    def mixes_edge_maps(self) -> bool:
        """Whether there are edge maps among real sketches at any time."""
        return bool(self.edge_maps_share or self.edge_maps_share_end)
