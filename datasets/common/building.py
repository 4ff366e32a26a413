"""What both build commands use: a lock, a build that is whole or not there, and a summary."""

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
    """Makes `folder` by `build`, unless it is there; no other process builds the data set then.

    Args:
      data_dir: the folder of all data sets.
      folder: `data_dir/name/version` or `data_dir/name/config/version`.
      build: if it fails, it must not leave `folder`.

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
    """The absolute path; `~` stands for the user's home."""
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
    """`train`, `test` (examples), `classes`, `skipped` (by kind), `sources` and the statistics."""
    return {
        **{split: _total(metadata["examples"][split]) for split in ("train", "test")},
        "classes": len(metadata["class_names"]),
        "skipped": {kind: len(names) for kind, names in metadata["skipped"].items()},
        "sources": metadata.get("sources", []),  # older versions did not write them
        **{
            key: metadata[key]
            for key in ("photo_mean", "photo_scale", "sketch_mean", "sketch_scale")
        },
    }


@contextlib.contextmanager
def _lock(folder: pathlib.Path) -> Iterator[None]:
    """Makes `folder` and holds its lock; waits for other processes.

    The system releases the lock when the process ends, however it ends.
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
    """Removes the files of a killed build: TFDS gives its folder the final name at the end only."""
    for left in folder.glob("*incomplete*"):
        shutil.rmtree(left)


def _total(examples: dict[str, dict[str, int]]) -> int:
    return sum(sum(counts.values()) for counts in examples.values())
