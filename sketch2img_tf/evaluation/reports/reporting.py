"""What evaluate.py writes and prints."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

from sketch2img_tf.evaluation import judge, protocols
from sketch2img_tf.evaluation.held_out import HeldOut
from sketch2img_tf.evaluation.reports import curves, html_report, results
from sketch2img_tf.run_folder import best, plots
from sketch2img_tf.run_folder.summaries import read_scalars

if TYPE_CHECKING:
    from sketch2img_tf.config import LossConfig
    from sketch2img_tf.evaluation.evaluator import Evaluation, Evaluator
    from sketch2img_tf.evaluation.examples import Draw


def report(
    evaluator: Evaluator, draw: Draw, source: dict, losses: LossConfig, folder: str, plot: bool
) -> None:
    """Evaluates `draw`, adds a JSON object to `folder/metrics.jsonl`, prints it and a table of it.

    Args:
      evaluator: the evaluator that measures.
      draw: the model.
      source: what is evaluated; first in the JSON object.
      losses: the losses by which it was trained.
      folder: the folder of the run or of the export; also gets a grid, held_out.png.
      plot: whether to write the folder's plots and report.html, too.
    """
    split, sketchy = evaluator.protocol.split, evaluator.sketchy
    evaluation = evaluator.evaluate(draw)
    before = _before_training(folder) if split == protocols.held_out_split(sketchy) else None
    judging = evaluator.network.name if evaluator.network else ""
    source = {**source, "judge_also_taught": judge.also_taught(judging, losses)}
    result = results.result_line(evaluator, evaluation, draw, source, before)
    results.append(result, folder)
    path = os.path.join(folder, "held_out.png")
    HeldOut(sketchy, split).grid(draw).save(path)
    print(f"sketch | generated | real: {path}")
    if plot:
        print(f"report: {_write_report(result, evaluator, evaluation, folder)}")
    print(results.format_table(results.table(result)))
    if result["judge_also_taught"]:
        print(judge.note(result))
    if before:
        change = result["held_out_l1"] / before - 1
        print(
            f"held-out L1 {result['held_out_l1']:.4f}, {before:.4f} before training ({change:+.0%})"
        )
    print(json.dumps(result))


def _write_report(result: dict, evaluator: Evaluator, evaluation: Evaluation, folder: str) -> str:
    scalars, plots_folder = read_scalars(folder), os.path.join(folder, "plots")
    same = [line for line in results.read(folder) if line.get("protocol") == result["protocol"]]
    logged = scalars if best.is_by(folder, result["protocol"]) else []
    drawn = [curves.write_metrics(curves.points(same, logged), result, plots_folder)]
    drawn += plots.write_plots(scalars, plots_folder)
    path = os.path.join(folder, "report.html")
    html_report.write(path, result, evaluator, evaluation, drawn)
    return path


def _before_training(folder: str) -> float | None:
    return next(
        (line["held_out_l1"] for line in read_scalars(folder) if "held_out_l1" in line), None
    )
