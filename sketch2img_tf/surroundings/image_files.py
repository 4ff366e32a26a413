"""Opens picture files for their pixels alone.

We read one thing of the metadata, the orientation, if it is readable. No metadata can make a
picture unreadable. Pillow reads all metadata and refuses a file if it cannot: a short gamma chunk,
a large ICC profile, a negative resolution. Viewers and TensorFlow's decoders do not refuse these.
So we give Pillow PNG and JPEG files without their metadata; in other formats Pillow does not read
it.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Collection

import numpy as np
from PIL import Image

_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG = b"\xff\xd8"

# Chunks that change a PNG's pixels, beside its critical ones: transparency and animation.
_PNG_PIXELS = (b"tRNS", b"acTL", b"fcTL", b"fdAT")

# The segments before a JPEG's pixels that do not change them (ITU T.81, table B.1): those of
# applications, and comments. Two of the applications' segments do say how colours are stored, if
# they are as long as libjpeg requires.
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
    """Reads a file's header, and the turn that makes the picture upright; None: none is known.

    Args:
      encoded: the file's bytes.
      formats: Pillow's names of the formats to accept; None: all.

    Raises:
      Exception: whatever `PIL.Image.open` raises if it cannot read the pixels.
    """
    pixels, exif = _parted(encoded)
    picture = Image.open(io.BytesIO(pixels), formats=formats)
    return picture, _turn(exif or picture.info.get("exif", b""))


def eight_bits(picture: Image.Image) -> Image.Image:
    """A picture of 16 bits per channel in 8 bits, where Pillow would clip at 255; others unchanged.

    If a PNG has a transparent colour, Pillow keeps its 16 bits, although it reads pixels of 8 bits.
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
    # Pillow raises nearly anything on damaged tags, which do not concern the pixels.
    except Exception:
        return None


def _parted(encoded: bytes) -> tuple[bytes, bytes]:
    """The file without its metadata, and its EXIF tags; a file that cannot be parsed as it is."""
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
        # A capital letter: a critical chunk (PNG specification, 5.4)
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
