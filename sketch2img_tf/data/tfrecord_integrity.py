"""Checks that the TFRecord files of built data are complete and not damaged.

A TFRecord file has a checksum per record but none for the file: a file that was cut between two
records reads without an error. So at the start we compare the files' sizes with those that TFDS
noted when it wrote them, which takes no time. If a checksum fails later, we search all files, so
that the message can name the damaged one.
"""

from __future__ import annotations

import contextlib
import os
import struct
from collections.abc import Iterator

import tensorflow as tf
import tensorflow_datasets as tfds

from sketch2img_tf.errors import UserError

_FRAME = 16  # bytes of a record's length and of its two checksums
_CURE = "delete {} and build it again"


def open_builder(directory: str) -> tfds.core.DatasetBuilder:
    """The builder of the data that TFDS built in `directory`.

    Raises:
      UserError: the installed TFDS cannot read the data's description.
    """
    try:
        return tfds.builder_from_directory(directory)
    except Exception as error:  # of a dozen types: protobuf's, OSError, ValueError
        raise UserError(
            f"{directory}: TFDS {tfds.__version__} cannot read its description"
            f" ({str(error).splitlines()[0]}); a newer TFDS may have built it, or it is damaged:"
            f" {_CURE.format('it')}"
        ) from error


def check(directory: str) -> None:
    """Raises a UserError that names the first file that is missing or has another length."""
    for split in open_builder(directory).info.splits.values():
        paths = [str(path) for path in split.filepaths]
        for path in paths:
            if not os.path.isfile(path):
                raise _damaged(directory, path, "is missing")
        if sum(map(os.path.getsize, paths)) != split.num_bytes + _FRAME * split.num_examples:
            for path, expected in zip(paths, split.shard_lengths):
                _check_length(directory, path, expected)
            raise _damaged(
                directory,
                f"{directory}/*{split.name}*",
                f"do not have the {split.num_bytes} bytes that were written",
            )


@contextlib.contextmanager
def naming_damage(directory: str) -> Iterator[None]:
    """Turns TensorFlow's error about a wrong checksum into a UserError that names the file."""
    try:
        yield
    except tf.errors.DataLossError as error:
        for split in open_builder(directory).info.splits.values():
            for path in map(str, split.filepaths):
                _check_records(directory, path)
        raise UserError(
            f"{directory}: {str(error).splitlines()[0]}; {_CURE.format('it')}"
        ) from error


def _check_length(directory: str, path: str, expected: int) -> None:
    """Counts a file's records by their lengths, without reading their content."""
    found, size = 0, os.path.getsize(path)
    with open(path, "rb") as file:
        while file.tell() < size:
            header = file.read(8)
            end = (
                file.tell() + struct.unpack("<Q", header)[0] + _FRAME - 8
                if len(header) == 8
                else size + 1
            )
            if end > size:
                raise _damaged(directory, path, f"ends within record {found + 1} of {expected}")
            file.seek(end)
            found += 1
    if found != expected:
        raise _damaged(directory, path, f"has {found} records of {expected}")


def _check_records(directory: str, path: str) -> None:
    whole = 0
    try:
        for _ in tf.data.TFRecordDataset(path):
            whole += 1
    except tf.errors.DataLossError:
        raise _damaged(directory, path, f"is damaged in record {whole + 1}") from None


def _damaged(directory: str, path: str, problem: str) -> UserError:
    return UserError(f"{path} {problem}: {_CURE.format(directory)}")
