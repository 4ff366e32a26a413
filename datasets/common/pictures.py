"""Checks and reads one picture file of the release."""

from __future__ import annotations

import dataclasses
import hashlib
import pathlib
from collections.abc import Callable

import numpy as np
import tensorflow as tf
from PIL import Image

from datasets.common import looks
from sketch2img_tf.surroundings import image_files

SIZE = 256


@dataclasses.dataclass(frozen=True)
class Checked:
    """The results of decoding a file.

    Attributes:
      problem: why the file cannot be used; "" if it can. If set, the other fields are not.
      digest: the SHA-1 of the file's bytes.
      look: the look of a photo, which finds its copies (`looks`); empty for a sketch.
      totals, lowest, highest: sum, minimum and maximum of each channel's pixels in [0, 255]: three
        channels of a photo, one of an inverted sketch.
    """

    problem: str = ""
    digest: bytes = b""
    look: bytes = b""
    totals: tuple[int, ...] = ()
    lowest: tuple[int, ...] = ()
    highest: tuple[int, ...] = ()


def check_photo(path: pathlib.Path) -> Checked:
    """Decodes the whole photo with the decoder that also reads the records."""
    return _check(path, _photo_pixels, lambda pixels: looks.look(Image.fromarray(pixels)))


def check_sketch(path: pathlib.Path) -> Checked:
    """Decodes the whole sketch."""
    return _check(path, lambda encoded: 255 - _sketch_pixels(encoded), lambda pixels: b"")


def read_sketch(path: pathlib.Path) -> np.ndarray:
    """Black lines on white, uint8 [256, 256, 1]; transparent pixels become white."""
    return _sketch_pixels(path.read_bytes())


def _check(
    path: pathlib.Path, decode: Callable[[bytes], np.ndarray], look: Callable[[np.ndarray], bytes]
) -> Checked:
    try:
        encoded = path.read_bytes()
        pixels = decode(encoded)
    except Exception as error:  # Pillow raises nearly anything on damaged bytes.
        return Checked(problem=str(error) or type(error).__name__)
    return summed(pixels, encoded, look(pixels))


def summed(pixels: np.ndarray, encoded: bytes, look: bytes = b"") -> Checked:
    """The results for a good picture.

    Args:
      pixels: uint8 [256, 256, channels]; those of a sketch are inverted.
      encoded: the file's bytes.
      look: the look of a photo.
    """
    channels = pixels.reshape(-1, pixels.shape[-1])
    return Checked(
        digest=hashlib.sha1(encoded).digest(),
        look=look,
        totals=tuple(channels.sum(axis=0, dtype=np.int64).tolist()),
        lowest=tuple(channels.min(axis=0).tolist()),
        highest=tuple(channels.max(axis=0).tolist()),
    )


def _photo_pixels(encoded: bytes) -> np.ndarray:
    """uint8 [256, 256, 3]; a grey JPEG has three equal channels."""
    mode = _open(encoded, "JPEG").mode
    if mode not in ("RGB", "L"):
        raise ValueError(f"has colour mode {mode}, not RGB")
    try:
        return tf.io.decode_jpeg(encoded, channels=3, dct_method="INTEGER_ACCURATE").numpy()
    except tf.errors.InvalidArgumentError:
        raise ValueError("is truncated or damaged") from None


def _sketch_pixels(encoded: bytes) -> np.ndarray:
    _open(encoded, "PNG").verify()  # Decoding alone does not notice a wrong checksum or a cut end.
    sketch = image_files.eight_bits(_open(encoded, "PNG")).convert("RGBA")
    paper = Image.new("RGBA", sketch.size, "white")
    return np.asarray(Image.alpha_composite(paper, sketch).convert("L"))[..., np.newaxis]


def opened(encoded: bytes) -> tuple[Image.Image, Image.Transpose | None]:
    """`image_files.open_picture`.

    Raises:
      ValueError: what is wrong with a file that is empty or no picture.
    """
    if not encoded:
        raise ValueError("is empty")
    try:
        return image_files.open_picture(encoded)
    except Image.UnidentifiedImageError:
        raise ValueError("is not a picture") from None


def _open(encoded: bytes, wanted: str) -> Image.Image:
    picture, turn = opened(encoded)
    if picture.format != wanted:
        raise ValueError(f"is {picture.format}, not {wanted}")
    if picture.size != (SIZE, SIZE):
        raise ValueError(f"is {picture.width}x{picture.height}, not {SIZE}x{SIZE}")
    if turn is not None:  # the reader of the records ignores the EXIF orientation
        raise ValueError("should be turned, as its EXIF data say: save it upright")
    return picture
