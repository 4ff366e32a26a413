"""Reads a user's photo file as the 256x256 picture that the data set holds."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, ImageOps

from datasets.common import pictures
from datasets.common.pictures import SIZE
from sketch2img_tf.surroundings import image_files

SUFFIXES = (".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".apng", ".webp")
SMALLEST = 64  # pixels of the shorter side: the size of the pictures that the networks see

_FORMATS = ("JPEG", "PNG", "WEBP")
_JPEG_QUALITY = 95


def decode(encoded: bytes) -> np.ndarray:
    """The `middle_square` of a photo's file."""
    return middle_square(open_upright(encoded))


def middle_square(photo: Image.Image) -> np.ndarray:
    """The middle of the photo, as large a square as fits, scaled to uint8 [256, 256, 3]."""
    return np.asarray(ImageOps.fit(photo, (SIZE, SIZE), Image.Resampling.LANCZOS))


def open_upright(encoded: bytes) -> Image.Image:
    """Decodes the whole photo file; the result is upright and RGB, transparent pixels are white.

    Raises:
      ValueError: the file is not a whole picture, or it is too small.
    """
    picture, turn = _open(encoded)
    if min(picture.size) < SMALLEST:
        raise ValueError(f"is {picture.width}x{picture.height}, smaller than {SMALLEST}x{SMALLEST}")
    if picture.format == "PNG":
        _open(encoded)[0].verify()  # Decoding alone does not notice a wrong checksum or a cut end.
    return _rgb(picture if turn is None else picture.transpose(turn))


def to_jpeg(photo: np.ndarray) -> bytes:
    """Encodes uint8 [256, 256, 3] as the JPEG file that the records hold."""
    file = io.BytesIO()
    Image.fromarray(photo).save(file, "JPEG", quality=_JPEG_QUALITY)
    return file.getvalue()


def _open(encoded: bytes) -> tuple[Image.Image, Image.Transpose | None]:
    picture, turn = pictures.opened(encoded)
    if picture.format not in _FORMATS:
        raise ValueError(f"is {picture.format}, not JPEG, PNG or WebP")
    return picture, turn


def _rgb(picture: Image.Image) -> Image.Image:
    picture = image_files.eight_bits(picture)
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture).convert(
            "RGB"
        )
    return picture.convert("RGB")
