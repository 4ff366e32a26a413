"""Reads from a model's folder what it makes of our drawing of each class, and how well it does."""

from __future__ import annotations

import dataclasses
import json
import os

from sketch2img_tf.errors import UserError
from sketch2img_tf.export.export_folder import read_class_results

# Pictures by class name, as data URLs; benchmarks/as_drawn.py writes the file
PICTURES_FILE = "class_pictures.json"
_FEWEST_SKETCHES = 8  # a class with fewer evaluated sketches is not judged


@dataclasses.dataclass(frozen=True)
class AboutClass:
    """What is known of one class.

    Attributes:
      picture: the model's picture of our own drawing, a data URL; "" if there is none.
      better: how many of the judged classes the model draws better, by its own evaluation; None if
        this class was not judged.
      judged: the number of judged classes.
    """

    picture: str = ""
    better: int | None = None
    judged: int = 0


def read(folder: str, class_names: tuple[str, ...]) -> dict[str, AboutClass]:
    """Everything known of each class of a model, from its export's folder.

    Raises:
      UserError: a file is damaged.
    """
    pictures = _pictures(os.path.join(folder, PICTURES_FILE))
    results = read_class_results(folder)  # the best first
    judged = {
        name: one["metrics"] for name, one in results.items() if one["sketches"] >= _FEWEST_SKETCHES
    }
    numbers = list(judged.values())
    # Classes with equal numbers are not better than each other
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
