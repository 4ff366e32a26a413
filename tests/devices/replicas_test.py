"""A step does the same however many replicas share it."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys

import pytest

from tests.devices.replica_step import BATCH, CLASSES, random_batch

pytestmark = pytest.mark.ci

ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def result() -> dict:
    """What replica_step.py prints."""
    return _printed_by("replica_step.py")


def _printed_by(program: str) -> dict:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, str(ROOT / "tests" / "devices" / program)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_one_step_on_two_replicas_is_one_step_on_one(result):
    """Losses, gradients (as plain descent), norms' statistics,
    averages, u, the same on both; and Adam's.
    """
    assert result["compared"] > 300
    assert not result["differing"]


def test_synchronised_norm_keeps_a_variance_that_is_small_beside_the_mean(result):
    """In float32, of means of 30 and 1,000 with deviations of 0.003 and 1, against float64."""
    assert len(result["norms"]) == 9
    for name, error in result["norms"].items():
        assert error < 1e-3, name  # NaN is no less


def test_moments_that_are_exchanged_at_once_are_those_of_each(result):
    """Bit by bit, with their gradients."""
    assert result["together"] == 0


def test_lazy_penalty_exchanges_in_a_graph(result):
    """Its collectives may not stand in a branch of the graph that a replica traces."""
    deviation = random_batch(BATCH, CLASSES)["photos"].std()
    assert result["lazy"] == pytest.approx([deviation, 0.0, deviation], rel=1e-4)


def test_overflow_on_one_replica_halves_float16s_scale_once_and_skips_the_update_on_all(result):
    """Where the loss overflows and no gradient does, too: Keras looks at the gradients alone."""
    first, of_gradient, of_loss, last = result["float16"]
    assert [update["skipped"] for update in result["float16"]] == [0, 1, 1, 0]
    (scale, other) = first["scale"]
    assert scale == other > 4
    assert [update["scale"] for update in (of_gradient, of_loss, last)] == [
        [scale / 2] * 2,
        [scale / 4] * 2,
        [scale / 4] * 2,
    ]
    for name in ("weights", "slots"):
        assert first[name] == of_gradient[name] == of_loss[name] != last[name]
        assert last[name][0] == last[name][1]


@pytest.mark.slow
def test_lazy_penalty_in_a_graph_is_that_of_one_device():
    """Its values in a whole traced step, where the test above has a stand-in."""
    penalties = _printed_by("replica_lazy_penalty.py")
    assert penalties["shared"] == pytest.approx(penalties["alone"], rel=1e-3)
    assert [penalty > 0 for penalty in penalties["shared"]] == [True, False, True, False]
