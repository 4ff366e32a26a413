"""The networks of a checkpoint in one small NumPy file, for a model that ships.

The card, `card.json`, is in the same folder. Where only the networks are needed, the two files can
take the place of a checkpoint.
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
import zipfile
from collections.abc import Iterator

import numpy as np
import tensorflow as tf

from sketch2img_tf.errors import UserError
from sketch2img_tf.surroundings.plain_paths import plain

WEIGHTS_FILE = "weights.npz"
CARD_FILE = "card.json"

# Names of values in a checkpoint.
CARD = "card/.ATTRIBUTES/py_state"
STEP = "state/step/.ATTRIBUTES/VARIABLE_VALUE"
_GENERATOR, _AVERAGED = "state/generator/", "state/averaged_generator/"
_PACKED = (_AVERAGED, "state/discriminator/", "state/critic/")
_SLOT = ".OPTIMIZER_SLOT"
_COUNTER = "save_counter/.ATTRIBUTES/VARIABLE_VALUE"  # every restore needs it
_STRUCTURE = "_CHECKPOINTABLE_OBJECT_GRAPH"  # TensorFlow finds an object's values by it


def pack(checkpoint: str, folder: str) -> None:
    """Writes a checkpoint's averaged generator, discriminator and critic's heads into `folder`.

    Kernels are rounded to float16, except those with values outside its range. Arrays of one axis,
    such as means and variances, are not rounded.
    """
    with plain(checkpoint) as prefix:
        reader = tf.train.load_checkpoint(prefix)
        names = [
            name
            for name in reader.get_variable_to_shape_map()
            if name.startswith(_PACKED) and _SLOT not in name
        ]
        values = {name: _rounded(reader.get_tensor(name)) for name in sorted(names)}
        structure = np.frombuffer(reader.get_tensor(_STRUCTURE), np.uint8)
    np.savez_compressed(os.path.join(folder, WEIGHTS_FILE), **values, **{_STRUCTURE: structure})


def _rounded(values: np.ndarray) -> np.ndarray:
    if values.ndim < 2 or values.dtype != np.float32:
        return values
    with np.errstate(over="ignore"):
        half = values.astype(np.float16)
    return half if np.isfinite(half).all() else values


def are_in(folder: str) -> bool:
    """Whether the folder holds packed weights."""
    return os.path.isfile(os.path.join(folder, WEIGHTS_FILE))


@contextlib.contextmanager
def as_checkpoint(folder: str) -> Iterator[str]:
    """A temporary checkpoint in float32, within the context; its generator is the averaged one.

    Raises:
      UserError: a file is missing or damaged.
    """
    with tempfile.TemporaryDirectory(prefix="sketch2img-") as temporary:
        values = {name: tf.constant(array) for name, array in _read(folder).items()}
        prefix = os.path.join(temporary, "ckpt")
        tf.raw_ops.SaveV2(
            prefix=prefix,
            tensor_names=list(values),
            shape_and_slices=[""] * len(values),
            tensors=list(values.values()),
        )
        yield prefix


def _read(folder: str) -> dict[str, np.ndarray | bytes]:
    """The checkpoint's values, by their names in it."""
    path = os.path.join(folder, CARD_FILE)
    try:
        with open(path, encoding="utf-8") as file:
            card = file.read()
        step = np.int64(json.loads(card)["step"])
        path = os.path.join(folder, WEIGHTS_FILE)
        with np.load(path) as file:
            packed = {name: file[name] for name in file.files}
        structure = packed.pop(_STRUCTURE).tobytes()
    except (OSError, EOFError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
        raise UserError(f"{path}: missing or damaged ({error}): get the folder again") from None
    halves = [name for name, array in packed.items() if array.dtype == np.float16]
    packed |= {name: packed[name].astype(np.float32) for name in halves}
    averaged = [name for name in packed if name.startswith(_AVERAGED)]
    generator = {_GENERATOR + name[len(_AVERAGED) :]: packed[name] for name in averaged}
    more = {_STRUCTURE: structure, _COUNTER: np.int64(1), CARD: card.encode(), STEP: step}
    return {**packed, **generator, **more}
