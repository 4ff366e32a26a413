"""A photo file of anybody's, as the 256x256 picture that a data set holds."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, ImageOps

from datasets.sketchy.pictures import SIZE

SUFFIXES = (".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".apng", ".webp")
SMALLEST = 64  # pixels of the shorter side: what the networks draw

_FORMATS = ("JPEG", "MPO", "PNG", "WEBP")  # MPO: a JPEG with more pictures behind it, as some cameras write
_JPEG_QUALITY = 95


def decode(encoded: bytes) -> np.ndarray:
    """The middle square of a photo's file, upright and in colour, scaled to uint8 [256, 256, 3]; transparent is white.

    Raises:
      ValueError: the file is no whole picture, or too small.
    """
    picture = _open(encoded)
    if min(picture.size) < SMALLEST:
        raise ValueError(f"is {picture.width}x{picture.height}, smaller than {SMALLEST}x{SMALLEST}")
    if picture.format == "PNG":
        _open(encoded).verify()  # Decoding alone passes over checksums and a missing end.
    upright = _rgb(ImageOps.exif_transpose(picture))
    return np.asarray(ImageOps.fit(upright, (SIZE, SIZE), Image.Resampling.LANCZOS))


def to_jpeg(photo: np.ndarray) -> bytes:
    """The file that the records hold, of uint8 [256, 256, 3]."""
    file = io.BytesIO()
    Image.fromarray(photo).save(file, "JPEG", quality=_JPEG_QUALITY)
    return file.getvalue()


def _open(encoded: bytes) -> Image.Image:
    if not encoded:
        raise ValueError("is empty")
    try:
        picture = Image.open(io.BytesIO(encoded))
    except Image.UnidentifiedImageError:
        raise ValueError("is not a picture") from None
    if picture.format not in _FORMATS:
        raise ValueError(f"is {picture.format}, not JPEG, PNG or WebP")
    return picture


def _rgb(picture: Image.Image) -> Image.Image:
    if picture.mode.startswith("I"):  # 16 bits of grey, which `convert` would clip to 255
        picture = Image.fromarray((np.asarray(picture) // 257).astype(np.uint8))
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture).convert("RGB")
    return picture.convert("RGB")
