"""How an option is written: a field of a group, which becomes a flag of the same name."""

from __future__ import annotations

import dataclasses

AUGMENTATIONS = ("colour", "translation", "cutout")
"""The kinds of differentiable augmentation, of which several groups choose."""


def option(default, help, *, choices=(), lower=None, upper=None, path=False, instead_of=""):
    """A field that becomes a flag; a list's `choices` bound each of its items; `path`: it names a file or folder.

    `instead_of` names another field that says the same in other terms, and this one to it: of both
    one is empty, and a flag that is given empties the other.
    """
    metadata = dict(help=help, choices=choices, lower=lower, upper=upper, path=path, instead_of=instead_of)
    return dataclasses.field(default=default, metadata=metadata)
