"""Draws curves of a run's metrics, from its results and its scalars."""

from __future__ import annotations

import math
import os

SCALAR_PREFIX = "evaluation/"  # of the metrics that a training logs
_COLUMNS = 4


def points(results: list[dict], scalars: list[dict]) -> dict[str, list[tuple[int, float]]]:
    """(step, value) for each metric, sorted by step.

    If training logged a metric at the step of a result, the result's value counts. Standard errors
    are left out.

    Args:
      results: as from `results.read`.
      scalars: as from `summaries.read_scalars`.
    """
    found: dict[str, dict[int, float]] = {}
    for line in scalars:
        for tag, value in line.items():
            if tag.startswith(SCALAR_PREFIX):
                found.setdefault(tag[len(SCALAR_PREFIX) :], {})[line["step"]] = value
    for result in results:
        for name, value in result.get("metrics", {}).items():
            if value is not None:
                found.setdefault(name, {})[result["step"]] = value
    return {
        name: sorted(values.items())
        for name, values in found.items()
        if not name.endswith("_error")
    }


def write_metrics(curves: dict[str, list[tuple[int, float]]], yardsticks: dict, folder: str) -> str:
    """Draws all metrics over the steps into `metrics.png`, with real photos and one colour beside.

    Args:
      curves: as from `points`.
      folder: the folder of the file; it is made if it is missing.
      folder: made if missing.

    Returns:
      The file's path.
    """
    from matplotlib.figure import Figure  # here, as in `run_folder/plots.py`

    os.makedirs(folder, exist_ok=True)
    rows = math.ceil(len(curves) / _COLUMNS)
    figure = Figure(figsize=(4 * _COLUMNS, 2.6 * rows), layout="constrained")
    for axes, (name, values) in zip(
        figure.subplots(rows, _COLUMNS, squeeze=False).flat, curves.items()
    ):
        axes.plot(*zip(*values), marker="o", markersize=3, linewidth=1)
        for key, style in (("real", "--"), ("mean_colour", ":")):
            level = yardsticks[key].get(name)
            if level is not None:
                axes.axhline(
                    level, linestyle=style, color="gray", linewidth=1, label=key.replace("_", " ")
                )
        axes.set_title(name, fontsize=9)
        axes.grid(alpha=0.3)
    for axes in figure.axes[len(curves) :]:
        axes.remove()
    figure.axes[0].legend(fontsize=7)
    path = os.path.join(folder, "metrics.png")
    figure.savefig(path, dpi=80)
    return path
