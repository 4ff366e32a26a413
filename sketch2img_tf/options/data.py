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
        "Sketches that people drew of photos, or your own photos with their edges"
        " (datasets/edge_maps/README.md).",
        choices=("sketchy", "edge_maps"),
    )
    manual_dir: tuple[str, ...] = option(
        (),
        "Folders of the Sketchy release, usually one; they are read once, to build the TFRecords.",
        path=True,
    )
    data_dir: str = option(
        "runs/data",
        "Folder of the TFRecords; if they are missing, they are built from --manual_dir.",
        path=True,
    )
    photos_dir: tuple[str, ...] = option(
        (),
        "Folders of your photos, each with one folder per class; read once, to build the edge"
        " maps.",
        path=True,
    )
    photo_variant: tuple[str, ...] = option(
        (DEFAULT_PHOTO_VARIANT,),
        "Rendering of the photos: one for all folders of --manual_dir, or one per folder;"
        " `python -m datasets.sketchy.build --help` explains the renderings.",
        choices=tuple(PHOTO_VARIANTS),
    )
    sketch_variant: tuple[str, ...] = option(
        (DEFAULT_SKETCH_VARIANT,),
        "Rendering of the sketches: one for all folders of --manual_dir, or one per folder.",
        choices=tuple(SKETCH_VARIANTS),
    )
    max_bad: int = option(
        0,
        "How many bad files the build of the TFRecords may leave out; with more it stops.",
        lower=0,
    )
    drop_sketches: tuple[str, ...] = option(
        ("error",), "Leave out sketches that the release marks with any of these.", choices=MARKS
    )
    sketch_encoding: str = option(
        "lines",
        "How the networks see a sketch: as lines, as each pixel's distance to the nearest line, or"
        " as this distance with a sign: positive inside the drawing's outline, negative outside.",
        choices=SKETCH_ENCODINGS,
    )
    image_size: int = option(
        64,
        "Side of sketches and photos, in pixels; it cannot change during a run.",
        choices=(64, 128),
    )
    classes: tuple[str, ...] = option(
        (), "Classes to use, by name; empty for all.", instead_of="num_classes"
    )
    num_classes: int = option(
        0,
        "Use the first N classes in alphabetical order; 0 for all.",
        lower=0,
        instead_of="classes",
    )
    shuffle_buffer: int = option(8192, "Size of the shuffle buffer, in examples.", lower=1)
    balance_classes: float = option(
        0.0,
        "Read classes with few examples more often: from 0, not at all, to 1, all classes equally"
        " often.",
        lower=0,
        upper=1,
    )
    validation_share: float = option(
        0.0,
        "Share of the training photos, in steps of 0.001, to hold out for validation.",
        lower=0,
        upper=0.5,
    )
    brightness_jitter: float = option(
        0.3,
        "Multiply the brightness of training photos by a random factor within 1 +- this.",
        lower=0,
        upper=1,
    )
    contrast_jitter: float = option(
        0.2,
        "Multiply the contrast of training photos by a random factor within 1 +- this.",
        lower=0,
        upper=1,
    )
    horizontal_flip_probability: float = option(
        0.0,
        "Probability of mirroring a training pair, photo and sketch together.",
        lower=0,
        upper=1,
    )
    crop_fraction: float = option(
        0.0,
        "Crop training pairs, photo and sketch together, by up to this share of the side.",
        lower=0,
        upper=0.5,
    )
    sketch_warp_fraction: float = option(
        0.0,
        "Bend the lines of training sketches, but not photos, by this share of the side.",
        lower=0,
        upper=0.1,
    )
    sketch_wobble_fraction: float = option(
        0.0,
        "The lines of training sketches tremble by up to this share of the side.",
        lower=0,
        upper=0.05,
    )
    sketch_double_fraction: float = option(
        0.0, "Up to this share of the lines of training sketches is drawn twice.", lower=0, upper=1
    )
    sketch_width_pixels: float = option(
        0.0,
        "At either edge the lines of training sketches are wider here and thinner there, by up to"
        " this many 256ths of the side.",
        lower=0,
        upper=4,
    )
    sketch_break_fraction: float = option(
        0.0, "Gaps take up to this share of the lines of training sketches.", lower=0, upper=0.9
    )
    sketch_drop_fraction: float = option(
        0.0,
        "Up to this share of the lines of training sketches is missing, by whole strokes.",
        lower=0,
        upper=0.9,
    )
    edge_maps_share: float = option(
        0.0,
        "Share of edge maps among the training examples at step 0, in steps of 0.001.",
        lower=0,
        upper=1,
    )
    edge_maps_share_end: float = option(
        0.0, "Share of edge maps after --edge_maps_share_steps.", lower=0, upper=1
    )
    edge_maps_share_steps: int = option(
        50_000,
        "Steps in which the share of edge maps changes linearly from the first to the last value.",
        lower=1,
        upper=1_000_000,
    )

    @property
    def mixes_edge_maps(self) -> bool:
        """Whether edge maps are mixed with real sketches at any step."""
        return bool(self.edge_maps_share or self.edge_maps_share_end)
