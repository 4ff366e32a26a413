"""Reads people's picture files as sketches like those of the training: black lines on white."""

from __future__ import annotations

import dataclasses
import io
import os
import warnings

import numpy as np
from PIL import Image

from sketch2img_tf.errors import UserError
from sketch2img_tf.inference import line_drawing
from sketch2img_tf.surroundings import file_names, image_files

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP")
EXTENSIONS = tuple(".png .apng .jpg .jpeg .jpe .jfif .mpo .webp .gif .bmp".split())
# As many as the largest pictures of most telephones; decoding takes up to 800 MB for a moment
MAX_PIXELS = 50_000_000
MAX_BYTES = 512 * 2**20  # of a file: more than so many uncompressed pixels take
MIN_SIDE = 16  # pixels
_WORKING_SIDE = 1024  # pixels: enough for a pencil's line on a sheet of paper

_FEW_LEVELS = 0.02  # opacity: smaller differences do not count
_NEARLY_WHITE = 0.85  # of every channel
_ALL = 0.99  # of what is drawn
_THINNEST_SHAPE = 0.12  # of a drawing's longer side: anything thinner is a line

# Set for the whole process: threads read pictures too, and have no filters of their own.
warnings.simplefilter("error", Image.DecompressionBombWarning)

_FRAMES = 8  # of a moving picture that are compared
_FRAME_SIDE = 256  # pixels, for this comparison
_FRAME_PIXELS = 500_000_000  # decoded in all for this comparison: a few seconds
_AS_MUCH = 1.5  # times the ink of another picture: only more than this is clearly more


@dataclasses.dataclass(frozen=True)
class Sketch:
    """A sketch for the model.

    Attributes:
      path: the path of its file.
      png: a PNG, black lines on white, one channel, 256x256.
      notes: what was assumed about the file and done to it, in words.
    """

    path: str
    png: bytes
    notes: tuple[str, ...]


