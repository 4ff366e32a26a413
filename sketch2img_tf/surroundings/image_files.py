"""Picture files opened for their pixels alone.

Of the metadata the orientation is read, if it can be, and none can make a picture unreadable.
Pillow reads all of it, and refuses a file for what it cannot read: a short gamma chunk, a large ICC
profile, a resolution below zero. No viewer does, nor do TensorFlow's decoders. So Pillow is given
PNG and JPEG files without their metadata; those of other formats it keeps unread.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Collection

import numpy as np
from PIL import Image

_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG = b"\xff\xd8"

# What pixels depend on beside PNG's critical chunks: transparency,
# and the pictures of an animation.
_PNG_PIXELS = (b"tRNS", b"acTL", b"fcTL", b"fdAT")

# The segments before a JPEG's pixels that say nothing of them (ITU T.81, table B.1): of
# applications, and comments. Two of the applications' do say something, how colours are stored, if
# they are as long as libjpeg asks.
_JPEG_METADATA = (*range(0xE0, 0xF0), 0xFE)
_JPEG_COLOURS = {0xE0: (b"JFIF\0", 14), 0xEE: (b"Adobe", 12)}

_ORIENTATION = 0x0112  # EXIF tag
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def open_picture(
    encoded: bytes, formats: Collection[str] | None = None
) -> tuple[Image.Image, Image.Transpose | None]:
    """Reads a file's header, and how the picture has to be turned to be upright; None: not at all,
    as far as is known.

    Args:
      encoded: the file's bytes.
      formats: Pillow's names of those that may be read; None: all.

    Raises:
      Exception: whatever `PIL.Image.open` raises, of pixels that cannot be read.
    """
    pixels, exif = _parted(encoded)
    picture = Image.open(io.BytesIO(pixels), formats=formats)
    return picture, _turn(exif or picture.info.get("exif", b""))


def eight_bits(picture: Image.Image) -> Image.Image:
    """A picture of 16 bits per channel in 8, which Pillow would cut off at 255; any other as it is.

    Of a PNG's colour that stands for transparent, Pillow keeps the 16 bits though it reads 8 of the
    pixels.
    """
    transparent = picture.info.get("transparency")
    if picture.mode.startswith("I"):
        levels = np.asarray(picture)
        grey = Image.fromarray((levels // 257).astype(np.uint8))
        if transparent is None:
            return grey
        return Image.merge(
            "LA", [grey, Image.fromarray(np.where(levels == transparent, 0, 255).astype(np.uint8))]
        )
    if picture.mode == "RGB" and isinstance(transparent, tuple) and max(transparent) > 255:
        picture.info["transparency"] = tuple(level >> 8 for level in transparent)
    return picture


def _turn(exif: bytes) -> Image.Transpose | None:
    tags = Image.Exif()
    try:
        tags.load(exif)
        return _TURNS.get(tags.get(_ORIENTATION))
    # Pillow raises nearly anything on damaged tags, which say nothing of the pixels.
    except Exception:
        return None


def _parted(encoded: bytes) -> tuple[bytes, bytes]:
    """The file without its metadata, and of these the EXIF tags;
    what cannot be parted is left as it is.
    """
    if encoded.startswith(_PNG):
        return _parted_png(encoded)
    return _parted_jpeg(encoded) if encoded.startswith(_JPEG) else (encoded, b"")


def _parted_png(encoded: bytes) -> tuple[bytes, bytes]:
    kept, exif, at = [_PNG], b"", len(_PNG)
    while at + 8 <= len(encoded):
        length, name = struct.unpack_from(">I4s", encoded, at)
        end = at + length + 12
        if name == b"eXIf":
            exif = encoded[at + 8 : end - 4]
        # A capital: critical (PNG specification, 5.4)
        if name[:1].isupper() or name in _PNG_PIXELS:
            kept.append(encoded[at:end])
        at = end
    return b"".join(kept) + encoded[at:], exif


def _parted_jpeg(encoded: bytes) -> tuple[bytes, bytes]:
    kept, exif, at = [_JPEG], b"", len(_JPEG)
    while at + 4 <= len(encoded):
        start, marker, length = struct.unpack_from(">BBH", encoded, at)
        # The scan, or damage
        if start != 0xFF or marker < 0xC0 or 0xD0 <= marker <= 0xDA or length < 2:
            break
        content = encoded[at + 4 : at + 2 + length]
        if marker == 0xE1 and content.startswith(b"Exif\0\0"):
            exif = exif or content
        name, shortest = _JPEG_COLOURS.get(marker, (b"", 0))
        says_colours = bool(name) and content.startswith(name) and len(content) >= shortest
        if marker not in _JPEG_METADATA or says_colours:
            kept.append(encoded[at : at + 2 + length])
        at += 2 + length
    return b"".join(kept) + encoded[at:], exif
