"""Metadata, whatever it holds, leaves a picture as it is without: the pixels are
the decoder's, and the turn EXIF's.
"""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
import tensorflow as tf
from PIL import ExifTags, Image

from datasets.common import pictures
from datasets.edge_maps import photos
from sketch2img_tf.surroundings import image_files

PIXELS = np.random.default_rng(0).integers(0, 256, (256, 256, 3)).astype(np.uint8)


def encoded(kind: str, picture: Image.Image | None = None, **options) -> bytes:
    file = io.BytesIO()
    (picture or Image.fromarray(PIXELS)).save(file, kind, **options)
    return file.getvalue()


def chunk(name: bytes, content: bytes) -> bytes:
    checksum = struct.pack(">I", zlib.crc32(name + content))
    return struct.pack(">I", len(content)) + name + content + checksum


def png_with(name: bytes, content: bytes) -> bytes:
    """A PNG with that chunk after its header."""
    plain = encoded("PNG")
    return plain[:33] + chunk(name, content) + plain[33:]


def jpeg_with(marker: int, content: bytes) -> bytes:
    """A JPEG with that segment first of all."""
    plain = encoded("JPEG", quality=95)
    return plain[:2] + struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content + plain[2:]


def turned_tags(**resolution) -> bytes:
    """EXIF tags of a picture to be turned clockwise, with a
    resolution below zero, which no tag may have.
    """
    entries = struct.pack(">HHIHH", ExifTags.Base.Orientation, 3, 1, 6, 0)
    entries += struct.pack(">HHII", ExifTags.Base.XResolution, 10, 1, 38)
    return (
        b"MM\0*"
        + struct.pack(">IH", 8, 2)
        + entries
        + struct.pack(">I", 0)
        + struct.pack(">ii", -72, 1)
    )


PNGS = {
    "short_gamma": png_with(b"gAMA", b"\0\0"),
    "short_resolution": png_with(b"pHYs", b"\0"),
    "short_profile": png_with(b"iCCP", b"p\0"),
    "unknown_profile": png_with(b"iCCP", b"p\0\7"),
    "large_profile": png_with(b"iCCP", b"p\0\0" + zlib.compress(bytes(2**21))),
    "large_xmp": png_with(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(bytes(2**21))),
    "short_chromaticities": png_with(b"cHRM", b"\0\0\0"),
    "garbage_exif": png_with(b"eXIf", b"\0\10\0\2\1\22\0\3"),
    "empty_exif": png_with(b"eXIf", b""),
}
JPEGS = {
    "short_jfif": jpeg_with(0xE0, b"JFIF\0"),
    "garbage_exif": jpeg_with(0xE1, b"Exif\0\0\0\10\0\2\1\22"),
    "short_profile": jpeg_with(0xE2, b"ICC_PROFILE\0"),
    "pictures_that_are_not_there": jpeg_with(0xE2, b"MPF\0II*\0\xff\xff\xff\xff"),
    "short_photoshop": jpeg_with(0xED, b"Photoshop 3.0\x008BIM\x03\xed\0\0\0\0\0\x04abcd"),
    "comment": jpeg_with(0xFE, b"\xff" * 60),
}


@pytest.mark.parametrize("name", PNGS)
def test_no_chunk_beside_the_pixels_keeps_a_png_from_being_read(name):
    picture, turn = image_files.open_picture(PNGS[name])
    assert turn is None
    np.testing.assert_array_equal(picture, PIXELS)
    np.testing.assert_array_equal(picture, tf.io.decode_png(PNGS[name]))
    image_files.open_picture(PNGS[name])[0].verify()
    np.testing.assert_array_equal(photos.decode(PNGS[name]), PIXELS)


