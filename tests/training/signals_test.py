"""Signals: one lets the step end, a second SIGINT ends at once,
even in the middle of an operation.
"""

from __future__ import annotations

import gc
import os
import pathlib
import signal
import subprocess
import sys
import threading
import time

import pytest

from sketch2img_tf.training.signals import Stop

ROOT = pathlib.Path(__file__).resolve().parents[2]
# A step that takes five seconds, in which Python is not asked for
# anything: as long as numbers are sorted.
PROGRAM = """
import ctypes, sys, time
from sketch2img_tf.training.signals import Stop
with Stop() as stop:
    print("started", flush=True)
    started = time.monotonic()
    while time.monotonic() < started + 5:
        ctypes.CDLL(None).usleep(int(1e6 * (started + 5 - time.monotonic())) + 1)
    print("asked" if stop.asked else "not asked", flush=True)
"""


@pytest.fixture
def program():
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "started\n"
    yield process
    process.kill()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_step_in_progress_ends(number):
    before = signal.signal(number, _never_called)  # the tests themselves may run under nohup
    try:
        with Stop() as stop:
            assert not stop.asked
            os.kill(os.getpid(), number)
            assert stop.asked
        assert signal.getsignal(number) is _never_called
    finally:
        signal.signal(number, before)


def _never_called(number, frame):
    raise AssertionError(f"signal {number} reached the handler of before")


def test_a_hang_up_that_was_ignored_still_is():
    """As `nohup` has it."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Stop() as stop:
            os.kill(os.getpid(), signal.SIGHUP)
            assert not stop.asked
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_second_interrupt_ends_at_once_in_the_middle_of_a_step(program):
    started = time.monotonic()
    program.send_signal(signal.SIGINT)
    time.sleep(0.3)
    assert program.poll() is None
    program.send_signal(signal.SIGINT)
    stdout, stderr = program.communicate()
    assert time.monotonic() < started + 3
    assert (program.returncode, stdout, stderr) == (
        130,
        "",
        "\nended at once; the last checkpoint stands\n",
    )


def test_a_second_sigterm_is_still_a_request(program):
    for _ in range(2):
        program.send_signal(signal.SIGTERM)
        time.sleep(0.2)
    stdout, stderr = program.communicate()
    assert (program.returncode, stdout, stderr) == (0, "asked\n", "")


def test_nothing_is_left_behind():
    """In a notebook many trainings follow one another in one process."""
    gc.collect()
    files, threads = len(os.listdir("/proc/self/fd")), threading.active_count()
    for _ in range(20):
        with Stop():
            pass
    time.sleep(0.2)
    assert len(os.listdir("/proc/self/fd")) <= files and threading.active_count() <= threads


def test_outside_the_main_thread_signals_do_what_they_did():
    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    found = []

    def train():
        with Stop() as stop:
            found.extend(
                [
                    stop.asked,
                    *(signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)),
                ]
            )

    thread = threading.Thread(target=train)
    thread.start()
    thread.join()
    assert found == [False, *handlers]
