"""What a model's folder says of each of its classes: what it makes of our
own drawing, and how good it is at it.
"""

from __future__ import annotations

import dataclasses
import json
import os

from sketch2img_tf.errors import UserError
from sketch2img_tf.export.export_folder import read_class_results

# Class names to pictures, data URLs; benchmarks/as_drawn.py writes it
PICTURES_FILE = "class_pictures.json"
_FEWEST_SKETCHES = 8  # by which a class is judged: one of fewer is not


@dataclasses.dataclass(frozen=True)
class AboutClass:
    """One class.

    Attributes:
      picture: what the model makes of our own drawing of it, a data URL; "" if there is none.
      better: how many of the judged classes it draws better, by its own evaluation; None where that
        does not say.
      judged: how many classes were judged.
    """

    picture: str = ""
    better: int | None = None
    judged: int = 0


def read(folder: str, class_names: tuple[str, ...]) -> dict[str, AboutClass]:
    """Of every class of a model, from the folder of its export.

    Raises:
      UserError: a file is damaged.
    """
    pictures = _pictures(os.path.join(folder, PICTURES_FILE))
    results = read_class_results(folder)  # the best first
    judged = {
        name: one["metrics"] for name, one in results.items() if one["sketches"] >= _FEWEST_SKETCHES
    }
    numbers = list(judged.values())
    # Of equal ones none is better
    better = {name: numbers.index(number) for name, number in judged.items()}
    return {
        name: AboutClass(pictures.get(name, ""), better.get(name), len(judged))
        for name in class_names
    }


def _pictures(path: str) -> dict[str, str]:
    if not os.path.exists(path):
        return {}
    try:
        with open(path, encoding="utf-8") as file:
            return dict(json.load(file))
    except (OSError, ValueError, TypeError) as error:
        raise UserError(f"{path}: damaged ({error}); benchmarks/as_drawn.py writes it") from None
