"""Flags that hold the path of a file or folder."""

from __future__ import annotations

import os

from absl import flags

# So that `--help` shows a flag that is defined through this module among its definer's
flags.disclaim_key_flags()


class PathParser(flags.ArgumentParser):
    """A path, in which `~` is the user's home folder.

    Shells do not always expand `~`: bash does not in `--workdir=~/run`, and flagfiles never do.

    Args:
      any_bytes: whether to accept names that are not UTF-8. TensorFlow needs UTF-8, Python does
        not.
    """

    syntactic_help = "a path; ~ is your home folder"

    def __init__(self, any_bytes: bool = False):
        super().__init__()
        self._any_bytes = any_bytes

    def parse(self, argument: str) -> str:
        """Raises a ValueError if `~NAME` is no user, or TensorFlow cannot open the name."""
        path = os.path.expanduser(argument)
        if path.startswith("~") and not os.path.lexists(path):
            user = path.split(os.sep)[0]
            raise ValueError(
                f"there is no user {user[1:]}; if {user} is a file's name, write ./{path}"
            )
        if not self._any_bytes and os.fsencode(path) != path.encode("utf-8", "surrogatepass"):
            raise ValueError(
                "TensorFlow opens only names in UTF-8; give another, or start with PYTHONUTF8=1"
            )
        return path


class PathListParser(flags.ListParser):
    """Paths for `PathParser`, separated by commas; a path with a comma must be in double quotes."""

    syntactic_help = "paths separated by commas; ~ is your home folder"

    def parse(self, argument: str | list[str]) -> list[str]:
        """Raises a ValueError where `PathParser` does."""
        return [PathParser().parse(item) for item in super().parse(argument)]


def define_list(name: str, default: list[str], help: str) -> flags.FlagHolder:
    """Defines a flag that holds paths; see `PathListParser`."""
    return flags.DEFINE(
        PathListParser(), name, default, help, serializer=flags.CsvListSerializer(",")
    )


def define(
    name: str, default: str | None, help: str, *, any_bytes: bool = False
) -> flags.FlagHolder:
    """Defines a flag that holds a path; see `PathParser`."""
    return flags.DEFINE(
        PathParser(any_bytes), name, default, help, serializer=flags.ArgumentSerializer()
    )
