"""Shared by the build commands: a lock, all-or-nothing builds, and the summary at the end."""

from __future__ import annotations

import contextlib
import fcntl
import json
import pathlib
import shutil
import sys
from collections.abc import Iterator, Sequence
from typing import Callable

import tensorflow as tf

from sketch2img_tf.errors import UserError


def alone(data_dir: pathlib.Path, folder: pathlib.Path, build: Callable[[], None]) -> None:
    """Calls `build`, which makes `folder`, if it is missing, while no other process builds the data
    set.

    Args:
      data_dir: the folder of all data sets.
      folder: `data_dir/name/version` or `data_dir/name/config/version`.
      build: must not leave a folder of this name if it fails.

    Raises:
      UserError: the records cannot be written.
    """
    try:
        with _lock(data_dir / folder.relative_to(data_dir).parts[0]):
            if not folder.is_dir():  # Another process may have built it meanwhile.
                _clear_interrupted(folder.parent)
                build()
    except (OSError, tf.errors.OpError) as error:
        raise UserError(f"--data_dir={data_dir}: {error}") from error


def resolved(folder: str) -> pathlib.Path:
    """The absolute path, `~` being the user's home."""
    return pathlib.Path(folder).expanduser().resolve()


def read_metadata(folder: pathlib.Path) -> dict:
    """The metadata that the builder wrote beside the records in `folder`."""
    return json.loads((folder / "metadata.json").read_text())


def check_folders(folder: pathlib.Path, built_from: str, flag: str, given: Sequence[str]) -> None:
    """Raises a UserError if folders are given and the records were built from other folders."""
    wanted = ",".join(dict.fromkeys(str(resolved(each)) for each in given))
    if wanted and wanted != built_from:
        raise UserError(
            f"{folder} was built from {built_from}, not from --{flag}={wanted}: give another"
            " --data_dir, or delete that folder"
        )


def summary(metadata: dict) -> dict:
    """`train` and `test` (examples), `classes`, `skipped` (counts by kind),
    `sources`, and the four statistics.
    """
    return {
        **{split: _total(metadata["examples"][split]) for split in ("train", "test")},
        "classes": len(metadata["class_names"]),
        "skipped": {kind: len(names) for kind, names in metadata["skipped"].items()},
        "sources": metadata.get("sources", []),  # records of older versions do not say
        **{
            key: metadata[key]
            for key in ("photo_mean", "photo_scale", "sketch_mean", "sketch_scale")
        },
    }


@contextlib.contextmanager
def _lock(folder: pathlib.Path) -> Iterator[None]:
    """Makes `folder` and holds its lock; waits for other processes.

    The system releases the lock when the process ends.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"waiting for the build that is running in {folder}", file=sys.stderr)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _clear_interrupted(folder: pathlib.Path) -> None:
    """Removes files of a killed build; TFDS renames its folder only when it is complete."""
    for left in folder.glob("*incomplete*"):
        shutil.rmtree(left)


def _total(examples: dict[str, dict[str, int]]) -> int:
    return sum(sum(counts.values()) for counts in examples.values())
