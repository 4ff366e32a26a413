"""Every kind of picture file a person may have gives the same
sketch; every bad one gives one line.
"""

from __future__ import annotations

import errno
import io
import os
import pathlib
import struct
import subprocess
import sys
import zlib

import numpy as np
import pytest
from PIL import Image, ImageDraw

from sketch2img_tf.errors import UserError
from sketch2img_tf.inference.sketch_files import EXTENSIONS, FORMATS, list_sketches, read_sketch
from tests.inference.drawn_pages import kite

ROOT = pathlib.Path(__file__).resolve().parents[2]
FILL = 0.8


def pixels(path: pathlib.Path) -> np.ndarray:
    picture = Image.open(io.BytesIO(read_sketch(str(path), fill=FILL).png))
    assert (picture.mode, picture.size) == ("L", (256, 256))
    return np.asarray(picture, np.float64)


def see_through(ink: tuple[int, int, int]) -> Image.Image:
    """Lines of that colour on a transparent page, which is black where nothing is to be seen."""
    drawn = np.asarray(kite()) == 0
    return Image.fromarray(
        np.where(drawn[..., np.newaxis], (*ink, 255), (0, 0, 0, 0)).astype(np.uint8)
    )


def sideways() -> tuple[Image.Image, Image.Exif]:
    """As a camera held upright stores it: the pixels turned, and a tag that says so."""
    exif = Image.Exif()
    exif[0x0112] = 6  # to be shown turned by 90 degrees clockwise
    return kite().transpose(Image.Transpose.ROTATE_90), exif


def write_sideways(path, **options):
    picture, exif = sideways()
    picture.save(path, exif=exif, **options)


def write_transparent_palette(path):
    picture = kite().convert("P")
    picture.save(path, transparency=picture.getpixel((0, 0)))


def write_sixteen_bits_transparent(path):
    """The page's colour stands for transparent."""
    levels = np.where(np.asarray(kite()) == 0, 9_000, 40_000).astype(np.uint16)
    file = io.BytesIO()
    Image.fromarray(levels).save(file, "PNG")
    content = b"tRNS" + struct.pack(">H", 40_000)
    chunk = struct.pack(">I", 2) + content + struct.pack(">I", zlib.crc32(content))
    path.write_bytes(file.getvalue()[:33] + chunk + file.getvalue()[33:])


def white_with_a_red_cross() -> Image.Image:
    drawn = see_through((255, 255, 255))
    red = see_through((220, 30, 30))
    drawn.paste(red.crop((0, 150, 600, 160)), (0, 150))
    return drawn


FILES = {
    "nearly_white_on_nothing.png": lambda path: see_through((238, 238, 238)).save(path),
    "white_and_red_on_nothing.png": lambda path: white_with_a_red_cross().save(path),
    "sixteen_bit_transparent.png": write_sixteen_bits_transparent,
    "rgb.png": lambda path: kite().convert("RGB").save(path),
    "colours.png": lambda path: kite((0, 60, 160), (255, 250, 230), "RGB").save(path),
    "rgba.png": lambda path: see_through((0, 0, 0)).save(path),
    "white_on_nothing.png": lambda path: see_through((255, 255, 255)).save(path),
    "opaque.png": lambda path: kite().convert("RGBA").save(path),
    "grey_alpha.png": lambda path: see_through((0, 0, 0)).convert("LA").save(path),
    "palette.png": lambda path: kite().convert("P").save(path),
    "transparent_palette.png": write_transparent_palette,
    "one_bit.png": lambda path: kite().convert("1").save(path),
    "sixteen_bit.png": lambda path: Image.fromarray(
        np.asarray(kite()).astype(np.uint16) * 257
    ).save(path),
    "inverted.png": lambda path: kite(255, 0).save(path),
    "one_bit_inverted.bmp": lambda path: kite(255, 0).convert("1").save(path),
    "grey.jpg": lambda path: kite().save(path, quality=90),
    "colour.JPG": lambda path: kite().convert("RGB").save(path, "JPEG"),
    "cmyk.jpg": lambda path: kite().convert("RGB").convert("CMYK").save(path),
    "sideways.jpg": lambda path: write_sideways(path, quality=95),
    "sideways.png": write_sideways,
    "large.jpg": lambda path: kite().resize((4800, 3200)).save(path),
    "lossless.webp": lambda path: see_through((0, 0, 0)).save(path, lossless=True),
    "lossy.webp": lambda path: kite().convert("RGB").save(path),
    "plain.gif": lambda path: kite().save(path),
    "transparent.gif": lambda path: see_through((0, 0, 0)).save(path),
    "moving.gif": lambda path: kite().save(path, save_all=True, append_images=[kite(255, 0)]),
    "plain.bmp": lambda path: kite().convert("RGB").save(path),
    "named_wrongly.png": lambda path: kite().save(path, "JPEG", quality=95),
}


