"""Declares options: a field of a group becomes a flag of the same name."""

from __future__ import annotations

import dataclasses

AUGMENTATIONS = ("colour", "translation", "cutout")
"""The kinds of differentiable augmentation; several groups have them as choices."""


def option(default, help, *, choices=(), lower=None, upper=None, path=False, instead_of=""):
    """A field that becomes a flag.

    `choices` of a list apply to each item. `path` says that it names a file or folder. `instead_of`
    names an alternative field, which names this one too: one of the two is always empty, and giving
    one flag empties the other.
    """
    metadata = dict(
        help=help, choices=choices, lower=lower, upper=upper, path=path, instead_of=instead_of
    )
    return dataclasses.field(default=default, metadata=metadata)
