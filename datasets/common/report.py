"""The faults of a release, by kind, with the names of the files."""

from __future__ import annotations

from collections.abc import Iterable

BAD_KINDS = (
    "unreadable_pictures",
    "photos_without_sketch",
    "sketches_without_photo",
    "duplicates",
    "classes_alike",
)
"""Faults that no part of the release should have."""

NOTED_KINDS = (
    "rows_without_file",
    "sketches_of_skipped_photos",
    "pictures_in_two_folders",
    "photos_alike_in_two_folders",
    "identical_pictures",
    "unknown_classes",
    "other_files",
)
"""Findings that do not stop a build, such as rows of a list whose files are not there."""

_NOTED_SHOWN = 3


class Report:
    """Collects names by kind, bad or noted; the data set's README.md explains each kind."""

    def __init__(
        self, bad_kinds: tuple[str, ...] = BAD_KINDS, noted_kinds: tuple[str, ...] = NOTED_KINDS
    ):
        self._bad_kinds = bad_kinds
        self._names = {kind: [] for kind in bad_kinds + noted_kinds}

    def add(self, kind: str, names: Iterable[str]) -> None:
        """Adds lines under `kind`: names of pictures or rows, with the reason where it helps."""
        self._names[kind].extend(names)

    def bad_count(self) -> int:
        return sum(len(self._names[kind]) for kind in self._bad_kinds)

    def to_dict(self) -> dict[str, list[str]]:
        """The sorted names of every kind."""
        return {kind: sorted(names) for kind, names in self._names.items()}

    def __str__(self) -> str:
        """A text for people: all bad names, and the first few noted names of each kind."""
        return "\n".join(
            line for kind, names in self.to_dict().items() for line in self._lines(kind, names)
        )

    def _lines(self, kind: str, names: list[str]) -> list[str]:
        shown = names if kind in self._bad_kinds else names[:_NOTED_SHOWN]
        more = [f"and {len(names) - len(shown)} more"] if len(shown) < len(names) else []
        return [f"{kind}: {len(names)}", *(f"  {line}" for line in shown + more)]
