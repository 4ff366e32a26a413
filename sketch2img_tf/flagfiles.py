"""Flagfiles, read as people write them.

absl reads them too, but in the locale's encoding, and looks for a file that another one includes in
the current folder alone. It also passes over without a word that a flag before a flagfile loses
against it, and that there is no comment at the end of a line.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from absl import flags

_PROJECT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def expand(arguments: list[str]) -> list[str]:
    """The arguments with the lines of each flagfile in its place.

    Raises:
      flags.Error: on the command line, or in one flagfile, a flag is given before a flagfile that
        sets it too, or beside another that says the same; or a flagfile cannot be read.
    """
    return _expanded(arguments, "", [])


def _expanded(arguments: list[str], where: str, including: list[str]) -> list[str]:
    """As `expand`, of the command line or of a flagfile.

    Args:
      arguments: its own.
      where: with what an error about them begins.
      including: the flagfiles that have led there, the outermost first.
    """
    own: list[str] = []
    expanded: list[str] = []
    waiting = list(arguments)
    while waiting:
        argument = waiting.pop(0)
        if argument == "--":
            expanded += [argument, *waiting]
            break
        if not _names_flagfile(argument):
            own.append(argument)
            expanded.append(argument)
            continue
        _, equals, path = argument.partition("=")
        path = path.strip() if equals else (waiting.pop(0) if waiting else "")
        lines = _lines(path, including)
        _check_order(where, own, path, lines)
        expanded += lines
    _check_alternatives(where, own)
    return expanded


def _check_order(where: str, before: list[str], path: str, lines: list[str]) -> None:
    earlier = _last(before)
    for name, line in _last(lines).items():
        if loses := earlier.get(name) or earlier.get(_emptied(line)):
            raise flags.Error(
                f"{where}{loses} stands before --flagfile={path}, which sets --{name} too and would"
                " win; give it after"
            )


def _check_alternatives(where: str, arguments: list[str]) -> None:
    last = _last(arguments)
    for argument in last.values():
        other = last.get(_emptied(argument), "")
        if _emptied(other):
            raise flags.Error(
                f"{where}{argument} and {other} say the same in two ways: give one of them"
            )


def _last(arguments: list[str]) -> dict[str, str]:
    """The argument that counts for each flag, by its name."""
    return {_flag(argument): argument for argument in arguments if argument.startswith("-")}


def _emptied(argument: str) -> str:
    """The alternative flag that this argument makes empty; "" if there is none."""
    name, value = _flag(argument), argument.partition("=")[2]
    flag = flags.FLAGS[name] if name in flags.FLAGS else None
    return flag.instead_of if getattr(flag, "instead_of", "") and not flag.is_empty(value) else ""


def _lines(path: str, including: list[str]) -> list[str]:
    """Of the file, those of the files it includes in their place, without comments.

    Args:
      path: as it is written on the command line or in a flagfile.
      including: the files that have led there, the outermost first.
    """
    if not path:
        raise flags.Error("--flagfile is given no file: --flagfile=configs/NAME.flags")
    found = _find(os.path.expanduser(path), including)
    if os.path.realpath(found) in map(os.path.realpath, including):
        raise flags.Error(
            f"--flagfile={path}: includes itself, by way of {' and '.join(including)}"
        )
    lines = _read(found, path)
    for line in lines:
        if " #" in line:
            raise flags.Error(
                f"--flagfile={path}: {line!r} has a comment; give comments lines of their own"
            )
    return _expanded(lines, f"--flagfile={path}: ", [*including, found])


def _read(found: str, path: str) -> list[str]:
    try:
        # Editors on Windows begin a file with a byte-order mark
        with open(found, encoding="utf-8-sig") as file:
            lines = [line.strip() for line in file]
    except OSError as error:
        raise flags.Error(f"--flagfile={path}: {error.strerror}: {error.filename!r}") from error
    except UnicodeDecodeError as error:
        raise flags.Error(
            f"--flagfile={path}: is no text ({error.reason} at byte {error.start})"
        ) from error
    return [line for line in lines if line and not line.startswith(("#", "//"))]


def _find(path: str, including: list[str]) -> str:
    """Where the file is.

    A path that is not absolute is looked for from the folder of the file that includes it, then
    from the folders above that, from the current folder, and from the project's:
    `--flagfile=configs/base.flags` works wherever a command is started. One that is nowhere is
    given back as it is.
    """
    above = (
        list(_with_those_above(os.path.dirname(os.path.abspath(including[-1]))))
        if including
        else []
    )
    places = [os.path.join(folder, path) for folder in (*above, os.curdir, _PROJECT)]
    return next((place for place in map(os.path.normpath, places) if os.path.exists(place)), path)


def _with_those_above(folder: str) -> Iterator[str]:
    yield folder
    if folder != os.path.dirname(folder):
        yield from _with_those_above(os.path.dirname(folder))


def _names_flagfile(argument: str) -> bool:
    return argument.startswith("-") and argument.lstrip("-").partition("=")[0].strip() == "flagfile"


def _flag(argument: str) -> str:
    """The flag's name: `dry_run` of `--nodry_run`."""
    name = argument.lstrip("-").partition("=")[0].strip()
    return (
        name[2:]
        if name.startswith("no") and name not in flags.FLAGS and name[2:] in flags.FLAGS
        else name
    )
