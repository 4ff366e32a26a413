"""What goes wrong with --flagfile without a word: absl lets the later value win, and takes a line as it stands."""

from __future__ import annotations

from absl import flags


def check(arguments: list[str]) -> None:
    """Raises a flags.Error where a flag is given before a flagfile that sets it too, or a flagfile cannot be read."""
    given: dict[str, str] = {}
    arguments = list(arguments)
    while arguments:
        argument = arguments.pop(0)
        name, equals, value = argument.lstrip("-").partition("=")
        if name == "flagfile" and argument.startswith("-"):
            path = value if equals else (arguments.pop(0) if arguments else "")
            _check_file(path, given)
        elif argument.startswith("-"):
            given[_flag(name)] = argument
    for name, argument in given.items():
        if (other := _alternative(name)) in given:
            raise flags.Error(f"{argument} and {given[other]} say the same in two ways: give one of them")


def _check_file(path: str, given: dict[str, str]) -> None:
    if not path:
        raise flags.Error("--flagfile is given no file: --flagfile=configs/NAME.flags")
    for line in _lines(path):
        if " #" in line:
            raise flags.Error(f"--flagfile={path}: {line!r} has a comment; give comments lines of their own")
        name = _flag(line.lstrip("-").partition("=")[0].strip())
        if before := given.get(name) or given.get(_alternative(name)):
            raise flags.Error(
                f"{before} stands before --flagfile={path}, which sets --{name} too and would win; give it after"
            )


def _alternative(name: str) -> str:
    """The flag that says the same in other terms; "" if there is none."""
    return getattr(flags.FLAGS[name], "instead_of", "") if name in flags.FLAGS else ""


def _lines(path: str) -> list[str]:
    """Those of the files it includes in their place, without comments."""
    try:
        return flags.FLAGS.read_flags_from_files([f"--flagfile={path}"])
    except UnicodeDecodeError as error:
        raise flags.Error(f"--flagfile={path}: is no text ({error.reason} at byte {error.start})") from error


def _flag(name: str) -> str:
    """`dry_run` of `nodry_run`."""
    return name[2:] if name.startswith("no") and name not in flags.FLAGS and name[2:] in flags.FLAGS else name
