"""Do two files show the same photograph? Told by its look, whatever its name, size, quality and brightness.

A look is the signs of the lowest frequencies of a photo's brightness: a perceptual hash (Zauner, "Implementation and
Benchmarking of Perceptual Image Hash Functions", 2010, section 3.2.1). Differs from it: 256 signs, in place of 64
comparisons with their median. Copies of one photo at half the side and less differ in a few of them, photos of two
things in some 128 and hardly ever in less than 50; mirrored or cut by more than a few hundredths, a photo is another.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image
from scipy import fft

MOST_DIFFERENT = 32
"""Bits, of 256, in which two looks of one photo may differ."""

_SIDE = 32  # pixels that are left of the photo
_FREQUENCIES = 16  # the lowest in each direction
_AT_ONCE = 256  # looks that are compared with all others in one go, which bounds the memory


def look(photo: Image.Image) -> bytes:
    """256 bits, of a whole photo of any size and mode."""
    small = photo.convert("L").resize((_SIDE, _SIDE), Image.Resampling.BOX)
    frequencies = fft.dctn(np.asarray(small, np.float32))[:_FREQUENCIES, :_FREQUENCIES]
    return np.packbits(frequencies > 0).tobytes()


def first_alike(looks: Sequence[bytes], others: Sequence[bytes]) -> list[int]:
    """For each of `looks` the position of the first of `others` that is of the same photo; -1 if none is."""
    if not looks or not others:
        return [-1] * len(looks)
    signs, others_signs = _signs(looks), _signs(others)
    found = []
    for start in range(0, len(signs), _AT_ONCE):
        # A product of signs is the number of bits that agree less that of those that differ.
        differing = (signs.shape[1] - signs[start : start + _AT_ONCE] @ others_signs.T) / 2
        alike = differing <= MOST_DIFFERENT
        found.extend(np.where(alike.any(1), alike.argmax(1), -1).tolist())
    return found


def _signs(looks: Sequence[bytes]) -> np.ndarray:
    """1 and -1, float32 [N, 256]."""
    bits = np.unpackbits(np.frombuffer(b"".join(looks), np.uint8)).reshape(len(looks), -1)
    return bits.astype(np.float32) * 2 - 1
