"""Processes that share work, and end when the one that started them ends."""

from __future__ import annotations

import multiprocessing
import os
import threading
from concurrent import futures
from typing import Callable


def pool(
    workers: int | None = None, begin: Callable[[], None] | None = None
) -> futures.ProcessPoolExecutor:
    """An executor whose processes also end when this one is killed, by `kill` for instance.

    Those of Python's executor would then wait for ever, and keep their memory.

    Args:
      workers: how many processes; by default, as many as this machine has cores.
      begin: called in each process first; picklable.
    """
    # Not forks: TensorFlow has threads already, and a fork that is made while one of them holds a
    # lock hangs.
    start = multiprocessing.get_context("spawn")
    return futures.ProcessPoolExecutor(workers, start, _begin, (begin,))


def _begin(begin: Callable[[], None] | None) -> None:
    threading.Thread(target=_end_with_parent, daemon=True).start()
    if begin:
        begin()


def _end_with_parent() -> None:
    multiprocessing.parent_process().join()
    os._exit(1)  # from a thread, and whatever the others do
