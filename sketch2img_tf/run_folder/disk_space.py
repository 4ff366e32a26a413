"""Checks before a run that there is room for its files, and tells if there is none later."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
from collections.abc import Iterable, Iterator

import tensorflow as tf

from sketch2img_tf.errors import UserError

_ELSE = 64 * 2**20  # bytes for summaries, samples and plots


def check(
    folder: str, variables: Iterable[tf.Variable], checkpoints: int, workdir: str = ""
) -> None:
    """Raises a UserError if the disk of `folder` has no room for so many checkpoints more.

    A checkpoint holds these variables. `workdir` is the folder that the message names: it may not
    exist yet, and `folder` is then its nearest parent.
    """
    needed = checkpoints * sum(v.shape.num_elements() * v.dtype.size for v in variables) + _ELSE
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise UserError(
            f"--workdir={workdir or folder}: {_megabytes(free)} free, {_megabytes(needed)} needed"
            f" for {checkpoints} checkpoints and summaries; make room, or lower --checkpoints_kept"
        )


@contextlib.contextmanager
def writing(workdir: str) -> Iterator[None]:
    """Turns an error of writing, if the disk is full, into a UserError of one line."""
    try:
        yield
    except (OSError, tf.errors.OpError) as error:
        if not _is_no_room(error):
            raise
        raise UserError(
            f"--workdir={workdir}: no room left on its disk"
            f" ({_megabytes(shutil.disk_usage(workdir).free)} free); make"
            " room, and the same command goes on from the last checkpoint"
        ) from error


def _is_no_room(error: Exception) -> bool:
    if isinstance(error, OSError):
        return error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    return any(
        os.strerror(number) in str(error) for number in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    )


def _megabytes(count: int) -> str:
    return f"{count / 2**20:,.0f} MB"
