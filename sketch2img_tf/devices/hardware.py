"""Which devices there are, so that traced graphs suit them."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

import tensorflow as tf

_AMPERE = (8, 0)  # the first compute capability of NVIDIA GPUs that has bfloat16
_CPU_BFLOAT16 = {"amx_bf16", "avx512_bf16"}  # Linux' names
_traces_for_accelerators = False


@contextlib.contextmanager
def for_accelerators() -> Iterator[None]:
    """Graphs traced inside are for GPUs, TPUs or TensorFlow Lite, whatever this computer has."""
    global _traces_for_accelerators
    before, _traces_for_accelerators = _traces_for_accelerators, True
    try:
        yield
    finally:
        _traces_for_accelerators = before


def is_cpu() -> bool:
    """Whether CPUs are the only devices."""
    if _traces_for_accelerators:
        return False
    return not tf.config.list_logical_devices("GPU") and not tf.config.list_logical_devices("TPU")


def multiplies_bfloat16_faster() -> bool:
    """Whether bfloat16 products are faster than float32 ones.

    They are not with AVX512-BF16, which does as many products at a time as AVX-512 in float32. CPUs
    without AMX and AVX512-BF16 emulate bfloat16.
    """
    return not is_cpu() or "amx_bf16" in _cpu_features()


def has_bfloat16() -> bool:
    """Whether all devices have instructions for bfloat16 products."""
    if _traces_for_accelerators or tf.config.list_logical_devices("TPU"):
        return True
    gpus = tf.config.list_physical_devices("GPU")
    if gpus:
        details = [tf.config.experimental.get_device_details(gpu) for gpu in gpus]
        return all(detail.get("compute_capability", (0, 0)) >= _AMPERE for detail in details)
    return bool(_CPU_BFLOAT16 & _cpu_features())


def _cpu_features(path: str = "/proc/cpuinfo") -> set[str]:
    """The CPU's flags; empty if there is no such file, as on systems other than Linux."""
    if not os.path.exists(path):
        return set()
    with open(path, encoding="utf-8") as file:
        flags = next((line for line in file if line.startswith("flags")), "")
    return set(flags.split())
