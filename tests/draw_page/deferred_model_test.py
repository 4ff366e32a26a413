"""A model that is known before it is loaded."""

from __future__ import annotations

import pathlib
import shutil
import threading

import numpy as np
import pytest

from sketch2img_tf.draw_page.deferred_model import DeferredModel
from sketch2img_tf.errors import UserError
from sketch2img_tf.inference import local_model
from tests.export import exports


def test_its_classes_come_first_and_its_pictures_after_loading(exported):
    model = DeferredModel(str(exported.parent))
    assert model.class_names == exports.CLASSES
    sketch, answers = exports.encoded(exports.drawing(0)), []
    waiting = threading.Thread(
        target=lambda: answers.append(model.from_bytes([sketch], ["apple"], [3]))
    )
    waiting.start()
    waiting.join(0.1)
    assert waiting.is_alive()
    model.load()
    waiting.join(180)
    drawing = np.asarray(exports.drawing(0))[None, ..., None]
    request = {"sketch": drawing, "label_id": np.array([0]), "seed": np.array([3])}
    expected = exports.python_pictures(exports.untrained_generator(), request)[0]
    assert np.abs(exports.pixels(answers[0][0]) - expected).max() < 1.51


def test_a_damaged_export_is_told_to_whoever_loads_it_and_whoever_waits(exported, tmp_path):
    shutil.copytree(exported, tmp_path / "7")
    pathlib.Path(tmp_path / "7" / "saved_model.pb").write_bytes(b"\xff\xff")
    model = DeferredModel(str(tmp_path))
    with pytest.raises(UserError, match="^--model=.*damaged"):
        model.load()
    with pytest.raises(UserError, match="^--model=.*damaged"):
        model.from_bytes([b""], ["apple"], [0])


def test_ctrl_c_while_it_is_loaded_is_one_line_to_whoever_waits(exported, monkeypatch):
    def interrupted(directory):
        raise KeyboardInterrupt

    monkeypatch.setattr(local_model, "LocalModel", interrupted)
    model = DeferredModel(str(exported))
    with pytest.raises(KeyboardInterrupt):
        model.load()
    with pytest.raises(UserError, match="^ended before the model was loaded$"):
        model.from_bytes([b""], ["apple"], [0])


def test_no_export(tmp_path):
    with pytest.raises(UserError, match="no exported model there"):
        DeferredModel(str(tmp_path))
