"""Writes one HTML file about a run: metrics, curves, and pictures of its best and worst classes."""

from __future__ import annotations

import html
import io
import pathlib
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from sketch2img_tf.evaluation import judge
from sketch2img_tf.evaluation.reports import by_class, results
from sketch2img_tf.sheets import html_page, picture_grid

if TYPE_CHECKING:
    from sketch2img_tf.evaluation.evaluator import Evaluation, Evaluator
    from sketch2img_tf.evaluation.reports.by_class import ClassScores

_CLASSES = 5  # best ones, and as many worst ones
_EXAMPLES = 4  # per class
_NEAREST = 8


def write(
    path: str, result: dict, evaluator: Evaluator, evaluation: Evaluation, plots: list[str]
) -> None:
    """Writes the report of one evaluation.

    Args:
      path: path of the file.
      result: the line of `results.result_line`.
      evaluator: the evaluator that measured.
      evaluation: the model's pictures of the part.
      plots: paths of PNG files to show.
    """
    classes = by_class.by_class(
        evaluation.scores, evaluator.part.labels, evaluator.sketchy.class_names
    )
    metric = by_class.ranking_metric(evaluation.scores)
    step, protocol = result["step"], result["protocol"]
    title = f"{result['model']}, step {step}"
    sections = [
        ("Metrics", _table(results.table(result)) + html.escape(judge.note(result))),
        (
            "Curves",
            "".join(
                html_page.image(path.read_bytes(), path.stem) for path in map(pathlib.Path, plots)
            ),
        ),
        (f"Best classes by {metric}", _classes(classes[:_CLASSES], evaluator, evaluation)),
        (
            f"Worst classes by {metric}",
            _classes(classes[_CLASSES:][-_CLASSES:], evaluator, evaluation),
        ),
        ("Nearest to a training photo", _nearest(evaluator, evaluation)),
        (f"Every class by {result['by_class']['metric']}", _table(results.class_table(result))),
        ("Every class by every metric", _table(_class_rows(classes))),
        ("Protocol", _table([[key, str(value)] for key, value in protocol.items()])),
    ]
    body = "\n".join(
        f"<h2>{html.escape(heading)}</h2>\n{content}" for heading, content in sections if content
    )
    with open(path, "w", encoding="utf-8") as file:
        file.write(html_page.page(title, _STYLE, body))


def _classes(classes: list[ClassScores], evaluator: Evaluator, evaluation: Evaluation) -> str:
    """A row per class: sketch | generated | real."""
    return "".join(_of_class(one, evaluator, evaluation) for one in classes)


def _of_class(one: ClassScores, evaluator: Evaluator, evaluation: Evaluation) -> str:
    chosen = one.examples[:_EXAMPLES]
    part = evaluator.part
    columns = [part.sketch_pixels[chosen], evaluation.pictures[chosen], part.photos[chosen]]
    return _sheet(columns, [one.name] * len(chosen), f"{one.name}: sketch, generated, real")


def _nearest(evaluator: Evaluator, evaluation: Evaluation) -> str:
    """The pictures nearest to a training photo: sketch | generated | training photo."""
    distance = evaluation.scores.per_picture["nearest_train_rms"]
    chosen = np.argsort(distance, kind="stable")[:_NEAREST]
    pictures = evaluation.pictures[chosen]
    columns = [
        evaluator.part.sketch_pixels[chosen],
        pictures,
        evaluator.nearest_training_photos(pictures),
    ]
    captions = [f"{value:.3f}" for value in distance[chosen]]
    return _sheet(columns, captions, "sketch, generated, nearest training photo")


def _class_rows(classes: list[ClassScores]) -> list[list[str]]:
    names = list(classes[0].metrics)
    rows = [
        [one.name, str(len(one.examples)), *(f"{one.metrics[name]:.4g}" for name in names)]
        for one in classes
    ]
    return [["class", "pictures", *names], *rows]


def _sheet(columns: list[np.ndarray], captions: list[str], description: str) -> str:
    encoded = io.BytesIO()
    sheet: Image.Image = picture_grid.picture_grid(columns, captions)
    sheet.save(encoded, "PNG")
    return html_page.image(encoded.getvalue(), description)


def _table(rows: list[list[str]]) -> str:
    head, *others = ["".join(f"<td>{html.escape(cell)}</td>" for cell in row) for row in rows]
    return (
        f"<table>\n<tr class=head>{head}</tr>\n"
        + "".join(f"<tr>{row}</tr>\n" for row in others)
        + "</table>"
    )


_STYLE = """\
table { border-collapse: collapse; background: white; }
td { padding: 2px 10px; border: 1px solid #ddd; text-align: right; }
td:first-child { text-align: left; }
.head { font-weight: bold; }
img { display: block; max-width: 100%; margin-bottom: 8px; }
"""