@pytest.fixture(scope="module")
def plain(tmp_path_factory) -> np.ndarray:
    path = tmp_path_factory.mktemp("plain") / "plain.png"
    kite().save(path)
    return pixels(path)


@pytest.mark.parametrize("name", FILES)
def test_every_kind_of_file_gives_the_same_sketch(name, plain, tmp_path):
    FILES[name](tmp_path / name)
    # Of 255; lossy kinds and other sizes are not exact
    assert np.abs(pixels(tmp_path / name) - plain).mean() < 1.5


@pytest.mark.parametrize(
    ("name", "note"),
    [
        ("rgba.png", "transparent page taken for white paper"),
        ("transparent.gif", "transparent page taken for white paper"),
        ("white_on_nothing.png", "white lines on a transparent page: taken for black on white"),
        ("inverted.png", "white on black, turned to black on white"),
        ("sideways.jpg", "turned upright, as its EXIF data say"),
        (
            "nearly_white_on_nothing.png",
            "white lines on a transparent page: taken for black on white",
        ),
        (
            "white_and_red_on_nothing.png",
            "white lines on a transparent page: taken for black on white",
        ),
        ("moving.gif", "the first of its pictures"),
        ("rgb.png", "black on white"),
    ],
)
def test_what_is_taken_for_granted_is_told(name, note, tmp_path):
    FILES[name](tmp_path / name)
    notes = read_sketch(str(tmp_path / name), fill=FILL).notes
    assert note in notes
    assert notes[-1].startswith("cropped to the drawing, 1")


def test_a_white_shape_keeps_the_lines_on_it(tmp_path):
    """A figure cut out of its page: white, but no line."""
    figure = Image.new("RGBA", (300, 300))
    draw = ImageDraw.Draw(figure)
    draw.ellipse((60, 60, 240, 240), fill="white", outline="black", width=6)
    figure.save(tmp_path / "figure.png")
    shown = pixels(tmp_path / "figure.png")
    assert shown[128, 128] == 255 and np.mean(shown < 128) < 0.1


@pytest.mark.parametrize("kind", ["gif", "png", "webp"])
def test_a_recording_is_read_where_it_has_lines(kind, plain, tmp_path):
    """An empty page, half of the drawing, all of it for a while, and an empty page again."""
    empty, half = Image.new("L", (600, 400), 255), kite()
    half.paste(255, (0, 200, 600, 400))
    recorded = [empty, half, kite(), kite(1), kite(2), empty]
    options = {"lossless": True} if kind == "webp" else {}
    recorded[0].save(tmp_path / f"a.{kind}", save_all=True, append_images=recorded[1:], **options)
    assert np.abs(pixels(tmp_path / f"a.{kind}") - plain).mean() < 1.5
    notes = read_sketch(str(tmp_path / f"a.{kind}"), fill=FILL).notes
    assert notes[0] == "picture 5 of its 6, which has more lines than the first"


def test_what_comes_before_damage_is_read(plain, tmp_path):
    file = io.BytesIO()
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (400, 600)).astype(np.uint8))
    kite().save(file, "PNG", save_all=True, append_images=[noise, noise])
    (tmp_path / "cut.png").write_bytes(file.getvalue()[:-150_000])
    assert np.abs(pixels(tmp_path / "cut.png") - plain).mean() < 1.5


def test_metadata_refuse_no_sketch(plain, tmp_path):
    """More kinds of it are in image_files_test.py."""
    kite().save(tmp_path / "bad.png", exif=b"Exif\0\0\0\10\0\2\1\22\0\3")
    np.testing.assert_array_equal(pixels(tmp_path / "bad.png"), plain)


def test_wrong_polarity_is_obeyed(tmp_path):
    kite().save(tmp_path / "plain.png")
    with pytest.raises(UserError, match="is blank"):  # no white line on a black page there
        read_sketch(str(tmp_path / "plain.png"), polarity="white_on_black")


