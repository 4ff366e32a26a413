"""Paths that TensorFlow would read as glob patterns: checkpoints' names with `*`, `?`, `[...]`."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

from sketch2img_tf.errors import UserError

_OPEN_FILES = "/proc/self/fd"  # Linux: a folder with a link to each open file of this process
_SPECIAL = frozenset("*?[]\\")


def is_pattern(path: str) -> bool:
    """Whether TensorFlow would read this path as a pattern."""
    return not _SPECIAL.isdisjoint(path)


@contextlib.contextmanager
def plain(path: str) -> Iterator[str]:
    """A path to the same folder or file without pattern characters; unchanged if it has none.

    Raises:
      UserError: this system offers no such path.
    """
    if not is_pattern(path):
        yield path
        return
    folder, name = (path, "") if os.path.isdir(path) else os.path.split(path)
    descriptor = os.open(folder or os.curdir, os.O_RDONLY)
    try:
        link = os.path.join(_OPEN_FILES, str(descriptor))
        if not os.path.isdir(link):
            raise UserError(
                f"{path}: TensorFlow takes * ? [ ] and \\ in a name for a pattern; give a folder"
                " without them"
            )
        yield os.path.join(link, name) if name else link
    finally:
        os.close(descriptor)