@pytest.mark.parametrize("name", JPEGS)
def test_no_segment_beside_the_pixels_keeps_a_jpeg_from_being_read(name, tmp_path):
    picture, turn = image_files.open_picture(JPEGS[name])
    assert (turn, picture.format) == (None, "JPEG")
    plain = encoded("JPEG", quality=95)
    np.testing.assert_array_equal(picture, Image.open(io.BytesIO(plain)))
    np.testing.assert_array_equal(tf.io.decode_jpeg(JPEGS[name]), tf.io.decode_jpeg(plain))
    (tmp_path / "photo.jpg").write_bytes(JPEGS[name])
    assert pictures.check_photo(tmp_path / "photo.jpg").problem == ""
    np.testing.assert_array_equal(photos.decode(JPEGS[name]), photos.decode(plain))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_the_turn_is_read_beside_a_resolution_below_zero(kind, tmp_path):
    plain = encoded(kind, lossless=True)
    sideways = encoded(kind, lossless=True, exif=b"Exif\0\0" + turned_tags())
    _, turn = image_files.open_picture(sideways)
    assert turn == Image.Transpose.ROTATE_270
    np.testing.assert_array_equal(photos.decode(sideways), np.rot90(photos.decode(plain), -1))
    (tmp_path / "sketch").write_bytes(sideways)
    if kind == "PNG":  # whose records do not turn the picture
        assert "should be turned" in pictures.check_sketch(tmp_path / "sketch").problem


def test_colours_are_stored_as_adobe_or_jfif_say():
    """Without its segment, a CMYK file's colours would be inverted,
    and those of three channels guessed.
    """
    for mode in ("CMYK", "YCbCr", "RGB", "L"):
        file = encoded("JPEG", Image.fromarray(PIXELS).convert(mode), keep_rgb=mode == "RGB")
        np.testing.assert_array_equal(
            image_files.open_picture(file)[0], Image.open(io.BytesIO(file))
        )


def test_transparency_and_moving_pictures_are_of_the_pixels():
    palette = Image.fromarray(PIXELS).convert("P")
    file = encoded(
        "PNG", palette, transparency=7, save_all=True, append_images=[palette.rotate(90)]
    )
    picture, _ = image_files.open_picture(file)
    expected = Image.open(io.BytesIO(file))
    assert (picture.n_frames, picture.info["transparency"]) == (2, 7)
    for number in range(2):
        picture.seek(number), expected.seek(number)
        np.testing.assert_array_equal(picture.convert("RGBA"), expected.convert("RGBA"))


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_what_is_cut_off_is_no_whole_picture(kind, share):
    file = encoded(kind)
    with pytest.raises((OSError, SyntaxError)):
        image_files.open_picture(file[: int(share * len(file))])[0].load()


def test_damaged_pixels_of_a_png_are_found():
    file = bytearray(encoded("PNG"))
    file[200] ^= 255
    with pytest.raises(SyntaxError):
        image_files.open_picture(bytes(file))[0].verify()


def sixteen_bits(levels: np.ndarray, colour: int, transparent: bytes) -> bytes:
    """A PNG of [H, W] or [H, W, 3] levels of 16 bits; `colour` as PNG numbers its kinds."""
    height, width = levels.shape[:2]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in levels)
    header = struct.pack(">IIBBBBB", width, height, 16, colour, 0, 0, 0)
    chunks = (
        (b"IHDR", header),
        (b"tRNS", transparent),
        (b"IDAT", zlib.compress(rows)),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*named) for named in chunks)


def test_a_transparent_colour_of_sixteen_bits():
    grey = np.full((64, 64), 40_000)
    grey[10:20] = 0
    colour = np.stack([grey, grey // 2, grey // 3], -1)
    for levels, kind in ((grey, 0), (colour, 2)):
        transparent = np.array(levels[0, 0], ">u2").tobytes()
        file = sixteen_bits(levels, kind, transparent)
        picture = image_files.eight_bits(image_files.open_picture(file)[0])
        seen = np.asarray(picture.convert("RGBA"))[..., 3]
        np.testing.assert_array_equal(seen, np.where(grey == 0, 255, 0))
        np.testing.assert_array_equal(seen, tf.io.decode_png(file, channels=4)[..., 3])
        np.testing.assert_array_equal(photos.decode(file)[100], 255)
