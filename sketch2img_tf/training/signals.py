"""Signals that stop a run."""

from __future__ import annotations

import os
import signal
import threading

_INTERRUPTED = 130  # the exit code that shells report for a program that SIGINT ended


class Stop:
    """Notes SIGINT, SIGTERM and SIGHUP, so that the step in progress can finish.

    A second SIGINT ends the program at once. SIGHUP, which is sent when the terminal closes, stays
    ignored if it was ignored before, as under `nohup`.

    Python runs signal handlers only between two of its bytecode instructions, and a whole step is
    one instruction. So a thread watches for the second SIGINT: it reads the signals' numbers from a
    pipe. Outside the main thread Python allows no handlers, and signals act as before.
    """

    def __enter__(self) -> Stop:
        self.asked = False
        self._before = {}
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._note) for number in _requests()}
            self._numbers, written = os.pipe()
            os.set_blocking(written, False)
            self._written = written
            self._wakeup_before = signal.set_wakeup_fd(written, warn_on_full_buffer=False)
            threading.Thread(target=self._watch, daemon=True).start()
        return self

    def __exit__(self, *exception) -> None:
        if self._before:
            signal.set_wakeup_fd(self._wakeup_before)
            for number, handler in self._before.items():
                signal.signal(number, handler)
            os.close(self._written)  # ends the thread

    def _note(self, number, frame) -> None:
        self.asked = True

    def _watch(self) -> None:
        interrupts = 0
        with open(self._numbers, "rb", buffering=0) as numbers:
            while number := numbers.read(1):
                interrupts += number[0] == signal.SIGINT
                if interrupts == 2:
                    os.write(2, b"\nended at once; the last checkpoint stands\n")
                    os._exit(_INTERRUPTED)


def _requests() -> list[signal.Signals]:
    hangs_up = signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN
    return [signal.SIGINT, signal.SIGTERM, *([signal.SIGHUP] if hangs_up else [])]
