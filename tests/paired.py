"""Going through several lists side by side."""

from __future__ import annotations

from collections.abc import Iterable, Iterator


def paired(*columns: Iterable) -> Iterator[tuple]:
    """As `zip`, of columns of one length that are not empty, so
    that a loop over them cannot end early.
    """
    columns = [list(column) for column in columns]
    lengths = {len(column) for column in columns}
    assert len(lengths) == 1 and lengths != {0}, f"columns of {sorted(lengths)} values"
    return zip(*columns)
