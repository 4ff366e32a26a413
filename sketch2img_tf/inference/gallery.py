"""Sketches beside the pictures that were made of them, on one sheet."""

from __future__ import annotations

import dataclasses
import html
import io

import numpy as np
from PIL import Image

from sketch2img_tf.errors import UserError
from sketch2img_tf.sheets import html_page, picture_grid

_SIDE = 128  # pixels of a picture on the page


@dataclasses.dataclass(frozen=True)
class Row:
    """One sketch and its variations.

    Attributes:
      name: the name of the sketch's file.
      sketch: a PNG.
      photos: PNGs by seed; all rows have the same seeds.
    """

    name: str
    sketch: bytes
    photos: dict[int, bytes]


def check_path(path: str) -> None:
    """Raises a UserError if `path` ends in neither .html nor .png."""
    if not path.lower().endswith((".html", ".png")):
        raise UserError(f"--gallery={path}: should end in .html or .png")


def write(path: str, title: str, rows: list[Row]) -> None:
    """Writes the gallery: an HTML file with the pictures inside, or a PNG, by the path's ending."""
    if path.lower().endswith(".png"):
        sheet(rows).save(path)
        return
    with open(path, "w", encoding="utf-8") as file:
        file.write(html_page.page(title, _STYLE, "\n".join(map(_row, rows))))


def sheet(rows: list[Row]) -> Image.Image:
    """All rows on one picture, each a strip with its name and seeds below."""
    side = Image.open(io.BytesIO(next(iter(rows[0].photos.values())))).width
    sketches = np.stack([_pixels(row.sketch, side) for row in rows])
    photos = [
        np.stack([_pixels(row.photos[seed], side) for row in rows]) for seed in rows[0].photos
    ]
    seeds = f"seeds {', '.join(map(str, rows[0].photos))}"
    return picture_grid.picture_grid(
        [sketches, *photos], [f"{row.name}: {seeds}" for row in rows], sets_per_row=1
    )


def _pixels(png: bytes, side: int) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB").resize((side, side)))


def _row(row: Row) -> str:
    photos = "".join(_figure(photo, f"seed {seed}") for seed, photo in row.photos.items())
    return f"<section>{_figure(row.sketch, row.name)}{photos}</section>"


def _figure(png: bytes, caption: str) -> str:
    image = html_page.image(png, caption)
    return f"<figure>{image}<figcaption>{html.escape(caption)}</figcaption></figure>"


_STYLE = f"""\
section {{ display: flex; flex-wrap: wrap; gap: 12px; margin-bottom: 20px; }}
figure {{ margin: 0; width: {_SIDE}px; }}
img {{ width: {_SIDE}px; height: {_SIDE}px; border-radius: 4px; background: white; }}
figure:first-child img {{ outline: 1px solid #bbb; }}
figcaption {{ overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }}
"""
