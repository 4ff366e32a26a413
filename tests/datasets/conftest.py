"""A small release of generated pictures, whole or to be broken."""

from __future__ import annotations

import pathlib
import shutil

import pytest

import datasets.sketchy

DUMMY_DATA = pathlib.Path(datasets.sketchy.__file__).parent / "dummy_data"


@pytest.fixture
def release_dir(tmp_path: pathlib.Path) -> pathlib.Path:
    """A release of three classes, nine photos and eighteen sketches, in the
    default renderings; one's own copy.
    """
    return pathlib.Path(shutil.copytree(DUMMY_DATA, tmp_path / "sketchy"))
