"""Curves of what the scalars say."""

from __future__ import annotations

import pathlib

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from sketch2img_tf.run_folder import plots

LINES = [
    {"step": 0, "held_out_l1": 0.5},
    {
        "step": 10,
        "generator/gan": 2.0,
        "generator/supervised": 0.4,
        "fakes/mean": 0.1,
        "fakes/deviation": 0.3,
    },
    {
        "step": 20,
        "generator/gan": 1.0,
        "generator/supervised": 0.2,
        "fakes/mean": 0.0,
        "fakes/deviation": 0.4,
    },
    {"step": 20, "held_out_l1": 0.25},
]


def test_curves_go_through_the_scalars(tmp_path, monkeypatch):
    curves = {}

    def keep(figure, *arguments, **options):
        for line in figure.axes[0].lines:
            curves[line.get_label()] = line.get_xydata().tolist()

    monkeypatch.setattr(Figure, "savefig", keep)
    plots.write_plots(LINES, str(tmp_path))
    assert curves == {
        "generator/gan": [[10, 2.0], [20, 1.0]],
        "generator/supervised": [[10, 0.4], [20, 0.2]],
        "fakes/mean": [[10, 0.1], [20, 0.0]],
        "fakes/deviation": [[10, 0.3], [20, 0.4]],
        "held_out_l1": [[0, 0.5], [20, 0.25]],
    }


def test_only_what_there_is_becomes_a_picture(tmp_path):
    paths = [pathlib.Path(path) for path in plots.write_plots(LINES, str(tmp_path / "plots"))]
    assert sorted(path.name for path in paths) == ["fakes.png", "generator_losses.png"]
    # Not an empty page
    assert all(np.asarray(Image.open(path).convert("L")).std() > 5 for path in paths)


def test_a_run_without_a_scalar_has_no_plots(tmp_path):
    assert plots.write_plots([], str(tmp_path)) == []
