"""What the drawing page asks for: everything that its buttons do, but for the buttons."""

from __future__ import annotations

import base64
import binascii
import contextlib
import io
import os
from typing import Protocol

from PIL import Image

from sketch2img_tf.errors import UserError
from sketch2img_tf.inference.sketch_files import read_sketch

MAX_SIDE = 1024  # pixels of a drawing; the canvas has half of it
MAX_BYTES = 4 * 10**6  # of its PNG
_PNG = "data:image/png;base64,"


class Model(Protocol):
    """What draws: a `DeferredModel` or a `RemoteModel`."""

    class_names: tuple[str, ...]

    def from_bytes(self, sketches: list[bytes], labels: list[str], seeds: list[int]) -> list[bytes]:
        """PNG sketches, class names and seeds to PNG photos, one of each an example."""


def pictures(model: Model, drawing: str | None, label: str, first_seed: int | None, count: int) -> list[dict]:
    """Variations of a drawing, with seeds from `first_seed` on; none of a blank one.

    Args:
      model: who draws.
      drawing: the canvas as a data URL of a PNG; None before anything was drawn.
      label: one of the model's classes.
      first_seed: at least 0; None, an emptied field, is 0.
      count: of pictures.

    Returns:
      For each `seed`, `src` (a data URL of a PNG) and `name` (for the file that it is saved as).

    Raises:
      UserError: this is no drawing, or the model's server fails.
    """
    png = _bytes(drawing) if drawing else None
    if png is None or _is_blank(png):
        return []
    first_seed = first_seed or 0
    seeds = list(range(first_seed, first_seed + count))
    photos = model.from_bytes([png] * count, [label] * count, seeds)
    return [{"seed": seed, "src": _url(photo), "name": f"{label}-{seed}.png"} for seed, photo in zip(seeds, photos)]


def uploaded(path: str, fill: float) -> tuple[str, str]:
    """A picture file as a drawing, a data URL, and what was taken for granted about it; the file is removed.

    Args:
      path: of any picture that `read_sketch` reads.
      fill: as `read_sketch` takes it.

    Raises:
      UserError: it cannot be used.
    """
    try:
        sketch = read_sketch(path, fill=fill)
    except UserError as error:
        raise UserError(str(error).replace(path, os.path.basename(path))) from None
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.remove(path)
    return _url(sketch.png), "; ".join(sketch.notes)


def _bytes(url: str) -> bytes:
    if not url.startswith(_PNG):
        raise UserError("the drawing is no PNG")
    try:
        png = base64.b64decode(url[len(_PNG) :], validate=True)
    except binascii.Error:
        raise UserError("the drawing is no PNG") from None
    if len(png) > MAX_BYTES:
        raise UserError(f"the drawing has more than {MAX_BYTES // 10**6} MB")
    return png


def _is_blank(png: bytes) -> bool:
    try:
        drawing = Image.open(io.BytesIO(png), formats=("PNG",))
        small = max(drawing.size) <= MAX_SIDE  # the header tells, before anything is decoded
        darkest = drawing.convert("L").getextrema()[0] if small else 0
    except (OSError, SyntaxError, ValueError) as error:
        raise UserError(f"the drawing is damaged ({error})") from None
    if not small:
        raise UserError(f"the drawing has more than {MAX_SIDE}x{MAX_SIDE} pixels")
    return darkest == 255


def _url(png: bytes) -> str:
    return _PNG + base64.b64encode(png).decode()
