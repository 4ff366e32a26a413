"""Looking on while a function is called."""

from __future__ import annotations

import functools


def spied(monkeypatch, owner, name: str) -> list:
    """Pairs of positional arguments and result of every later call of `owner.name`."""
    calls, function = [], getattr(owner, name)

    @functools.wraps(function)
    def spy(*args, **kwargs):
        result = function(*args, **kwargs)
        calls.append((args, result))
        return result

    monkeypatch.setattr(owner, name, spy)
    return calls
