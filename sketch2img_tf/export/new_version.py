"""A folder that gets its name when it is complete, so that nobody loads half of it."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import uuid
from collections.abc import Iterator

import tensorflow as tf

from sketch2img_tf.errors import UserError

_UNFINISHED = "unfinished-"  # TensorFlow Serving ignores names that are not numbers


@contextlib.contextmanager
def new_version(export_dir: str, name: str) -> Iterator[str]:
    """A new folder to write into, which is called `export_dir/name` at the end.

    Removes what killed exports left.

    Raises:
      UserError: the folder exists already, or it cannot be written.
    """
    final = os.path.join(export_dir, name)
    temporary = os.path.join(export_dir, f"{_UNFINISHED}{name}-{uuid.uuid4().hex[:8]}")
    if os.path.exists(final):
        raise UserError(f"{final} exists: delete it, or give another --export_dir")
    try:
        os.makedirs(temporary)
        with _locked(temporary):
            _remove_leftovers(export_dir)
            yield temporary
            os.rename(temporary, final)
    except (OSError, tf.errors.OpError) as error:
        shutil.rmtree(temporary, ignore_errors=True)
        raise UserError(
            f"--export_dir={export_dir}: cannot be written ({_first_line(error)})"
        ) from error


@contextlib.contextmanager
def _locked(folder: str) -> Iterator[None]:
    """Holds a lock that ends with this process, however it ends."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(handle)


def _remove_leftovers(export_dir: str) -> None:
    for name in os.listdir(export_dir):
        folder = os.path.join(export_dir, name)
        if name.startswith(_UNFINISHED):
            # Another export may be writing into it
            with contextlib.suppress(OSError), _locked(folder):
                shutil.rmtree(folder)


def _first_line(error: Exception) -> str:
    return (getattr(error, "strerror", None) or str(error)).splitlines()[0]
