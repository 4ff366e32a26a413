"""Names of files and folders as text."""

from __future__ import annotations

import os
import unicodedata


def as_text(name: str) -> str:
    r"""A name or path as Python has it, as text that every screen, page and record can hold.

    Accents are part of their letters (Unicode's NFC), as people type them and macOS does not write
    them. Bytes that are no UTF-8, which Python has as lone surrogates, are spelt `\xe9`.
    """
    return unicodedata.normalize("NFC", os.fsencode(name).decode("utf-8", "backslashreplace"))
