"""TensorFlow reads and deletes what lies in folders whose names it takes for patterns."""

from __future__ import annotations

import gc
import os

import pytest
import tensorflow as tf

from sketch2img_tf.config import Config, NetworkConfig
from sketch2img_tf.data.statistics import Statistics
from sketch2img_tf.errors import UserError
from sketch2img_tf.run_folder import checkpoint_files
from sketch2img_tf.run_folder.checkpoints import Checkpoints
from sketch2img_tf.run_folder.run_card import Card
from sketch2img_tf.surroundings import plain_paths
from sketch2img_tf.surroundings.plain_paths import plain
from sketch2img_tf.training.train_state import TrainState

NAMES = ["run[lr=1e-3]", "a*b", "what?", "[", "back\\slash"]


def test_a_plain_path_stays():
    for path in ("runs/a b,c={1}/ckpt-3", "", "é"):
        with plain(path) as same:
            assert same == path


@pytest.mark.parametrize("name", NAMES)
def test_a_pattern_gets_another_name(tmp_path, name):
    folder = tmp_path / name
    folder.mkdir()
    (folder / "file").write_text("text")
    before = len(os.listdir("/proc/self/fd"))
    with plain(str(folder)) as other, plain(f"{folder}/file") as file:
        assert not plain_paths.is_pattern(other) and not plain_paths.is_pattern(file)
        assert os.path.samefile(other, folder) and os.path.samefile(file, folder / "file")
        assert tf.io.gfile.glob(f"{other}/*") == [f"{other}/file"]
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_system_without_such_names_is_one_line(tmp_path, monkeypatch):
    monkeypatch.setattr(plain_paths, "_OPEN_FILES", str(tmp_path / "none"))
    (tmp_path / "a[1]").mkdir()
    with pytest.raises(
        UserError, match=r"a\[1\]: TensorFlow takes \* \? .* for a pattern; give a folder without"
    ):
        with plain(str(tmp_path / "a[1]")):
            pass


@pytest.mark.ci
@pytest.mark.parametrize("name", NAMES[:2])
def test_checkpoints_in_such_a_folder(tmp_path, name, two_states):
    """As many are kept as are wanted; the newest is read again; a
    damaged one is still found and set aside.
    """
    card, state, other = two_states
    workdir = str(tmp_path / name)
    checkpoints = Checkpoints(workdir, card, state, 2)
    assert not checkpoints.restore()
    for step in (1, 2, 3):
        state.step.assign(step)
        assert checkpoints.save()
    assert checkpoint_files.newest(workdir) == f"{workdir}/checkpoints/ckpt-3"
    names = sorted(os.listdir(checkpoint_files.directory(workdir)))
    assert [file for file in names if file.endswith(".index")] == ["ckpt-2.index", "ckpt-3.index"]
    assert Checkpoints(workdir, card, other, 2).restore() and int(other.step) == 3
    with open(f"{workdir}/checkpoints/ckpt-3.data-00000-of-00001", "r+b") as file:
        file.truncate(100)
    assert Checkpoints(workdir, card, other, 2).restore() and int(other.step) == 2
    assert "ckpt-3.index" in os.listdir(f"{workdir}/checkpoints/damaged")


@pytest.mark.ci
def test_a_run_that_is_over_holds_no_folder_open(tmp_path, two_states):
    card, state, _ = two_states
    gc.collect()
    before = len(os.listdir("/proc/self/fd"))
    for number in range(3):
        Checkpoints(str(tmp_path / f"run[{number}]"), card, state, 2).save()
    gc.collect()
    assert len(os.listdir("/proc/self/fd")) <= before


@pytest.fixture(scope="module")
def two_states():
    config = Config(network=NetworkConfig(base_width=1))
    card = Card(config, ("apple",), Statistics((0.5, 0.5, 0.5), 0.5, (0.04,), 0.96))
    return card, TrainState(config, 1), TrainState(config, 1)
