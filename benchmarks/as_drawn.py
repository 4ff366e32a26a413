"""What does a model make of the drawings that we drew ourselves as starters for the drawing page?

    python benchmarks/as_drawn.py --model=runs/quickstart/export --output=as_drawn.png
    python benchmarks/as_drawn.py --model=pretrained --output=all.png \\
      --class_pictures=pretrained/class_pictures.json

Writes one sheet. For every starter of a class that the model knows, it shows the drawing and some
pictures of it, from the seeds 0, 1 and so on. It is for looking at: there are no photos of these
drawings with which to measure. Prints a JSON line.
"""

from __future__ import annotations

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import sketch2img_tf.with_tensorflow  # noqa: F401 - checks the versions before other imports

# isort: split
import base64
import io
import json
import tempfile

import numpy as np
from absl import flags
from PIL import Image

import sketch2img_tf.inference as s2i
from sketch2img_tf import errors, path_flags
from sketch2img_tf.data.starter_sketches import STARTERS, starters_for
from sketch2img_tf.draw_page.about_classes import PICTURES_FILE
from sketch2img_tf.errors import UserError
from sketch2img_tf.evaluation import as_drawn
from sketch2img_tf.sheets import picture_grid

_MODEL = path_flags.define("model", "", "An exported model, or pretrained.")
_OUTPUT = path_flags.define("output", "", "The sheet to write, a PNG file.")
_CLASS_PICTURES = path_flags.define(
    "class_pictures",
    "",
    f"Also write the first picture of each drawing, for the page: {PICTURES_FILE} of the model.",
)
_CLASSES = flags.DEFINE_list("classes", [], "Use the drawings of these classes only.")
_VARIATIONS = flags.DEFINE_integer("variations", 3, "Pictures of each drawing.", lower_bound=1)
_SETS_PER_ROW = flags.DEFINE_integer("sets_per_row", 4, "Drawings per row.", lower_bound=1)


def main() -> None:
    """Draws the pictures and writes the sheet."""
    errors.require(_MODEL, _OUTPUT)
    unknown = [name for name in _CLASSES.value if name not in STARTERS]
    if unknown:
        raise UserError(
            f"--classes={','.join(unknown)}: no drawing of it; give some of {', '.join(STARTERS)}"
        )
    drawer = s2i.load(_MODEL.value)
    drawings = _CLASSES.value or list(starters_for(drawer.class_names))
    pages, photos = [], [[] for _ in range(_VARIATIONS.value)]
    with tempfile.TemporaryDirectory() as folder:
        for name in drawings:
            page, path = as_drawn.drawn(STARTERS[name]), os.path.join(folder, "drawing.png")
            page.save(path)
            variations = drawer.draw(path, name, range(_VARIATIONS.value))
            for column, photo in zip(photos, variations):
                column.append(np.asarray(photo))
            pages.append(np.asarray(page.resize(photo.size, Image.Resampling.BOX))[..., np.newaxis])
    if _CLASS_PICTURES.value:
        with open(_CLASS_PICTURES.value, "w", encoding="utf-8") as file:
            json.dump(
                {name: _data_url(photo) for name, photo in zip(drawings, photos[0])}, file, indent=0
            )
    columns = [np.stack(pages), *map(np.stack, photos)]
    picture_grid.picture_grid(columns, drawings, _SETS_PER_ROW.value).save(_OUTPUT.value)
    print(
        json.dumps(
            {"drawings": len(drawings), "variations": _VARIATIONS.value, "output": _OUTPUT.value}
        )
    )


def _data_url(photo: np.ndarray) -> str:
    file = io.BytesIO()
    Image.fromarray(photo).save(file, "WEBP", quality=92, method=6)
    return f"data:image/webp;base64,{base64.b64encode(file.getvalue()).decode()}"


if __name__ == "__main__":
    errors.run(main)
