"""The progress of a command: a bar on a terminal, occasional lines in a log."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator

from tqdm import tqdm

_SECONDS = 30  # between two lines of a log
_CONTROLS = re.compile(r"[\r\n]|\x1b\[A")  # tqdm moves the cursor with these


def bar(*arguments, **options) -> tqdm:
    """A `tqdm` on standard error.

    Without a terminal it prints a line after 2, 4, 8, ... updates and every 30 seconds; with
    `leave=False` only every 30 seconds.
    """
    if sys.stderr.isatty():
        return tqdm(*arguments, dynamic_ncols=True, **options)
    options.setdefault("delay", 0 if options.get("leave", True) else _SECONDS)
    return _Log(
        *arguments,
        file=_Lines(),
        miniters=1,
        mininterval=_SECONDS,
        bar_format="{l_bar} {n_fmt}/{total_fmt} [{elapsed}<{remaining}, {rate_fmt}{postfix}]",
        **options,
    )


class _Log(tqdm):
    def __iter__(self) -> Iterator:
        with self:
            for item in self.iterable:
                yield item
                self.update()

    def update(self, n: float = 1) -> bool | None:
        if self.disable:
            return None
        done = int(self.n - self.initial)
        doubled = done > 0 and (done + int(n)).bit_length() > done.bit_length()
        self.mininterval = 0 if doubled else _SECONDS
        return super().update(n)


class _Lines:
    """A file that prints each of tqdm's updates as a line."""

    def write(self, text: str) -> None:
        line = _CONTROLS.sub("", text).strip()
        if line:
            sys.stderr.write(line + "\n")

    def flush(self) -> None:
        sys.stderr.flush()

    def isatty(self) -> bool:
        """False."""
        return False
