"""The memory of this process on its host."""

from __future__ import annotations

import ctypes


def give_back() -> None:
    """To the system, what is free on the heap, if the C library can (glibc).

    Worth it after the first step: preparing it, TensorFlow's graph optimisers take some hundred megabytes, which would
    stay with the process for good, and too scattered for tensors.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim:
        trim(0)
