"""Picture files as people have them, to sketches as the model was trained on: black lines on a white square."""

from __future__ import annotations

import dataclasses
import io
import os
import warnings

import numpy as np
from PIL import Image, ImageOps

from sketch2img_tf import file_names
from sketch2img_tf.errors import UserError
from sketch2img_tf.serving import line_drawing

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP")
EXTENSIONS = tuple(".png .apng .jpg .jpeg .jpe .jfif .mpo .webp .gif .bmp".split())
MAX_PIXELS = 50_000_000  # of the largest pictures that most telephones take; decoded, up to 800 MB for a moment
MIN_SIDE = 16  # pixels
_WORKING_SIDE = 1024  # pixels: enough to see a pencil's line on a sheet
_FEW_LEVELS = 0.02  # brightness: what differs by less is one colour
_ORIENTATION = 0x0112  # EXIF tag


@dataclasses.dataclass(frozen=True)
class Sketch:
    """A sketch that the model can be given.

    Attributes:
      path: of its file.
      png: black lines on white, one channel, 256x256.
      notes: what was taken for granted about the file and done to it, in words.
    """

    path: str
    png: bytes
    notes: tuple[str, ...]


def list_sketches(path: str) -> tuple[list[str], list[str]]:
    """The file `path`, or the files in the folder `path` that are named as pictures, sorted.

    Returns:
      The paths, and the names of what else is in the folder.

    Raises:
      UserError: there is no picture there.
    """
    if not os.path.isdir(path):
        return [path], []
    try:
        names = file_names.visible(path)
    except OSError as error:
        raise UserError(f"--sketch={path}: cannot be read: {error.strerror or error}") from None
    pictures = [name for name in names if name.lower().endswith(EXTENSIONS)]
    others = [name for name in names if not name.lower().endswith(EXTENSIONS)]
    if not pictures:
        there = f" but {file_names.some(others)}" if others else ""
        kinds = ", ".join(EXTENSIONS)
        raise UserError(f"--sketch={path}: no picture in this folder{there}; it may be {kinds}")
    return [os.path.join(path, name) for name in pictures], others


def read_sketch(path: str, polarity: str = "auto", fill: float | None = None) -> Sketch:
    """Reads any PNG, JPEG, WebP, GIF (its first picture) or BMP: drawn, scanned, or photographed from paper.

    Args:
      path: the file.
      polarity: one of `line_drawing.POLARITIES`.
      fill: crop to the drawing so that its longer side is this share of the square's; None: keep the whole page.

    Raises:
      UserError: one line that names the file and says why it cannot be used.
    """
    try:
        page, read_notes = _read_page(path)
        pixels, line_notes = line_drawing.extract(page, polarity, fill)
    except ValueError as problem:
        raise UserError(f"{path}: {problem}") from None
    png = io.BytesIO()
    Image.fromarray(pixels).save(png, "PNG")
    return Sketch(path, png.getvalue(), (*read_notes, *line_notes))


def _read_page(path: str) -> tuple[np.ndarray, list[str]]:
    """The brightness of the picture, float32 [H, W] in [0, 1], sides of at most 1024 pixels, and notes."""
    with _open(path) as picture:
        _check_size(*picture.size)
        try:
            return _brightness(picture)
        except Exception as error:  # Pillow raises nearly anything on damaged bytes.
            raise ValueError(f"damaged or cut off ({error}): save it again") from None


def _open(path: str) -> Image.Image:
    """Reads the header alone."""
    if os.path.exists(path) and not os.path.isfile(path):
        raise ValueError("is not a file")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            return Image.open(path, formats=FORMATS)
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        raise ValueError(_TOO_LARGE) from None
    except Image.UnidentifiedImageError:
        raise ValueError("is not a PNG, JPEG, WebP, GIF or BMP picture, or damaged: save it as PNG") from None
    except OSError as error:
        raise ValueError(f"cannot be read: {error.strerror or error}") from None
    except Exception as error:  # Pillow raises nearly anything on damaged bytes.
        raise ValueError(f"damaged or cut off ({error}): save it again") from None


_TOO_LARGE = f"has more than {MAX_PIXELS // 10**6} million pixels: scale it down, 1000x1000 is plenty"


def _check_size(width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise ValueError(_TOO_LARGE)
    if min(width, height) < MIN_SIDE:
        raise ValueError(f"is {width}x{height} pixels: both sides should have {MIN_SIDE} at least")


def _brightness(picture: Image.Image) -> tuple[np.ndarray, list[str]]:
    notes = ["the first of its pictures"] if getattr(picture, "is_animated", False) else []
    picture.draft("L", (_WORKING_SIDE, _WORKING_SIDE))  # a JPEG is decoded to no more pixels than needed
    if picture.getexif().get(_ORIENTATION, 1) != 1:
        ImageOps.exif_transpose(picture, in_place=True)
        notes.append("turned upright, as its EXIF data say")
    if not picture.has_transparency_data:
        return _levels(_shrunk(_grey(picture))), notes
    colour, opacity = np.moveaxis(_levels(_shrunk(picture.convert("RGBA").convert("LA"))), -1, 0)
    return _on_paper(colour, opacity, notes), notes


def _grey(picture: Image.Image) -> Image.Image:
    if picture.mode.startswith("I"):  # 16 bits, which Pillow cuts off at 255 instead of scaling
        return Image.fromarray((np.asarray(picture) // 257).astype(np.uint8))
    return picture.convert("L")


def _shrunk(picture: Image.Image) -> Image.Image:
    picture.thumbnail((_WORKING_SIDE, _WORKING_SIDE))
    return picture


def _levels(picture: Image.Image) -> np.ndarray:
    return np.asarray(picture, np.float32) / 255


def _on_paper(colour: np.ndarray, opacity: np.ndarray, notes: list[str]) -> np.ndarray:
    """What is transparent is white paper, unless nothing could be seen on it."""
    on_white = colour * opacity + 1 - opacity
    if opacity.min() > 1 - _FEW_LEVELS:
        return on_white
    if np.ptp(on_white) < _FEW_LEVELS < np.ptp(opacity):
        notes.append("white lines on a transparent page: taken for black on white")
        return 1 - opacity
    notes.append("transparent page taken for white paper")
    return on_white
