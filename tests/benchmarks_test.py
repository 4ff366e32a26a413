"""The benchmarks run as scripts and end with one JSON object that can be believed."""

from __future__ import annotations

import json
import pathlib
import statistics
import subprocess
import sys

import pytest

from tests.serving import browser

ROOT = pathlib.Path(__file__).resolve().parents[1]


def measure(*command):
    """The JSON object on the last line of what a benchmark prints."""
    done = subprocess.run(
        [sys.executable, *map(str, command)], cwd=ROOT, check=False, capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.slow
def test_train_step():
    arguments = ["--batch_size=2", "--steps=3", "--base_width=2", "--num_classes=3", "--perceptual_weight=0"]
    result = measure("benchmarks/train_step.py", "--precision=mixed_bfloat16", *arguments)
    assert result["median_s_per_step"] == statistics.median(result["s_per_step"]) > 0
    assert len(result["s_per_step"]) == 3
    assert result["pictures_per_s"] == pytest.approx(2 / result["median_s_per_step"], rel=0.01)
    assert {key: result[key] for key in ("precision", "batch_size", "base_width", "classes")} == {
        "precision": "mixed_bfloat16",
        "batch_size": 2,
        "base_width": 2,
        "classes": 3,
    }
    assert result["generator_parameters"] > result["discriminator_parameters"] > 0
    assert 100 < result["peak_memory_mb"] < 100_000


def test_input_pipeline(dummy_data_dir):
    arguments = [f"--data_dir={dummy_data_dir}", "--batch_size=4", "--batches=5"]
    result = measure("benchmarks/input_pipeline.py", *arguments)
    assert (result["pictures"], result["batch_size"], result["examples"]) == (20, 4, 10)
    assert result["pictures_per_s"] > 0


@pytest.mark.slow
def test_draw_page():
    """The memory of the page, too, which must not follow the number of requests."""
    browser.require("gradio")
    result = measure("benchmarks/draw_page.py", "--base_width=4", "--requests=1000")
    assert 0 < result["page_s"] < result["first_picture_s"]
    memory = result["memory_mb"]
    assert list(memory) == [str(number) for number in range(100, 1001, 100)]
    assert 300 < memory["100"] and memory["1000"] - memory["100"] < 20  # MB: 0.02 a request; a drawing alone has 0.03


@pytest.mark.parametrize("path", sorted((ROOT / "benchmarks").glob("*.py")), ids=lambda path: path.stem)
def test_a_missing_library_is_one_line(path):
    """Run by a Python that sees no installed package at all."""
    command = [sys.executable, "-I", "-S", str(path), "--help"]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    (line,) = done.stderr.splitlines()
    assert done.returncode == 1 and line.startswith("error: tensorflow is not installed, tensorflow>=2.15,<2.16 is")
