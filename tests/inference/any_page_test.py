"""A ring on any page that people have is found where it is."""

from __future__ import annotations

import io
import itertools
from collections.abc import Iterator

import numpy as np
import pytest
from PIL import Image, ImageDraw

from sketch2img_tf.inference.sketch_files import read_sketch

WIDTH, HEIGHT = 320, 240
PEN = 7
FILL = 0.8
LEFT, TOP, SIDE = 110, 60, 90  # the ring's box, with a mark at its upper left
TURNED = {  # how a camera stores what the tag says to turn
    1: lambda picture: picture,
    3: lambda picture: picture.transpose(Image.Transpose.ROTATE_180),
    6: lambda picture: picture.transpose(Image.Transpose.ROTATE_90),
    8: lambda picture: picture.transpose(Image.Transpose.ROTATE_270),
}


def rings(scale: int = 1) -> np.ndarray:
    """Where the ring and its mark are, bool."""
    mask = Image.new("1", (WIDTH * scale, HEIGHT * scale))
    draw = ImageDraw.Draw(mask)
    box = np.array([LEFT, TOP, LEFT + SIDE, TOP + SIDE]) * scale
    draw.ellipse((box - [0, 0, 1, 1]).tolist(), outline=1, width=PEN * scale)
    draw.rectangle((*box[:2].tolist(), *(box[:2] + PEN * scale).tolist()), fill=1)
    return np.asarray(mask)


def expected() -> np.ndarray:
    """The ring in the middle of a square, by other means than the
    reader's: drawn at four times its size.
    """
    drawn = rings(4)
    rows, columns = np.nonzero(drawn)
    picture = Image.fromarray(drawn[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1])
    picture = picture.convert("L").resize((round(FILL * 256),) * 2, Image.Resampling.BOX)
    canvas = Image.new("L", (256, 256))
    canvas.paste(picture, ((256 - picture.width) // 2,) * 2)
    return np.asarray(canvas) > 127


def found(path) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(read_sketch(str(path), fill=FILL).png))) < 128


def pages(rng: np.random.Generator, kind: str) -> Iterator[tuple[Image.Image, dict]]:
    """Pictures without end, each with how to save it."""
    ring = rings()[..., np.newaxis]
    while True:
        paper, ink = rng.integers(0, 256, [2, 3])
        if kind == "margin":  # what has one is scanned or photographed: paper nearly without colour
            paper = rng.integers(60, 241) + rng.integers(-15, 16, 3)
        if np.abs(paper - ink).max() <= 90:  # people would not see it, or noise would hide it
            continue
        is_seen_in_grey = abs((paper - ink) @ [0.299, 0.587, 0.114]) > 90
        if kind == "margin" and not is_seen_in_grey:
            continue
        pixels = np.where(ring, ink, paper).astype(float)
        if kind == "margin":
            across, down = rng.integers(0, [41, 31])
            inside = np.zeros([HEIGHT, WIDTH, 1], bool)
            inside[down : HEIGHT - down, across : WIDTH - across] = True
            pixels = np.where(inside, pixels, rng.choice([0, rng.integers(0, 256), 255]))
        elif kind == "noise":
            pixels += rng.normal(0, rng.uniform(0, 8), pixels.shape)
        elif kind == "lamp":
            pixels *= np.linspace(1, rng.uniform(0.6, 1), WIDTH)[:, np.newaxis]
        picture = Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
        yield saved(rng, kind, picture, is_seen_in_grey)


def saved(
    rng: np.random.Generator, kind: str, picture: Image.Image, is_seen_in_grey: bool
) -> tuple[Image.Image, dict]:
    """The picture in one of the modes, formats and rotations that people have."""
    if kind == "transparent":
        picture.putalpha(Image.fromarray(np.where(rings(), 255, 0).astype(np.uint8)))
        return picture, {"format": rng.choice(["PNG", "GIF"])}
    if is_seen_in_grey and rng.integers(2):
        picture = picture.convert("L")
    if kind == "sixteen" and picture.mode == "L":
        return Image.fromarray(np.asarray(picture).astype(np.uint16) * 257), {"format": "PNG"}
    if kind == "plain" and rng.integers(2):
        palette = picture.convert("P", palette=Image.Palette.ADAPTIVE)
        return palette, {"format": rng.choice(["PNG", "GIF", "BMP"])}
    exif, tag = Image.Exif(), int(rng.choice(list(TURNED)))
    exif[0x0112] = tag
    # JPEG blurs colours
    form = rng.choice(["PNG", "JPEG"]) if is_seen_in_grey else "PNG"
    return TURNED[tag](picture), {"format": form, "exif": exif, "quality": 92}


@pytest.mark.parametrize("kind", ["plain", "margin", "noise", "lamp", "transparent", "sixteen"])
def test_the_ring_is_found_on_any_page(tmp_path, kind):
    path, ring = tmp_path / "ring", expected()
    for number, (picture, options) in enumerate(
        itertools.islice(pages(np.random.default_rng(1), kind), 20)
    ):
        picture.save(path, **options)
        pixels = found(path)
        assert np.sum(ring & pixels) / np.sum(ring | pixels) > 0.7, number
