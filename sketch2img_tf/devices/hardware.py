"""What there is to compute on, for what is traced to suit it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

import tensorflow as tf

_AMPERE = (8, 0)  # the compute capability from which NVIDIA's cards have bfloat16
_CPU_BFLOAT16 = {"amx_bf16", "avx512_bf16"}  # as Linux names them
_traces_for_accelerators = False


@contextlib.contextmanager
def for_accelerators() -> Iterator[None]:
    """What is traced inside is for GPUs, TPUs or TensorFlow Lite, whatever this computer has."""
    global _traces_for_accelerators
    before, _traces_for_accelerators = _traces_for_accelerators, True
    try:
        yield
    finally:
        _traces_for_accelerators = before


def is_cpu() -> bool:
    """Whether there is nothing but CPUs to compute on."""
    if _traces_for_accelerators:
        return False
    return not tf.config.list_logical_devices("GPU") and not tf.config.list_logical_devices("TPU")


def multiplies_bfloat16_faster() -> bool:
    """Than float32. AVX512-BF16 does as many products at a time as AVX-512 in float32; what has neither imitates it."""
    return not is_cpu() or "amx_bf16" in _cpu_features()


def has_bfloat16() -> bool:
    """Whether all that there is to compute on multiplies bfloat16 itself."""
    if _traces_for_accelerators or tf.config.list_logical_devices("TPU"):
        return True
    gpus = tf.config.list_physical_devices("GPU")
    if gpus:
        details = [tf.config.experimental.get_device_details(gpu) for gpu in gpus]
        return all(detail.get("compute_capability", (0, 0)) >= _AMPERE for detail in details)
    return bool(_CPU_BFLOAT16 & _cpu_features())


def _cpu_features(path: str = "/proc/cpuinfo") -> set[str]:
    """Empty where there is no such file: elsewhere than on Linux."""
    if not os.path.exists(path):
        return set()
    with open(path, encoding="utf-8") as file:
        flags = next((line for line in file if line.startswith("flags")), "")
    return set(flags.split())
