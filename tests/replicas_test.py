"""A step does the same however many replicas share it."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]


def test_one_step_on_two_replicas_is_one_step_on_one():
    """Losses, gradients (as plain descent), norms' statistics, averages, u, the same on both; and Adam's."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"}
    program = [sys.executable, str(ROOT / "tests" / "replica_step.py")]
    done = subprocess.run(program, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout.splitlines()[-1])
    assert result["compared"] > 300
    assert not result["differing"]
