"""Paths that TensorFlow takes for patterns: it looks for checkpoints by `*`, `?` and `[...]`, as a shell does."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

from sketch2img_tf.errors import UserError

_OPEN_FILES = "/proc/self/fd"  # Linux: a folder with a link to each open file of this process
_SPECIAL = frozenset("*?[]\\")


def is_pattern(path: str) -> bool:
    """Whether TensorFlow would look for other names than this one."""
    return not _SPECIAL.isdisjoint(path)


@contextlib.contextmanager
def plain(path: str) -> Iterator[str]:
    """Another name for a folder, or for what lies in one under a plain name, that is no pattern; itself if it is none.

    Raises:
      UserError: this system has no such names.
    """
    if not is_pattern(path):
        yield path
        return
    folder, name = (path, "") if os.path.isdir(path) else os.path.split(path)
    descriptor = os.open(folder or os.curdir, os.O_RDONLY)
    try:
        link = os.path.join(_OPEN_FILES, str(descriptor))
        if not os.path.isdir(link):
            raise UserError(f"{path}: TensorFlow takes * ? [ ] and \\ in a name for a pattern; give a folder without")
        yield os.path.join(link, name) if name else link
    finally:
        os.close(descriptor)
