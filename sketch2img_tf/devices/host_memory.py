"""The memory of this process on its host."""

from __future__ import annotations

import ctypes


def give_back() -> None:
    """Returns free heap memory to the system, if the C library can (glibc).

    It is worth a call after the first step: TensorFlow's graph optimisers use some hundred
    megabytes to prepare that step. The process would keep them, too fragmented for tensors.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim:
        trim(0)
