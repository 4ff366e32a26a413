"""Work is shared by several processes, and none outlives the one that started them."""

from __future__ import annotations

import os
import subprocess
import sys
import time

from sketch2img_tf.surroundings import processes
from tests.sources import ROOT

SHARING = """
import os, time
from sketch2img_tf.surroundings import processes

def work(number):
    print(os.getpid(), flush=True)
    time.sleep(60)

if __name__ == "__main__":
    with processes.pool(2) as pool:
        list(pool.map(work, range(2)))
"""


def test_results_are_in_order():
    with processes.pool(2) as pool:
        assert list(pool.map(abs, range(-5, 0))) == [5, 4, 3, 2, 1]


def is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def test_they_end_with_a_process_that_is_killed(tmp_path):
    (tmp_path / "sharing.py").write_text(SHARING)
    sharing = subprocess.Popen(
        [sys.executable, tmp_path / "sharing.py"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    )
    with sharing:
        workers = [int(sharing.stdout.readline()) for _ in range(2)]
        assert all(map(is_alive, workers))
        sharing.kill()
    until = time.monotonic() + 20
    while any(map(is_alive, workers)):
        assert time.monotonic() < until
        time.sleep(0.05)
