"""Results: `metrics.jsonl` of a run's folder has one JSON object per evaluation."""

from __future__ import annotations

import math
import os
from typing import TYPE_CHECKING

from sketch2img_tf.run_folder import json_lines

if TYPE_CHECKING:
    from sketch2img_tf.evaluation.evaluator import Evaluation, Evaluator
    from sketch2img_tf.evaluation.examples import Draw
    from sketch2img_tf.evaluation.scoring import Scores

METRICS_FILE = "metrics.jsonl"
_L1_EXAMPLES = 256
_COLUMNS = {
    "metrics": "model",
    "train": "on training sketches",
    "real": "real photos",
    "sketch": "the sketch itself",
    "mean_colour": "one colour",
}


def result_line(
    evaluator: Evaluator, evaluation: Evaluation, draw: Draw, source: dict, before: float | None
) -> dict:
    """Everything about one evaluation.

    Args:
      evaluator: the evaluator that measured.
      evaluation: the model's pictures of the part.
      draw: the model; here it also draws sketches on which it was trained.
      source: what was evaluated; first in the object.
      before: the run's `held_out_l1` before its first step, if it is known.

    Returns:
      `source`; `held_out_l1`, `held_out_l1_mean_colour` (both of the first 256 pictures) and
      `held_out_l1_before_training`; `protocol`; under `metrics`, `train`, `real`, `sketch` and
      `mean_colour` the metrics of the model, of the model's pictures of training sketches, of the
      real photos, of the sketches themselves and of one colour; under `by_class` the result of
      `scoring.by_class` for all of these but `train`. A value that is not finite becomes None.
    """
    columns = {
        "metrics": evaluation.scores,
        "real": evaluator.real(),
        "sketch": evaluator.sketches(),
        "mean_colour": evaluator.mean_colour(),
    }
    train = evaluator.evaluate_on_training(draw).scores
    return {
        **source,
        "held_out_l1": _first(evaluation.scores),
        "held_out_l1_mean_colour": _first(columns["mean_colour"]),
        "held_out_l1_before_training": before,
        "protocol": evaluator.description(),
        "metrics": _plain(evaluation.scores.metrics),
        "train": _plain(train.metrics),
        **{column: _plain(columns[column].metrics) for column in ("real", "sketch", "mean_colour")},
        "by_class": evaluator.by_class(columns),
    }


def append(result: dict, folder: str) -> None:
    """Adds a line to the folder's `metrics.jsonl`; makes the folder and the file if missing."""
    os.makedirs(folder, exist_ok=True)
    json_lines.append(os.path.join(folder, METRICS_FILE), result)


def read(folder: str) -> list[dict]:
    """The folder's results, as `json_lines.read` gives them."""
    return json_lines.read(os.path.join(folder, METRICS_FILE))


def table(result: dict) -> list[list[str]]:
    """The metrics as rows of text; the first row and the first column have the names."""
    there = [column for column in _COLUMNS if column in result]  # earlier versions had fewer
    rows = [["", *(_COLUMNS[column] for column in there)]]
    for name in result["metrics"]:
        rows.append([name, *(_text(result[column].get(name)) for column in there)])
    return rows


def class_table(result: dict) -> list[list[str]]:
    """Every class's number as rows of text, the best class first, then the mean over classes.

    The first row has the columns' names. [] for a result of an earlier version without these
    numbers.
    """
    if "by_class" not in result:
        return []
    means = result["by_class"]["mean"]
    rows = [["class", "sketches", *(_COLUMNS[column] for column in means)]]
    for name, one in result["by_class"]["classes"].items():
        rows.append([name, str(one["sketches"]), *(_text(one[column]) for column in means)])
    return [*rows, ["mean of classes", "", *map(_text, means.values())]]


def format_table(rows: list[list[str]]) -> str:
    """Rows of text as aligned columns."""
    widths = [max(map(len, column)) for column in zip(*rows)]
    return "\n".join(
        "  ".join(
            [
                row[0].ljust(widths[0]),
                *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:])),
            ]
        )
        for row in rows
    )


def _first(scores: Scores) -> float:
    return float(scores.per_picture["l1"][:_L1_EXAMPLES].mean())


def _plain(metrics: dict[str, float]) -> dict[str, float | None]:
    return {name: value if math.isfinite(value) else None for name, value in metrics.items()}


def _text(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"
