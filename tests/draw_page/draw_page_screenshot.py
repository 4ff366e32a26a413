"""Takes the picture of the drawing page that the README shows.

    python -m tests.draw_page.draw_page_screenshot --model=pretrained

starts draw.py, draws a mushroom in Chromium with the mouse, and saves the window when its pictures
are there.
"""

from __future__ import annotations

import pathlib
import tempfile

import numpy as np
from absl import flags
from PIL import Image

from sketch2img_tf import errors, path_flags
from sketch2img_tf.errors import UserError
from tests.draw_page import browser

_MODEL = path_flags.define("model", "", "Folder of an export that knows the class.")
_OUTPUT = path_flags.define("output", "docs/draw_page.png", "The .png file to write.")
_LABEL = flags.DEFINE_string(
    "label", "mushroom – toadstool", "What to call the drawing, as the page shows it."
)
_SIZE = flags.DEFINE_list("size", ["1280", "840"], "Width and height of the window in pixels.")
_DARK = flags.DEFINE_bool("dark", False, "As a browser that prefers dark pages shows it.")


def main() -> None:
    """Takes the picture."""
    errors.require(_MODEL)
    missing = browser.missing("gradio", "chromium", "chromedriver")
    if missing:
        raise UserError(f"the picture needs {missing[0]}: see docs/draw.md")
    with (
        browser.page(f"--model={_MODEL.value}") as address,
        tempfile.TemporaryDirectory() as folder,
    ):
        with browser.Browser(pathlib.Path(folder), *map(int, _SIZE.value)) as window:
            if _DARK.value:
                window.prefer_dark()
            window.open(address)
            window.choose_class(_LABEL.value, _LABEL.value)
            for stroke in strokes():
                window.draw(*stroke)
            window.wait(lambda: len(window.pictures()) == 4)
            window.settle()
            window.driver.save_screenshot(_OUTPUT.value)
    Image.open(_OUTPUT.value).convert("RGB").quantize(256).save(_OUTPUT.value, optimize=True)
    print(_OUTPUT.value)


def strokes() -> list[list[tuple[float, float]]]:
    """A mushroom in five strokes, as places on the paper."""
    cap = arc(0.5, 0.52, 0.39, 0.42, 0.5, 1.0) + arc(0.5, 0.52, 0.39, 0.08, 0.0, 0.5)
    stem = [
        (0.41, 0.6),
        (0.42, 0.72),
        (0.36, 0.9),
        (0.5, 0.93),
        (0.63, 0.9),
        (0.58, 0.72),
        (0.59, 0.6),
    ]
    spots = [
        arc(x, y, width, 0.8 * width, 0.1, 1.1)
        for x, y, width in ((0.38, 0.3, 0.06), (0.6, 0.24, 0.05))
    ]
    return [cap, stem, *spots, arc(0.72, 0.4, 0.045, 0.04, 0.1, 1.1)]


def arc(
    x: float, y: float, width: float, height: float, start: float, end: float
) -> list[tuple[float, float]]:
    """Around (x, y), from `start` to `end` in turns, clockwise from the right."""
    angles = 2 * np.pi * np.linspace(start, end, 15)
    return list(zip(x + width * np.cos(angles), y + height * np.sin(angles)))


if __name__ == "__main__":
    errors.run(main)
