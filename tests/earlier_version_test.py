"""Data, a run and its exports of earlier versions are read on either lane, whichever lane made
them.

tests/fixtures/README.md says how they were made.
"""

from __future__ import annotations

import json
import pathlib
import tarfile

import numpy as np
import pytest
import tensorflow as tf

from sketch2img_tf.config import DataConfig
from sketch2img_tf.data import input_pipeline, preprocessing, sources
from sketch2img_tf.export import export_folder
from sketch2img_tf.inference.litert_model import LiteRTModel
from sketch2img_tf.inference.local_model import LocalModel
from sketch2img_tf.run_folder import checkpoints
from sketch2img_tf.run_folder.summaries import read_scalars
from tests.conftest import DUMMY_RELEASE
from tests.faults import commands

EARLIER = ("7b1017f", "b87b12c-current-lane")
STEPS = 100
CLASSES = ("apple", "car_(sedan)")
SKETCH = DUMMY_RELEASE / "256x256" / "sketch" / "tx_000000000010" / "apple" / "n90000001_100-1.png"
FIXTURES = pathlib.Path(__file__).parent / "fixtures"


@pytest.fixture(scope="module", params=EARLIER)
def earlier(request, tmp_path_factory) -> pathlib.Path:
    """A folder with `data`, `run`, `export` and `next_step.jsonl`."""
    folder = tmp_path_factory.mktemp("earlier")
    with tarfile.open(FIXTURES / f"{request.param}.tar.xz") as archive:
        archive.extractall(folder)  # our own
    return folder / request.param


@pytest.fixture(scope="module")
def model(earlier) -> LocalModel:
    return LocalModel(str(earlier / "export" / str(STEPS)))


def examples(data_dir):
    """The held-out examples of a data set, as a run reads them."""
    data = sources.open_data(DataConfig(data_dir=str(data_dir)))
    (batch,) = input_pipeline.evaluation_batches(data, "test", 16)
    return {name: batch[name].numpy() for name in ("photos", "sketches", "labels")}


def test_its_data_are_those_that_are_built_today(earlier, dummy_data_dir):
    there, now = examples(earlier / "data"), examples(dummy_data_dir)
    assert len(there["labels"]) == 6
    for name, values in there.items():
        np.testing.assert_array_equal(values, now[name])


def test_its_checkpoint_draws_what_its_export_draws(earlier, model):
    generator, card, step = checkpoints.load_generator(str(earlier / "run"))
    assert (step, card.class_names) == (STEPS, CLASSES) and card == model.card
    sketch = preprocessing.resize(preprocessing.decode_sketch(SKETCH.read_bytes()), 64)
    sketches = np.stack([preprocessing.to_pixels(1.0 - sketch)] * 3)
    labels, seeds = np.array([0, 0, 1]), np.array([3, 4, 3])
    ink = preprocessing.normalize_sketches(
        preprocessing.sketch_intensities(tf.constant(sketches)), card.statistics
    )
    photos = generator.draw(ink, tf.constant(labels), tf.constant(seeds))
    pixels = preprocessing.photo_pixels(photos, card.statistics).numpy().astype(int)
    exported = model.from_tensors(sketches, labels, seeds).astype(int)
    assert np.abs(pixels - exported).max() <= 1
    assert exported.std() > 20 and np.abs(exported[0] - exported[1]).max() > 1
    assert np.abs(exported[0] - exported[2]).mean() > 1


def test_its_exports_know_what_they_are_and_draw_alike(earlier, model):
    folder = str(earlier / "export" / f"tflite-{STEPS}")
    assert (model.step, model.card.class_names, export_folder.read_step(folder)) == (
        STEPS,
        CLASSES,
        STEPS,
    )
    request = [SKETCH.read_bytes()] * 2, ["car_(sedan)", "apple"], [3, 4]
    pictures = [each.from_bytes(*request) for each in (model, LiteRTModel(folder))]
    decoded = [np.stack([tf.io.decode_png(png) for png in pngs]).astype(int) for pngs in pictures]
    assert decoded[0].shape == (2, 64, 64, 3) and decoded[0].std() > 20
    assert np.abs(decoded[0] - decoded[1]).max() <= 4  # the weights of the one have 16 bits


@pytest.mark.slow
def test_its_run_goes_on_with_the_step_that_it_would_have_made(earlier):
    run = earlier / "run"
    before = read_scalars(str(run))
    flags = [f"--data_dir={earlier / 'data'}", f"--workdir={run}", f"--train_steps={STEPS + 1}"]
    code, stdout, stderr = commands.run("train.py", f"--flagfile={run / 'flags.txt'}", *flags)
    assert code == 0, stderr
    assert f"going on from step {STEPS} of {run}" in stdout
    lines = read_scalars(str(run))
    assert lines[: len(before)] == before
    (step,) = [line for line in lines[len(before) :] if "generator/supervised" in line]
    expected = json.loads((earlier / "next_step.jsonl").read_text().splitlines()[0])
    del expected["steps_per_second"]
    assert expected["step"] == STEPS + 1
    assert {"generator/supervised", "fakes/deviation"} < expected.keys()
    for name, value in expected.items():
        assert step[name] == pytest.approx(value, rel=1e-3, abs=1e-5), name


@pytest.mark.slow
def test_the_first_steps_of_a_seed_are_the_same_on_both_lanes(dummy_data_dir, tmp_path):
    flags = [
        f"--flagfile={FIXTURES / 'first_steps.flags'}",
        f"--data_dir={dummy_data_dir}",
        f"--workdir={tmp_path / 'run'}",
    ]
    code, _, stderr = commands.run("train.py", *flags)
    assert code == 0, stderr
    steps = [line for line in read_scalars(str(tmp_path / "run")) if "generator/gan" in line]
    for lane, expected in json.loads((FIXTURES / "first_steps.json").read_text()).items():
        assert len(steps) == len(expected) == 3
        for step, values in zip(steps, expected):
            assert len(values) > 10 and step.keys() >= values.keys()
            for name, value in values.items():
                rounded = pytest.approx(value, rel=1e-4, abs=1e-5)
                assert step[name] == rounded, (lane, name)
