"""What several tests share: quiet libraries, fixed initial weights, real pictures, and a small built data set."""

from __future__ import annotations

import os
import pathlib

import pytest

import sketch2img_tf  # noqa: F401 - before anything imports TensorFlow, which it tells how to run

SHARED = pathlib.Path(__file__).resolve().parents[2] / "shared"
DUMMY_RELEASE = pathlib.Path(__file__).resolve().parents[1] / "datasets" / "sketchy" / "dummy_data"


@pytest.fixture(scope="session")
def shared_dir() -> pathlib.Path:
    """The folder of real Sketchy pictures and weights; what needs it is skipped, by name, where it is absent."""
    if not SHARED.is_dir():
        pytest.skip("needs ../shared (real pictures and weights)")
    return SHARED


@pytest.fixture(scope="session")
def dummy_data_dir(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """A --data_dir with the builder's dummy release: three classes, 12 sketches to train on and 6 held out."""
    from datasets.sketchy import build  # here, so that tests of the versions alone need no TensorFlow

    data_dir = tmp_path_factory.mktemp("dummy_data")
    build.build(str(DUMMY_RELEASE), str(data_dir))
    return data_dir


@pytest.fixture
def no_utf8(tmp_path: pathlib.Path) -> str:
    """A name that is no UTF-8, as archives of older systems leave them; skips where none can be."""
    name = os.fsdecode(b"caf\xe9")
    try:
        (tmp_path / name).touch()
    except OSError:
        pytest.skip("needs a file system that takes any bytes for a name")
    (tmp_path / name).unlink()
    return name


@pytest.fixture
def seeded() -> None:
    """The same initial weights whatever ran before in the process."""
    import tensorflow as tf

    tf.keras.utils.set_random_seed(0)
