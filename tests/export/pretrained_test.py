"""The folder of a model that ships: it draws, it is exported again, and a run starts from it."""

from __future__ import annotations

import dataclasses
import json
import pathlib
import shutil
import subprocess
import sys

import numpy as np
import pytest

from sketch2img_tf import config
from sketch2img_tf.errors import UserError
from sketch2img_tf.inference.litert_model import LiteRTModel
from sketch2img_tf.run_folder import checkpoints, packed_weights
from sketch2img_tf.training.train_state import TrainState
from tests.export import exports
from tests.paired import paired

pytestmark = pytest.mark.ci

ROOT = pathlib.Path(__file__).resolve().parents[2]
RESULT = {
    "model": "/home/somebody/run",
    "step": 3,
    "noise_deviation": 0.5,
    "protocol": {"name": "test_256", "sketches": 256},
    **{part: {"l1": 0.125, "psnr": None} for part in ("metrics", "train", "real", "mean_colour")},
    "by_class": {
        "metric": "l1",
        "mean": {"metrics": 0.125, "real": 0.0},
        "classes": {"cat": {"sketches": 7, "metrics": 0.1, "real": 0.0}},
    },
}


@pytest.fixture(scope="module")
def state() -> TrainState:
    state = TrainState(exports.CARD.config, len(exports.CLASSES))
    random = np.random.default_rng(1)
    for network in (state.averaged_generator, state.discriminator):
        exports.randomize(network.variables, random)
    state.step.assign(3)
    return state


@pytest.fixture(scope="module")
def card(tmp_path_factory):
    paths = dict(data_dir=str(tmp_path_factory.mktemp("data")), manual_dir="/home/somebody/sketchy")
    data = dataclasses.replace(exports.CARD.config.data, **paths)
    return dataclasses.replace(
        exports.CARD, config=dataclasses.replace(exports.CARD.config, data=data)
    )


@pytest.fixture(scope="module")
def shipped(state, card, tmp_path_factory) -> str:
    run = tmp_path_factory.mktemp("run")
    checkpoints.Checkpoints(str(run), card, state, kept=1).save()
    others = [{**RESULT, "step": 2}, RESULT, {**RESULT, "noise_deviation": 1.0, "train": {}}]
    (run / "metrics.jsonl").write_text("".join(json.dumps(result) + "\n" for result in others))
    folder = run / "pretrained"
    command = [
        sys.executable,
        "export.py",
        f"--workdir={run}",
        f"--export_dir={folder}",
        "--format=pretrained",
        "--noise_deviation=0.5",
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == (f"{folder}\n", "")
    return str(folder)


def rounded(values: np.ndarray) -> np.ndarray:
    return values.astype(np.float16).astype(np.float32) if values.ndim > 1 else values


def test_what_lies_in_it(shipped):
    folder = pathlib.Path(shipped)
    assert sorted(path.name for path in folder.iterdir()) == [
        "README.md",
        "card.json",
        "labels.txt",
        "model.tflite",
        "weights.npz",
    ]
    texts = (folder / "README.md").read_text(), (folder / "card.json").read_text()
    assert not [
        text for text in texts if "/home/somebody" in text or str(folder.parent.parent) in text
    ]
    readme, card = texts[0], json.loads(texts[1])
    assert readme.startswith("---\nlicense: other\n") and "\n---\n# Sketch2Img, step 3\n" in readme
    assert "| l1 | 0.125 | 0.125 | 0.125 | 0.125 |" in readme and "| psnr | - |" in readme
    assert "by `l1`:" in readme and "| cat | 7 | 0.1 | 0 |" in readme
    assert "| mean of classes |  | 0.125 | 0 |" in readme
    assert card["evaluation"]["by_class"] == RESULT["by_class"]
    assert card["step"] == 3 and card["evaluation"]["metrics"] == RESULT["metrics"]


def test_it_is_a_run_to_export_again(shipped, state, card):
    generator, read, step = checkpoints.load_generator(shipped)
    evaluation = dataclasses.replace(card.config.evaluation, noise_deviation=0.5)
    exported = dataclasses.replace(config.without_paths(card.config), evaluation=evaluation)
    assert (step, read) == (3, dataclasses.replace(card, config=exported))
    for restored, saved in paired(generator.variables, state.averaged_generator.variables):
        np.testing.assert_array_equal(restored, rounded(saved.numpy()), err_msg=saved.name)


def test_a_run_starts_from_it(shipped, state):
    other = TrainState(exports.CARD.config, len(exports.CLASSES))
    checkpoints.start_from(shipped, exports.CARD, other)
    pairs = [
        (other.generator, state.averaged_generator),
        (other.averaged_generator, state.averaged_generator),
    ]
    for started, source in [*pairs, (other.discriminator, state.discriminator)]:
        for restored, saved in paired(started.variables, source.variables):
            np.testing.assert_array_equal(restored, rounded(saved.numpy()), err_msg=saved.name)
    assert int(other.step) == 0


def test_it_draws_the_pictures_of_what_is_exported_again(shipped):
    request = exports.tensors(3)
    generator, _, _ = checkpoints.load_generator(shipped)
    assert generator.noise_deviation == 0.5
    expected = exports.python_pictures(generator, request)
    sketches = [exports.encoded(exports.drawing(number)) for number in range(3)]
    labels = [exports.CLASSES[label] for label in request["label_id"]]
    drawn = LiteRTModel(shipped).from_bytes(sketches, labels, request["seed"].tolist())
    for photo, pixels in paired(drawn, expected):
        assert np.abs(exports.pixels(photo) - pixels).max() < 2.5


@pytest.mark.parametrize("name", ["weights.npz", "card.json"])
def test_what_is_cut_off_is_one_line(shipped, tmp_path, name):
    shutil.copytree(shipped, tmp_path / "pretrained")
    path = tmp_path / "pretrained" / name
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(
        UserError, match=rf"^{path}: missing or damaged \(.*\): get the folder again$"
    ):
        checkpoints.load_generator(str(path.parent))


def test_what_does_not_fit_in_float16_stays():
    large = np.full([2, 3], 1e6, np.float32)
    assert packed_weights._rounded(large) is large
    assert packed_weights._rounded(large / 1e3).dtype == np.float16
    assert packed_weights._rounded(np.ones(3, np.float32)).dtype == np.float32
