"""Keeps commands running when their output fails: a closed pipe or terminal, a full disk.

Printed lines are only a report. They may get lost; but this must not end the work that they report,
and must not keep its results from being saved.
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import sys
from collections.abc import Iterator


class _Lossy(io.FileIO):
    """A descriptor that accepts everything that is written, and keeps the system's first error."""

    error: OSError | None = None

    def write(self, data) -> int:
        try:
            # None: another program set the descriptor to non-blocking, and it would block
            return super().write(data) or len(data)
        except OSError as error:
            self.error = self.error or error
            return len(data)


def open_missing() -> None:
    """Opens those of the descriptors 0 to 2 that are closed, as /dev/null.

    Otherwise the next opened file would get one of these numbers, and C++ code would print into it.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest number that is free


def protect() -> None:
    """Keeps `print` and progress bars from raising errors when their output is closed.

    Characters that the locale cannot encode are printed as Python's escapes. A stream that a
    notebook or a test has put in place of a standard one is left alone.
    """
    for number, name in ((1, "stdout"), (2, "stderr")):
        stream = getattr(sys, name)
        if stream is None:  # it was closed when the program started
            setattr(sys, name, _stream(number, "utf-8", line_buffering=True, write_through=False))
        elif stream is getattr(sys, f"__{name}__"):
            setattr(
                sys,
                name,
                _stream(number, stream.encoding, stream.line_buffering, stream.write_through),
            )


@contextlib.contextmanager
def silenced_stderr() -> Iterator[None]:
    """Discards within the context what C++ code writes directly to descriptor 2."""
    try:
        stderr = os.dup(2)
    except OSError:  # there is none to keep clean
        yield
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)
        os.close(nowhere)


def lost() -> str | None:
    """Why some printed output was lost; None if none was, or the pipe or terminal is closed."""
    raw = getattr(getattr(sys.stdout, "buffer", None), "raw", None)
    if not isinstance(raw, _Lossy):
        return None
    sys.stdout.flush()
    return (
        None
        if raw.error is None or raw.error.errno in (errno.EPIPE, errno.EIO)
        else raw.error.strerror
    )


def _stream(
    number: int, encoding: str, line_buffering: bool, write_through: bool
) -> io.TextIOWrapper:
    buffer = io.BufferedWriter(_Lossy(number, "w", closefd=False))
    return io.TextIOWrapper(
        buffer,
        encoding,
        "backslashreplace",
        line_buffering=line_buffering,
        write_through=write_through,
    )
