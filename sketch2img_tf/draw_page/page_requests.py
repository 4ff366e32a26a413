"""What the buttons of the drawing page do; no file of Gradio's is needed for it."""

from __future__ import annotations

import base64
import binascii
import contextlib
import hashlib
import io
import os
from typing import TYPE_CHECKING, Protocol

from PIL import Image

from sketch2img_tf.data import class_words
from sketch2img_tf.errors import UserError
from sketch2img_tf.inference import gallery, picture_files
from sketch2img_tf.inference.sketch_files import read_sketch

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sketch2img_tf.draw_page.about_classes import AboutClass

MAX_SIDE = 1024  # pixels of a drawing; the canvas has half as many
MAX_BYTES = 4 * 10**6  # of its PNG
MOST_KEPT = 24  # drawings; the page sends all of them whenever one more is kept
_OTHERS = 6  # other classes that the page offers for the same drawing
_PNG = "data:image/png;base64,"


class Model(Protocol):
    """The model that draws: a `DeferredModel` or a `RemoteModel`."""

    class_names: tuple[str, ...]
    blends: bool
    about: Mapping[str, AboutClass]  # only classes of which something is known

    def from_bytes(self, sketches: list[bytes], labels: list[str], seeds: list[int]) -> list[bytes]:
        """PNG sketches, class names and seeds to PNG photos; equally many of each."""

    def blended(
        self, sketch: bytes, label: str, seeds: list[int], others: list[int], share: float
    ) -> list[bytes]:
        """PNG photos between each seed and another one; only of a model that `blends`."""


def pictures(
    model: Model,
    drawing: str | None,
    label: str,
    first_seed: int | None,
    count: int,
    other_seed: int | None = None,
    percent: float = 0,
) -> list[dict]:
    """Variations of a drawing, with seeds from `first_seed` on; none for a blank drawing.

    Args:
      model: draws the pictures.
      drawing: the canvas as a data URL of a PNG; None before anything was drawn.
      label: one of the model's classes.
      first_seed: at least 0; None, an empty field, means 0.
      count: the number of pictures.
      other_seed: the first of as many other seeds, with which the pictures are blended; None: 0.
      percent: the share of the other seed; 0 for a model that does not blend.

    Returns:
      For each picture `seed`, `src` (a data URL of a PNG) and `name` (of the file to save it as).

    Raises:
      UserError: the drawing cannot be read, or the model's server fails.
    """
    png = _bytes(drawing) if drawing else None
    if png is None or _is_blank(png):
        return []
    seeds = _seeds(first_seed, count)
    if not percent:
        photos, names = model.from_bytes([png] * count, [label] * count, seeds), seeds
    else:
        others = _seeds(other_seed, count)
        photos = model.blended(png, label, seeds, others, percent / 100)
        names = [f"{seed}-{percent:g}%-{other}" for seed, other in zip(seeds, others)]
    return [
        {"seed": name, "src": _url(photo), "name": f"{label}-{name}.png"}
        for name, photo in zip(names, photos)
    ]


def _seeds(first: int | None, count: int) -> list[int]:
    return list(range(first or 0, (first or 0) + count))


def enlarged(picture: str) -> str:
    """A picture, a data URL, at four times its side by Lanczos' filter; it gets no new detail.

    Raises:
      UserError: it is not a picture.
    """
    png = _bytes(picture)
    _is_blank(png)  # checks its size and whether it is whole
    return _url(picture_files.enlarge(png, 4 * Image.open(io.BytesIO(png)).width))


def contact_sheet(drawing: str, shown: list[dict], label: str) -> str:
    """A drawing beside its pictures, as `pictures` gave them, on one sheet: a data URL of a PNG.

    Raises:
      UserError: there are no pictures.
    """
    if not drawing or not shown:
        raise UserError("there are no pictures yet")
    photos = {picture["seed"]: _bytes(picture["src"]) for picture in shown}
    sheet = io.BytesIO()
    gallery.sheet([gallery.Row(label, _bytes(drawing), photos)]).save(sheet, "PNG")
    return _url(sheet.getvalue())


def kept(
    before: list[dict], drawing: str | None, shown: list[dict], label: str, seed: int | None
) -> list[dict]:
    """The drawings that a visitor keeps, the newest first, each with its first picture.

    Args:
      before: those that were kept so far.
      drawing: as for `pictures`.
      shown: the result of `pictures`.
      label: the class.
      seed: the seed of the first picture.

    Raises:
      UserError: there are no pictures.
    """
    if not drawing or not shown:
        raise UserError("there are no pictures yet")
    item = {"drawing": drawing, "src": shown[0]["src"], "label": label, "seed": seed or 0}
    item["id"] = hashlib.sha256(repr(item).encode()).hexdigest()[:16]
    return [item, *(each for each in before if each["id"] != item["id"])][:MOST_KEPT]


def others(class_names: tuple[str, ...], label: str) -> list[str]:
    """A few other classes to try the drawing as: the next ones of its group, or else of all."""
    group = next(
        (names for names in class_words.by_group(class_names).values() if label in names), []
    )
    names = group if len(group) > 1 else list(class_names)
    at = names.index(label) if label in names else 0
    return [name for name in names[at + 1 :] + names[:at] if name != label][:_OTHERS]


def about(known: AboutClass | None) -> dict[str, str]:
    """The page's `text` about a class, and `src`, a data URL of a picture; empty if unknown."""
    if known is None:
        return {"src": "", "text": ""}
    said = "What it makes of our own drawing of one." if known.picture else ""
    if known.better is not None:
        said += f" By its own evaluation it draws {known.better} of {known.judged} things better."
    return {"src": known.picture, "text": said.strip()}


def uploaded(path: str, fill: float) -> tuple[str, str]:
    """A picture file as a drawing, a data URL, and a text of what was assumed about it.

    Removes the file.

    Args:
      path: any picture that `read_sketch` reads.
      fill: as for `read_sketch`.

    Raises:
      UserError: the file cannot be used.
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
        small = max(drawing.size) <= MAX_SIDE  # the header says so, before anything is decoded
        darkest = drawing.convert("L").getextrema()[0] if small else 0
    except (OSError, SyntaxError, ValueError) as error:
        raise UserError(f"the drawing is damaged ({error})") from None
    if not small:
        raise UserError(f"the drawing has more than {MAX_SIDE}x{MAX_SIDE} pixels")
    return darkest == 255


def _url(png: bytes) -> str:
    return _PNG + base64.b64encode(png).decode()
