"""Which export a folder means, and what is known of it before TensorFlow is imported."""

from __future__ import annotations

import shutil

import pytest

from sketch2img_tf.errors import UserError
from sketch2img_tf.export.export_folder import CARD_PATH, newest_version, read_step
from sketch2img_tf.inference.local_model import LocalModel
from tests.export import exports


@pytest.fixture
def export_dir(tmp_path):
    """Exports of steps 7 and 10, and folders that are none."""
    for name in ("7", "10", "tflite-11", "unfinished-12", "²"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "saved_model.pb").touch()
    return tmp_path


def test_the_highest_number_is_the_newest(export_dir):
    assert newest_version(f"{export_dir}/") == str(export_dir / "10")


def test_one_version_may_have_any_name(export_dir, monkeypatch):
    best, link = (export_dir / "7").rename(export_dir / "best"), export_dir / "link"
    link.symlink_to(best)
    for path in (best, link):
        assert newest_version(str(path)) == str(path)
        monkeypatch.chdir(path)
        assert newest_version(".") == str(best)


def test_the_step_is_known_whatever_the_folder_is_called(exported, tmp_path, monkeypatch):
    shutil.copytree(exported, tmp_path / "best")
    monkeypatch.chdir(tmp_path / "best")
    model = LocalModel(".")
    assert (model.step, model.directory) == (exports.STEP, str(tmp_path / "best"))


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"step": null}'])
def test_a_damaged_card_is_one_line(tmp_path, content):
    (tmp_path / CARD_PATH).parent.mkdir()
    (tmp_path / CARD_PATH).write_text(content)
    with pytest.raises(UserError, match="card.json: missing or damaged"):
        read_step(str(tmp_path))


def test_no_export(tmp_path):
    with pytest.raises(UserError, match=f"^--model={tmp_path}: no exported model there"):
        newest_version(str(tmp_path))
