"""Paint and light: what the miniature's photographs are made of. Plain NumPy on small pictures.

Pictures are float [S, S, 3] in [0, 1], masks and heights float [S, S]; outlines are points (x, y) in pixels, [N, 2].
"""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

_SUPERSAMPLING = 3
_LIGHT = np.array([-0.5, -0.65, 0.57])  # from the upper left, towards the viewer


def mask(outline: np.ndarray, size: int) -> np.ndarray:
    """The inside of an outline, with soft edges."""
    image = Image.new("L", (size * _SUPERSAMPLING,) * 2)
    ImageDraw.Draw(image).polygon([tuple(point) for point in outline * _SUPERSAMPLING], fill=255)
    return np.asarray(image.resize((size, size), Image.Resampling.BOX), np.float32) / 255


def line(points: np.ndarray, width: float, size: int) -> np.ndarray:
    """A line of a width in pixels, as a mask."""
    image = Image.new("L", (size * _SUPERSAMPLING,) * 2)
    scaled = [tuple(point) for point in points * _SUPERSAMPLING]
    ImageDraw.Draw(image).line(scaled, fill=255, width=max(1, round(width * _SUPERSAMPLING)), joint="curve")
    return np.asarray(image.resize((size, size), Image.Resampling.BOX), np.float32) / 255


def blur(picture: np.ndarray, radius: float) -> np.ndarray:
    """Gaussian blur of a picture or mask; `radius` is the standard deviation in pixels, borders are repeated.

    A wide blur leaves nothing fine, and is made of a smaller copy.
    """
    if radius > 8 and picture.ndim == 2:
        size = (picture.shape[1] // 4, picture.shape[0] // 4)
        small = blur(np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.BOX)), radius / 4)
        return np.asarray(Image.fromarray(small).resize(picture.shape[::-1], Image.Resampling.BICUBIC))
    pad = int(3 * radius) + 1
    padded = np.pad(picture, [(pad, pad), (pad, pad)] + [(0, 0)] * (picture.ndim - 2), "edge")
    frequencies = np.fft.fftfreq(padded.shape[0])[:, None] ** 2 + np.fft.rfftfreq(padded.shape[1])[None] ** 2
    response = np.exp(-2 * (np.pi * radius) ** 2 * frequencies)
    response = response[..., None] if picture.ndim == 3 else response
    blurred = np.fft.irfft2(np.fft.rfft2(padded, axes=(0, 1)) * response, padded.shape[:2], axes=(0, 1))
    return blurred[pad:-pad, pad:-pad].astype(np.float32)


def noise(rng: np.random.Generator, size: int, cells: tuple[int, int], octaves: int = 4) -> np.ndarray:
    """Fractal noise of about zero mean and unit range; `cells` are the coarsest waves down and across."""
    total, weight = np.zeros([size, size], np.float32), 0.5
    for octave in range(octaves):
        shape = [min(size, count * 2**octave + 3) for count in cells]
        coarse = Image.fromarray(rng.uniform(-1, 1, shape).astype(np.float32))
        total += weight * np.asarray(coarse.resize((size, size), Image.Resampling.BICUBIC))
        weight /= 2
    return total


def ramp(top: tuple[float, float, float], bottom: tuple[float, float, float], size: int) -> np.ndarray:
    """A picture that goes from one colour at the top to another at the bottom."""
    share = np.linspace(0, 1, size, dtype=np.float32)[:, None, None]
    rows = (1 - share) * np.array(top, np.float32) + share * np.array(bottom, np.float32)
    return np.broadcast_to(rows, [size, size, 3]).copy()


def over(picture: np.ndarray, paint: np.ndarray, opacity: np.ndarray) -> np.ndarray:
    """`paint`, a picture or a colour, laid over `picture` where the mask `opacity` is 1."""
    return picture + (paint - picture) * opacity[..., None]


def shaded(
    picture: np.ndarray, inside: np.ndarray, paint: np.ndarray, roundness: float, gloss: float
) -> np.ndarray:
    """Lays a body over the picture: lit from the upper left, rounded towards its outline, with a highlight.

    Args:
      picture: what is behind.
      inside: the body's mask.
      paint: its colour, [3], or colours, [S, S, 3].
      roundness: 0 is flat; 1 is about a ball.
      gloss: strength of the highlight.
    """
    thickness = np.sqrt(max(inside.sum(), 1.0))
    height = sum(blur(inside, thickness * share) for share in (0.04, 0.09, 0.18)) / 3
    height = np.sqrt(np.clip(2 * height - 0.9, 0, None)) * thickness * 0.45 * roundness
    slope_y, slope_x = np.gradient(height)
    normal = np.stack([-slope_x, -slope_y, np.ones_like(height)], -1)
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
    light = np.clip(normal @ _LIGHT, 0, None)
    half = (_LIGHT + np.array([0, 0, 1])) / np.linalg.norm(_LIGHT + np.array([0, 0, 1]))
    highlight = gloss * np.clip(normal @ half, 0, None) ** 40
    lit = np.clip(paint * (0.42 + 0.95 * light)[..., None] + highlight[..., None], 0, 1)
    return over(picture, lit, inside)


def shadow(picture: np.ndarray, inside: np.ndarray, shift: tuple[float, float], softness: float, strength: float):
    """Darkens the picture where a body's shadow falls, moved by `shift` pixels across and down."""
    moved = np.roll(inside, (round(shift[1]), round(shift[0])), (0, 1))
    return picture * (1 - strength * blur(moved, softness))[..., None]