def half(path, name, **options):
    whole = io.BytesIO()
    kite().save(whole, name, **options)
    path.write_bytes(whole.getvalue()[: len(whole.getvalue()) // 2])


BAD = {
    "blank.png": (lambda path: Image.new("L", (300, 300), 255).save(path), "is blank"),
    "nothing.png": (lambda path: Image.new("RGBA", (300, 300)).save(path), "is blank"),
    "dot.png": (lambda path: Image.new("L", (1, 1)).save(path), "is 1x1 pixels"),
    "thread.png": (lambda path: Image.new("L", (1, 5000)).save(path), "is 1x5000 pixels"),
    "text.png": (
        lambda path: path.write_text("a cat"),
        "is not a PNG, JPEG, WebP, GIF or BMP picture",
    ),
    "empty.png": (
        lambda path: path.write_bytes(b""),
        "is not a PNG, JPEG, WebP, GIF or BMP picture",
    ),
    "kind.png": (
        lambda path: kite().save(path, "TIFF"),
        "is not a PNG, JPEG, WebP, GIF or BMP picture",
    ),
    "half.png": (lambda path: half(path, "PNG"), "damaged or cut off"),
    "half.jpg": (lambda path: half(path, "JPEG"), "damaged or cut off"),
    "half.bmp": (lambda path: half(path, "BMP"), "damaged or cut off"),
    "folder.png": (lambda path: path.mkdir(), "is not a file"),
    "missing.png": (lambda path: None, "No such file"),
    "large.png": (
        lambda path: Image.new("1", (9000, 9000)).save(path),
        "has more than 50 million pixels",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_one_line(name, tmp_path):
    write, says = BAD[name]
    write(tmp_path / name)
    with pytest.raises(UserError) as error:
        read_sketch(str(tmp_path / name))
    assert str(error.value).startswith(f"{tmp_path / name}: ") and says in str(error.value)
    assert "\n" not in str(error.value) and len(str(error.value)) < len(str(tmp_path)) + 160


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read(tmp_path):
    kite().save(tmp_path / "secret.png")
    (tmp_path / "secret.png").chmod(0)
    with pytest.raises(UserError, match="Permission denied"):
        read_sketch(str(tmp_path / "secret.png"))


def test_a_bomb_is_refused_by_its_header(tmp_path):
    """400 million pixels in some 50 kB; in a process of its own, whose
    memory is only what reading it takes.
    """
    Image.MAX_IMAGE_PIXELS, before = None, Image.MAX_IMAGE_PIXELS
    Image.new("1", (20000, 20000)).save(tmp_path / "bomb.png")
    Image.MAX_IMAGE_PIXELS = before
    program = """
import resource, sys
from sketch2img_tf.inference.sketch_files import read_sketch
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    read_sketch(sys.argv[1])
except ValueError as error:
    print(error)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)
"""
    command = [sys.executable, "-W", "error", "-c", program, str(tmp_path / "bomb.png")]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    line, mebibytes = result.stdout.splitlines()
    assert line.startswith(f"{tmp_path / 'bomb.png'}: has more than 50 million pixels")
    assert float(mebibytes) < 20


def test_pictures_of_a_folder(tmp_path):
    for name in ("b.PNG", "a.jpeg", "c.JFIF", "four.heic", "three.tif", ".hidden.png", "Thumbs.db"):
        (tmp_path / name).touch()
    (tmp_path / "more").mkdir()
    paths, passed_over = list_sketches(str(tmp_path))
    assert [os.path.basename(path) for path in paths] == ["a.jpeg", "b.PNG", "c.JFIF"]
    assert passed_over == ["four.heic", "more", "three.tif"]


def test_all_endings_of_the_kinds_that_are_read_count():
    """Those that Pillow knows; MPO is a JPEG with more pictures behind it."""
    kinds = {*FORMATS, "MPO"}
    known = {ending for ending, kind in Image.registered_extensions().items() if kind in kinds}
    assert set(EXTENSIONS) == known


def test_a_folder_without_pictures(tmp_path):
    with pytest.raises(
        UserError, match=r"^--sketch=.*: no picture in this folder; put sketches there, .png"
    ):
        list_sketches(str(tmp_path))
    for number in range(12):
        (tmp_path / f"{number:02}.tif").touch()
    with pytest.raises(UserError, match=r"in this folder but 00.tif, .*, 09.tif and 2 more; put"):
        list_sketches(str(tmp_path))


def test_a_folder_that_cannot_be_read(tmp_path, monkeypatch):
    """Nobody is kept out who may do everything, as tests in a container may."""

    def refuse(path):
        raise PermissionError(errno.EACCES, "Permission denied", path)

    monkeypatch.setattr(os, "listdir", refuse)
    with pytest.raises(UserError, match="^--sketch=.*: cannot be read: Permission denied$"):
        list_sketches(str(tmp_path))