def list_sketches(path: str) -> tuple[list[str], list[str]]:
    """The file `path`, or the files in the folder `path` whose names are those of pictures, sorted.

    Returns:
      The paths, and the names of the folder's other files.

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
        raise UserError(
            f"--sketch={path}: no picture in this folder{there}; put sketches there, {kinds}"
        )
    return [os.path.join(path, name) for name in pictures], others


def read_sketch(path: str, polarity: str = "auto", fill: float | None = None) -> Sketch:
    """Reads any PNG, JPEG, WebP, GIF or BMP: drawn, scanned, or photographed from paper.

    From a moving picture, such as a recording of the drawing, it reads one picture with lines; a
    note says which one.

    Args:
      path: the file.
      polarity: one of `data.names.POLARITIES`.
      fill: crop to the drawing so that its longer side is this share of the square's; None: keep
        the whole page.

    Raises:
      UserError: one line that names the file and says why it cannot be used.
    """
    try:
        page, read_notes = _read_page(path, polarity)
        pixels, line_notes = line_drawing.extract(page, polarity, fill)
    except ValueError as problem:
        raise UserError(f"{path}: {problem}") from None
    png = io.BytesIO()
    Image.fromarray(pixels).save(png, "PNG")
    return Sketch(path, png.getvalue(), (*read_notes, *line_notes))


def _read_page(path: str, polarity: str) -> tuple[np.ndarray, list[str]]:
    """The picture, float32 [H, W] or [H, W, 3] in [0, 1], at most 1024 pixels a side, and notes."""
    picture, turn = _open(path)
    with picture:
        _check_size(*picture.size)
        notes = []
        try:
            _seek_lines(picture, polarity, notes)
            shrunk = _shrunk(picture, _WORKING_SIDE)
            if turn is not None:
                shrunk = shrunk.transpose(turn)
                notes.append("turned upright, as its EXIF data say")
            return _on_paper(shrunk, notes), notes
        except Exception as error:  # Pillow raises nearly anything on damaged bytes.
            raise ValueError(f"damaged or cut off ({error}): save it again") from None


def _open(path: str) -> tuple[Image.Image, Image.Transpose | None]:
    """Opens the file, and decodes only its header."""
    if os.path.exists(path) and not os.path.isfile(path):
        raise ValueError("is not a file")
    if os.path.isfile(path) and os.path.getsize(path) > MAX_BYTES:
        raise ValueError(f"has more than {MAX_BYTES // 2**20} MB: is it a drawing? Save it as PNG")
    try:
        with open(path, "rb") as file:
            return image_files.open_picture(file.read(), FORMATS)
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        raise ValueError(_TOO_LARGE) from None
    except Image.UnidentifiedImageError:
        raise ValueError(
            "is not a PNG, JPEG, WebP, GIF or BMP picture, or damaged: save it as PNG"
        ) from None
    except OSError as error:
        raise ValueError(f"cannot be read: {error.strerror or error}") from None
    except Exception as error:  # Pillow raises nearly anything on damaged bytes.
        raise ValueError(f"damaged or cut off ({error}): save it again") from None


_TOO_LARGE = (
    f"has more than {MAX_PIXELS // 10**6} million pixels: scale it down, 1000x1000 is plenty"
)


def _check_size(width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise ValueError(_TOO_LARGE)
    if min(width, height) < MIN_SIDE:
        raise ValueError(f"is {width}x{height} pixels: both sides should be at least {MIN_SIDE}")


def _seek_lines(picture: Image.Image, polarity: str, notes: list[str]) -> None:
    """Turns to one picture of a moving one: the first, or the last of those with clearly more ink.

    A recording of a drawing begins with an empty page and usually ends with the drawing.
    """
    if not getattr(picture, "is_animated", False):
        return
    within = max(1, _FRAME_PIXELS // (picture.width * picture.height))
    numbers = (
        np.unique(np.linspace(0, min(picture.n_frames, within) - 1, _FRAMES).round())
        .astype(int)
        .tolist()
    )
    amounts = []
    for number in numbers:
        try:
            picture.seek(number)
            amounts.append(
                line_drawing.amount(_on_paper(_shrunk(picture.copy(), _FRAME_SIDE), []), polarity)
            )
        except Exception:  # as above; but a picture before the damage can be used
            if not amounts:
                raise
            break
    enough = [
        number for number, amount in zip(numbers, amounts) if amount * _AS_MUCH >= max(amounts)
    ]
    chosen = 0 if 0 in enough else enough[-1]
    picture.seek(chosen)
    if chosen == 0:
        notes.append("the first of its pictures")
    else:
        notes.append(
            f"picture {chosen + 1} of its {picture.n_frames}, which has more lines than the first"
        )


def _shrunk(picture: Image.Image, side: int) -> Image.Image:
    """The picture in mode L, LA, RGB or RGBA, at most `side` pixels; may change `picture`."""
    picture.draft(None, (side, side))  # decodes no more pixels of a JPEG than needed
    picture = image_files.eight_bits(picture)
    mode = "L" if picture.mode in ("1", "L", "LA") else "RGB"
    mode = f"{mode}A" if picture.has_transparency_data else mode
    shrunk = picture if picture.mode == mode else picture.convert(mode)
    # Means of 2x2 pixels are good enough for a picture that is at least twice as large
    shrunk.thumbnail((side, side), reducing_gap=1.5)
    return shrunk


def _on_paper(picture: Image.Image, notes: list[str]) -> np.ndarray:
    """The page, float32 [H, W] or [H, W, 3]; transparent is white, unless lines would vanish."""
    levels = np.asarray(picture, np.float32) / 255
    if picture.mode in ("L", "RGB"):
        return levels
    colour, opacity = levels[..., :-1], levels[..., -1:]
    if opacity.min() <= 1 - _FEW_LEVELS:
        if _are_white_lines(colour, opacity):
            notes.append("white lines on a transparent page: taken for black on white")
            return 1 - opacity[..., 0]
        notes.append("transparent page taken for white paper")
    on_white = colour * opacity + 1 - opacity
    return on_white[..., 0] if on_white.shape[-1] == 1 else on_white


def _are_white_lines(colour: np.ndarray, opacity: np.ndarray) -> bool:
    """Whether a transparent page has mostly white lines, and no white shape under dark ones."""
    drawn = opacity.sum()
    white = np.sum(opacity * (colour.min(-1, keepdims=True) > _NEARLY_WHITE)) / max(drawn, 1e-9)
    if not 0 < drawn < opacity.size / 2:
        return False
    inked = np.argwhere(opacity[..., 0] > 0.5)
    extent = np.ptp(inked, 0).max() + 1 if len(inked) else 0
    thin = line_drawing.line_width(opacity[..., 0]) < _THINNEST_SHAPE * extent
    return white > (0.5 if thin else _ALL)
