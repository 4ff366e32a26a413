"""benchmarks/serving_latency.py runs, and counts the multiply-adds right."""

from __future__ import annotations

import json
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
WIDTH, CLASSES = 16, 125


def mru(side: int, inputs: int, filters: int) -> int:
    """Of two gates, a candidate and a shortcut: 3x3 convolutions, all but
    the last of which see the sketch too.
    """
    return 9 * side**2 * ((inputs + 1) * (inputs + 2 * filters) + inputs * filters)


def by_hand(width: int) -> int:
    """The network of the design, level by level."""
    levels = [(64, width), (32, 2 * width), (16, 4 * width), (8, 8 * width)]
    encoder = mru(64, 1, width) + sum(
        mru(side, filters // 2, filters) for side, filters in levels[1:]
    )
    halvings = sum(4 * (side // 2) ** 2 * filters**2 for side, filters in levels[:-1])
    decoder = sum(mru(side, 2 * filters, filters) for side, filters in levels)
    doublings = sum(4 * side**2 * filters * filters // 2 for side, filters in levels[1:])
    return encoder + halvings + decoder + doublings + 9 * 64**2 * width * 3


@pytest.mark.slow
def test_it_measures_both_exports():
    command = [
        sys.executable,
        "benchmarks/serving_latency.py",
        f"--base_width={WIDTH}",
        "--seconds=0",
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["multiply_adds_g"] == pytest.approx(by_hand(WIDTH) / 1e9, abs=0.0006)
    assert result["generate_py_s"] > result["saved_model"]["first_picture_s"] > 0
    assert result["tflite"]["megabytes"] < 0.7 * result["saved_model"]["megabytes"]
    for exported in ("saved_model", "tflite"):
        for size, times in result[exported]["batches"].items():
            unit = 1e3 * int(size) * result["multiply_adds_g"] / result["matrix_product_g_per_s"]
            assert times["times_the_multiply_adds"] == pytest.approx(
                times["p50_ms"] / unit, rel=0.05
            )
