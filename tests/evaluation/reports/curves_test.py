"""Curves of the metrics, from results and from what a training logged."""

from __future__ import annotations

import numpy as np
from PIL import Image

from sketch2img_tf.evaluation.reports import curves

SCALARS = [
    {"step": 10, "evaluation/l1": 0.4, "evaluation/ssim": 0.1, "evaluation/kid_error": 0.1},
    {"step": 15, "held_out_l1": 0.3},
    {"step": 20, "evaluation/l1": 0.3, "evaluation/ssim": 0.2},
]
RESULT = {
    "step": 20,
    "metrics": {"l1": 0.25, "psnr": None},
    "real": {"l1": 0.0},
    "mean_colour": {"l1": 0.5},
}


def test_points_are_those_of_the_training_and_of_results():
    found = curves.points([{**RESULT, "step": 30}, RESULT], SCALARS)
    assert found == {"l1": [(10, 0.4), (20, 0.25), (30, 0.25)], "ssim": [(10, 0.1), (20, 0.2)]}


def test_every_metric_is_drawn(tmp_path):
    path = curves.write_metrics(curves.points([RESULT], SCALARS), RESULT, str(tmp_path / "plots"))
    assert np.asarray(Image.open(path).convert("L")).std() > 5
