"""Names of files and folders: as text, visible ones in a folder, and names of pictures."""

from __future__ import annotations

import os
import unicodedata

_SHOWN = 10
_LEFT_BY_SYSTEMS = ("thumbs.db", "desktop.ini")
_PICTURES = (
    *(".apng", ".avif", ".bmp", ".dib", ".gif", ".heic", ".heif", ".ico", ".jfif", ".jp2", ".jpe"),
    *(".jpeg", ".jpg", ".jxl", ".mpo", ".pbm", ".pgm", ".png", ".pnm", ".ppm", ".psd", ".tga"),
    *(".tif", ".tiff", ".webp", ".xcf"),
    *(".ai", ".eps", ".pdf", ".ps", ".svg", ".svgz"),  # of lines
    *(".arw", ".cr2", ".cr3", ".dng", ".nef", ".orf", ".raf", ".rw2"),  # of cameras
)


def as_text(name: str) -> str:
    r"""A name or path of Python's as text that every screen, page and record can hold.

    Accents are parts of their letters (Unicode's NFC), as people type them; macOS splits them.
    Bytes that are not UTF-8, which Python keeps as lone surrogates, are written as `\xe9`.
    """
    return unicodedata.normalize("NFC", os.fsencode(name).decode("utf-8", "backslashreplace"))


def visible(folder: str) -> list[str]:
    """The names in a folder, sorted, without hidden ones and without leftovers of file browsers."""
    names = (name for name in os.listdir(folder) if not name.startswith("."))
    return sorted(name for name in names if name.lower() not in _LEFT_BY_SYSTEMS)


def some(names: list[str]) -> str:
    """The first few names, and how many more there are."""
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def is_picture(name: str) -> bool:
    """Whether a name has the ending of a picture file, of any kind that people have."""
    return name.lower().endswith(_PICTURES)
