"""The real commands on photos without sketches, seen as distance fields; and
on both kinds of pictures together.
"""

from __future__ import annotations

import json
import pathlib

import pytest
from PIL import Image

import datasets.edge_maps
from sketch2img_tf.run_folder.summaries import read_scalars
from tests.end_to_end_test import QUICK, succeed
from tests.export import exports

pytestmark = pytest.mark.ci

PHOTOS = pathlib.Path(datasets.edge_maps.__file__).parent / "dummy_data"
SHORT = [
    "--flagfile=configs/quickstart.flags",
    "--global_batch_size=4",
    "--log_every_steps=1",
    *QUICK,
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A run on outlines of twelve photos, and its export."""
    folder = tmp_path_factory.mktemp("edge_maps")
    data = [f"--data_dir={folder / 'data'}", "--dataset=edge_maps", f"--photos_dir={PHOTOS}"]
    encoding = "--sketch_encoding=distance_field"
    succeed("train.py", *SHORT, *data, encoding, f"--workdir={folder / 'run'}", "--train_steps=30")
    succeed("export.py", f"--workdir={folder / 'run'}", f"--export_dir={folder / 'export'}")
    return folder


@pytest.mark.slow
def test_it_learns(folder):
    lines = read_scalars(str(folder / "run"))
    held_out = [line["held_out_l1"] for line in lines if "held_out_l1" in line]
    assert held_out[-1] < 0.95 * held_out[0]


@pytest.mark.slow
def test_its_export_draws_the_held_out_outlines_as_the_run_did(folder):
    of_run, of_export = (
        json.loads(succeed("evaluate.py", f"--workdir={folder / 'run'}", *model)[-1])
        for model in ([], [f"--model={folder / 'export'}"])
    )
    assert of_export["held_out_l1"] == pytest.approx(of_run["held_out_l1"], abs=2e-3)


@pytest.mark.slow
def test_its_export_draws_a_file(folder):
    photo, sketch = folder / "photo.png", folder / "sketch.png"
    exports.drawing(1, 256).save(sketch)
    succeed(
        "generate.py",
        f"--model={folder / 'export'}",
        f"--sketch={sketch}",
        "--label=apple",
        f"--output={photo}",
    )
    assert Image.open(photo).size == (64, 64)


@pytest.mark.slow
def test_both_kinds_together(dummy_data_dir, tmp_path):
    data = [f"--data_dir={dummy_data_dir}", f"--photos_dir={PHOTOS}"]
    shares = ["--edge_maps_share=1", "--edge_maps_share_end=0", "--edge_maps_share_steps=4"]
    command = ["train.py", *SHORT, *data, *shares, f"--workdir={tmp_path}", "--train_steps=6"]
    lines = succeed(*command, "--dry_run")
    # Of twelve photos two look like ones with sketches; two others are held out.
    assert "edge maps to mix in: 8" in lines
    assert f"{PHOTOS}: 12 photos, 8 to train on, 2 held out, 2 left out" in lines
    succeed(*command)
    assert read_scalars(str(tmp_path))[-1]["step"] == 6
