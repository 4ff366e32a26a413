"""Finds copies of a photo by a perceptual hash, its "look", at any name, size and brightness.

A look is the signs of the lowest frequencies of a photo's brightness: a perceptual hash (Zauner,
"Implementation and Benchmarking of Perceptual Image Hash Functions", 2010, section 3.2.1). Differs
from Zauner's: 256 signs, not 64 comparisons with the median. Copies of a photo at half the side or
less differ in a few bits. Different photos differ in about 128 bits, and hardly ever in fewer than
50. A photo that is mirrored, or cropped by more than a few percent, counts as a different photo.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image
from scipy import fft

MOST_DIFFERENT = 32
"""Two looks that differ in at most this many of the 256 bits count as copies of one photo."""

_SIDE = 32  # pixels; every photo is scaled to this side first
_FREQUENCIES = 16  # the lowest ones, in each direction
_AT_ONCE = 256  # looks per matrix product with all others; this limits the memory


def look(photo: Image.Image) -> bytes:
    """The look, 256 bits, of a whole photo of any size and mode."""
    small = photo.convert("L").resize((_SIDE, _SIDE), Image.Resampling.BOX)
    frequencies = fft.dctn(np.asarray(small, np.float32))[:_FREQUENCIES, :_FREQUENCIES]
    return np.packbits(frequencies > 0).tobytes()


def first_alike(looks: Sequence[bytes], others: Sequence[bytes]) -> list[int]:
    """For each of `looks`, the index of the first copy of its photo in `others`; -1 if none is."""
    if not looks or not others:
        return [-1] * len(looks)
    signs, others_signs = _signs(looks), _signs(others)
    found = []
    for start in range(0, len(signs), _AT_ONCE):
        # The product of two rows of signs is the number of equal bits minus that of different bits.
        differing = (signs.shape[1] - signs[start : start + _AT_ONCE] @ others_signs.T) / 2
        alike = differing <= MOST_DIFFERENT
        found.extend(np.where(alike.any(1), alike.argmax(1), -1).tolist())
    return found


def _signs(looks: Sequence[bytes]) -> np.ndarray:
    """The bits as 1 and -1, float32 [N, 256]."""
    bits = np.unpackbits(np.frombuffer(b"".join(looks), np.uint8)).reshape(len(looks), -1)
    return bits.astype(np.float32) * 2 - 1
