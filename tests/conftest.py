"""What several tests share: the real pictures beside the checkout, when they are there."""

from __future__ import annotations

import pathlib

import pytest

SHARED = pathlib.Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(scope="session")
def shared_dir() -> pathlib.Path:
    """The folder of real Sketchy pictures and weights; what needs it is skipped, by name, where it is absent."""
    if not SHARED.is_dir():
        pytest.skip("needs ../shared (real pictures and weights)")
    return SHARED
