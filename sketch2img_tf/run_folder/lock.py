"""A lock that allows one run per folder; it ends with the process that holds it."""

from __future__ import annotations

import datetime
import fcntl
import json
import os
import socket
import sys
from types import TracebackType

from sketch2img_tf.errors import UserError

_FILE = "run.lock"


def check_writable(workdir: str) -> str:
    """The folder, or its nearest existing parent. Creates and writes nothing.

    Raises:
      UserError: the folder cannot be created, or is not writable.
    """
    folder = os.path.abspath(workdir)
    while not os.path.lexists(folder):
        folder = os.path.dirname(folder)
    if not (os.path.isdir(folder) and os.access(folder, os.W_OK | os.X_OK)):
        raise UserError(
            f"--workdir={workdir}: cannot be written to, because of {folder}; give another"
        )
    return folder


class RunLock:
    """Holds the lock `workdir/run.lock`, and writes the process into it; creates the folder.

    The system releases the lock whenever the process ends, even if it is killed. Then the file
    stays, without effect.

    Raises:
      UserError: another process holds the lock, or the folder is not writable.
    """

    def __init__(self, workdir: str):
        try:
            os.makedirs(workdir, exist_ok=True)
            self._file = open(os.path.join(workdir, _FILE), "a+", encoding="utf-8")
        except OSError as error:
            raise UserError(
                f"--workdir={workdir}: cannot be written to ({error.strerror}: {error.filename});"
                " give another"
            ) from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserError(
                f"--workdir={workdir} is in use by {self._owner()}; wait for it, stop it, or give"
                " another --workdir"
            ) from None
        except OSError as error:  # some shared file systems have no locks
            print(
                f"{self._file.name}: no lock is possible here ({error.strerror}): start no second"
                " run in this folder",
                file=sys.stderr,
            )
        self._write_owner()

    def __enter__(self) -> RunLock:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    def _write_owner(self) -> None:
        since = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")
        self._file.truncate(0)
        json.dump(
            {"process": os.getpid(), "host": socket.gethostname(), "since": since}, self._file
        )
        self._file.flush()

    def _owner(self) -> str:
        self._file.seek(0)
        try:
            owner = json.load(self._file)
            return f"process {owner['process']} on {owner['host']} since {owner['since']}"
        except (ValueError, KeyError):  # the other process has not written it yet
            return "another process"
