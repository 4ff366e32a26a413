"""The files of a packed folder, for packing and running: needs neither TensorFlow nor JAX.

`run.json` tells by keys of `state.npz` what the parameters and results of `step.hlo` are;
`batch.hlo` makes a batch from `pictures.npz`; `draw.hlo`, if there is one, draws a sheet. A run
gives `done.json`, `scalars.jsonl`, the sheets of `sheets.npz`, its averaged generator in parts,
from `generator_00.npz` on, and its state, from `state_00.npz` on.
"""

from __future__ import annotations

import glob
import io
import os

import numpy as np

try:
    from PIL import Image
except ModuleNotFoundError:
    Image = None  # only JPEG files need it

RUN = "run.json"
STEP = "step.hlo"
BATCH = "batch.hlo"
DRAW = "draw.hlo"
STATE = "state.npz"
PICTURES = "pictures.npz"
SHEETS = "sheets.npz"
DONE = "done.json"
SCALARS = "scalars.jsonl"
GENERATOR, STATE_PARTS = "generator", "state"  # names of the results that have several parts
_PART = "{}_{:02d}.npz"


def drawn(shape: list[int], seed: list[int], mean: float, deviation: float) -> np.ndarray:
    """N(mean, deviation), float32: the same on every machine."""
    values = np.random.Generator(np.random.PCG64(seed)).standard_normal(shape, np.float32)
    return (mean + deviation * values).astype(np.float32)


def rounded(array: np.ndarray) -> np.ndarray:
    """A kernel in float16, if its values fit; arrays of one axis, such as means, as they are."""
    if array.ndim < 2 or array.dtype != np.float32:
        return array
    with np.errstate(over="ignore"):
        half = array.astype(np.float16)
    return half if np.isfinite(half).all() else array


def as_jpeg(photos: np.ndarray, quality: int) -> dict[str, np.ndarray]:
    """JPEG files of pixels, uint8 [P, S, S, 3], in one array; the inverse of `read_pictures`."""
    files = []
    for photo in photos:
        encoded = io.BytesIO()
        Image.fromarray(photo).save(encoded, "JPEG", quality=quality)
        files.append(np.frombuffer(encoded.getvalue(), np.uint8))
    return {
        "jpegs": np.concatenate(files),
        "jpeg_ends": np.cumsum(list(map(len, files)), dtype=np.int64),
    }


def read_pictures(path: str) -> dict[str, np.ndarray]:
    """The arrays of `pictures.npz` by name; JPEG files become photos, uint8 [P, S, S, 3]."""
    with np.load(path) as file:
        arrays = {name: file[name] for name in file.files}
    if "jpegs" in arrays:
        files = np.split(arrays.pop("jpegs"), arrays.pop("jpeg_ends")[:-1])
        arrays["photos"] = np.stack(
            [np.asarray(Image.open(io.BytesIO(each.tobytes()))) for each in files]
        )
    return arrays


def write_parts(directory: str, name: str, arrays: dict[str, np.ndarray], part_mb: float) -> None:
    """Writes the arrays into files of about `part_mb` megabytes; cuts larger arrays into pieces.

    A piece has flat values. It replaces files of the same name, each at once.
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
        write(os.path.join(directory, _PART.format(name, number)), part)


def write(path: str, arrays: dict[str, np.ndarray]) -> None:
    """One file, whole or not at all."""
    np.savez(f"{path}.tmp.npz", **arrays)
    os.replace(f"{path}.tmp.npz", path)


def read_parts(directory: str, name: str) -> dict[str, np.ndarray]:
    """The inverse of `write_parts`; the arrays are flat."""
    pieces: dict[str, dict[int, np.ndarray]] = {}
    for path in sorted(glob.glob(os.path.join(glob.escape(directory), f"{name}_[0-9]*[0-9].npz"))):
        with np.load(path) as part:
            for piece in part.files:
                key, start = piece.split("@")
                pieces.setdefault(key, {})[int(start)] = part[piece]
    return {
        key: np.concatenate([of_key[start] for start in sorted(of_key)])
        for key, of_key in pieces.items()
    }
