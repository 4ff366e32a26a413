"""Sheets of pictures: sketch, generated and real ones side by side."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

_SIDE = 128  # pixels at least; smaller pictures are enlarged
_MARGIN = 6
_CAPTION = 14


def picture_grid(
    columns: list[np.ndarray], captions: list[str], sets_per_row: int = 4
) -> Image.Image:
    """A sheet with a set of pictures for each example, with a caption below.

    Args:
      columns: the pictures of the sets, in their order: uint8 [B, H, W, 1 or 3] each.
      captions: one per example.
      sets_per_row: the number of sets in a row.
    """
    columns = [np.repeat(pictures, 3 // pictures.shape[-1], -1) for pictures in columns]
    strips = np.concatenate(columns, axis=2)  # [B, H, columns * W, 3]
    scale = max(1, _SIDE // strips.shape[1])
    height, width = strips.shape[1] * scale, strips.shape[2] * scale
    rows = -(-len(strips) // sets_per_row)
    step_x, step_y = width + 2 * _MARGIN, height + _CAPTION + _MARGIN
    sheet = Image.new(
        "RGB", (min(sets_per_row, len(strips)) * step_x, rows * step_y + _MARGIN), "white"
    )
    draw = ImageDraw.Draw(sheet)
    for index, (strip, caption) in enumerate(zip(strips, captions)):
        x, y = index % sets_per_row * step_x + _MARGIN, index // sets_per_row * step_y + _MARGIN
        sheet.paste(
            Image.fromarray(strip).resize((width, height), Image.Resampling.NEAREST), (x, y)
        )
        draw.text((x, y + height), caption, fill="black")
    return sheet
