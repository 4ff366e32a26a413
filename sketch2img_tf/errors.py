"""Errors that a user can correct, reported in one line."""

from __future__ import annotations

import sys
from typing import Callable

from absl import app, flags, logging

from sketch2img_tf import flagfiles
from sketch2img_tf.surroundings import standard_streams

flags.DEFINE_bool("traceback", False, "Show Python's traceback when a command ends with an error.")

_INTERRUPTED = 130  # the exit code that shells report for a program that Ctrl-C ended


class UserError(ValueError):
    """An error in the user's input: one line that says what is wrong, where, and what to do."""


def run(main: Callable[[], None]) -> None:
    """Parses the flags and runs `main`; a `UserError` becomes a line on stderr and exit code 1.

    A wrong flag ends with one line and exit code 2, as in other command-line programs; `--help`
    explains every flag. A command does not end if its output cannot be written: see
    `standard_streams`.
    """
    standard_streams.protect()
    logging.set_verbosity(logging.WARNING)  # hides the libraries' own reports
    _explain_by(main.__module__)
    app.run(lambda argv: _reporting(main, argv), flags_parser=_parse)


def require(*holders: flags.FlagHolder) -> None:
    """Raises a `UserError`, with the flag's help, for the first flag that has no value."""
    for holder in holders:
        if not holder.value:
            raise UserError(f"--{holder.name} is missing: {flags.FLAGS[holder.name].help}")


def _explain_by(module: str) -> None:
    """Makes `--help` show the text and the flags of `module`, not those of the started file."""
    sys.modules["__main__"].__doc__ = sys.modules[module].__doc__
    for flag in flags.FLAGS.get_flags_for_module(module):
        flags.FLAGS.register_key_flag_for_module(sys.argv[0], flag)


def _parse(argv: list[str]) -> list[str]:
    try:
        return flags.FLAGS([argv[0], *flagfiles.expand(argv[1:])])
    # A UserError; and, of absl, a value for a flag of the form --noNAME
    except (flags.Error, ValueError) as error:
        _end(f"{error} (see {argv[0]} --help)", 2)


def _reporting(main: Callable[[], None], argv: list[str]) -> None:
    if argv[1:]:
        _end(
            f"unexpected argument {argv[1]!r}: flags are written --name=value (see {argv[0]}"
            " --help)",
            2,
        )
    try:
        main()
        if problem := standard_streams.lost():
            raise UserError(f"standard output: {problem}: some of the output is lost")
    except UserError as error:
        if flags.FLAGS.traceback:
            raise
        _end(str(error), 1)
    except KeyboardInterrupt:
        if flags.FLAGS.traceback:
            raise
        _end("interrupted", _INTERRUPTED)


def _end(message: str, code: int) -> None:
    print(f"error: {' '.join(message.split())}", file=sys.stderr)
    sys.exit(code)
