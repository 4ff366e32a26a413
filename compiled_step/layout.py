"""What is in a packed folder, for both sides: needs neither TensorFlow nor JAX.

`run.json` says what the parameters and results of `step.hlo` are, by keys of `state.npz`;
`batch.hlo` makes a batch of what is in `pictures.npz`. What a run gives: `done.json`,
`scalars.jsonl`, and its state in parts, `state_00.npz` on.
"""

from __future__ import annotations

import glob
import os

import numpy as np

RUN = "run.json"
STEP = "step.hlo"
BATCH = "batch.hlo"
STATE = "state.npz"
PICTURES = "pictures.npz"
DONE = "done.json"
SCALARS = "scalars.jsonl"
_PART = "state_{:02d}.npz"


def drawn(shape: list[int], seed: list[int], mean: float, deviation: float) -> np.ndarray:
    """N(mean, deviation), float32: the same on every machine."""
    values = np.random.Generator(np.random.PCG64(seed)).standard_normal(shape, np.float32)
    return (mean + deviation * values).astype(np.float32)


def write_parts(directory: str, arrays: dict[str, np.ndarray], part_mb: float) -> None:
    """The arrays in files of at most about so many megabytes, each larger array
    cut into pieces of its flat values.
    """
    room, parts = int(part_mb * 1e6), [{}]
    left = room
    for key, array in arrays.items():
        flat, start = np.ascontiguousarray(array).reshape(-1), 0
        while start < flat.size:
            if left < flat.itemsize:
                parts.append({})
                left = room
            piece = flat[start : start + left // flat.itemsize]
            parts[-1][f"{key}@{start}"] = piece
            start, left = start + piece.size, left - piece.nbytes
    for number, part in enumerate(parts):
        np.savez(os.path.join(directory, _PART.format(number)), **part)


def read_parts(directory: str) -> dict[str, np.ndarray]:
    """The inverse of `write_parts`; arrays come flat."""
    pieces: dict[str, dict[int, np.ndarray]] = {}
    for path in sorted(
        glob.glob(os.path.join(glob.escape(directory), _PART.replace("{:02d}", "*")))
    ):
        with np.load(path) as part:
            for name in part.files:
                key, start = name.split("@")
                pieces.setdefault(key, {})[int(start)] = part[name]
    return {
        key: np.concatenate([of_key[start] for start in sorted(of_key)])
        for key, of_key in pieces.items()
    }
