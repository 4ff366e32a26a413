"""A Python that has JAX."""

from __future__ import annotations

import os
import subprocess

import pytest

from tests.faults.commands import ROOT

_PYTHON = ROOT / ".venv-jax" / "bin" / "python"


@pytest.fixture(scope="session")
def by_jax():
    """Runs Python's arguments where there is JAX and no TensorFlow; returns standard output."""
    environment = {**os.environ, "JAX_PLATFORMS": "cpu"}
    there = _PYTHON.exists() and subprocess.run(
        [_PYTHON, "-c", "import jax"], capture_output=True, check=False
    )
    if not there or there.returncode:
        pytest.skip("needs .venv-jax (make jax)")

    def run(*arguments) -> str:
        done = subprocess.run(
            [_PYTHON, *map(str, arguments)],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run
