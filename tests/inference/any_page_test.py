"""A ring on any page that people have is found where it is."""

from __future__ import annotations

import io

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from sketch2img_tf.inference.sketch_files import read_sketch

WIDTH, HEIGHT = 320, 240
PEN = 7
FILL = 0.8
LEFT, TOP, SIDE = 110, 60, 90  # the ring's box, with a mark at its upper left
COLOURS = st.tuples(*[st.integers(0, 255)] * 3)
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


@st.composite
def pages(draw) -> tuple[Image.Image, dict]:
    """A picture, and how to save it."""
    kind = draw(st.sampled_from(["plain", "margin", "noise", "lamp", "transparent", "sixteen"]))
    paper, ink = np.array(draw(COLOURS)), np.array(draw(COLOURS))
    if kind == "margin":  # what has one is scanned or photographed: paper nearly without colour
        paper = draw(st.integers(60, 240)) + np.array(draw(st.tuples(*[st.integers(-15, 15)] * 3)))
    difference = np.abs(paper - ink)
    assume(difference.max() > 90)  # what people see, and no noise hides
    ring = rings()[..., np.newaxis]
    pixels = np.where(ring, ink, paper).astype(float)
    is_seen_in_grey = abs((paper - ink) @ [0.299, 0.587, 0.114]) > 90
    if kind == "margin":
        assume(is_seen_in_grey)
        margin = draw(st.integers(0, 255))
        across, down = draw(st.integers(0, 40)), draw(st.integers(0, 30))
        inside = np.zeros([HEIGHT, WIDTH, 1], bool)
        inside[down : HEIGHT - down, across : WIDTH - across] = True
        pixels = np.where(inside, pixels, margin)
    elif kind == "noise":
        pixels += np.random.default_rng(draw(st.integers(0, 99))).normal(
            0, draw(st.floats(0, 8)), pixels.shape
        )
    elif kind == "lamp":
        pixels *= np.linspace(1, draw(st.floats(0.6, 1)), WIDTH)[:, np.newaxis]
    picture = Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
    if kind == "transparent":
        picture.putalpha(Image.fromarray(np.where(ring[..., 0], 255, 0).astype(np.uint8)))
        return picture, {"format": draw(st.sampled_from(["PNG", "GIF"]))}
    if is_seen_in_grey and draw(st.booleans()):
        picture = picture.convert("L")
    if kind == "sixteen" and picture.mode == "L":
        return Image.fromarray(np.asarray(picture).astype(np.uint16) * 257), {"format": "PNG"}
    if kind == "plain" and draw(st.booleans()):
        palette = picture.convert("P", palette=Image.Palette.ADAPTIVE)
        return palette, {"format": draw(st.sampled_from(["PNG", "GIF", "BMP"]))}
    exif, tag = Image.Exif(), draw(st.sampled_from(list(TURNED)))
    exif[0x0112] = tag
    # JPEG blurs colours
    form = draw(st.sampled_from(["PNG", "JPEG"])) if is_seen_in_grey else "PNG"
    return TURNED[tag](picture), {"format": form, "exif": exif, "quality": 92}


@given(pages())
@settings(max_examples=80, deadline=None, derandomize=True)
def test_the_ring_is_found_on_any_page(tmp_path_factory, page):
    picture, options = page
    path = tmp_path_factory.getbasetemp() / "ring"
    picture.save(path, **options)
    ring, pixels = expected(), found(path)
    assert np.sum(ring & pixels) / np.sum(ring | pixels) > 0.7
