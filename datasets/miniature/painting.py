"""Paint and light of the miniature's photographs, by plain NumPy on small pictures.

Pictures and colours are sRGB in [0, 1], float [H, W, 3] and [3]; masks are float [H, W]; normals
are unit vectors (x to the right, y down, z towards the viewer), [H, W, 3]; outlines are points (x,
y) in pixels, [N, 2].
"""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw
from scipy import ndimage

_SUPERSAMPLING = 3
_GAMMA = 2.2
# A window or the sun, at the upper left and on the viewer's side of the thing
_KEY_LIGHT = np.array([-0.50, -0.62, 0.60], np.float32)
_HALFWAY = np.array([-0.28, -0.35, 0.895], np.float32)  # between the light and the viewer
# Shadows out of doors or near a window are a little blue
_SHADE = np.array([0.95, 0.92, 0.84], np.float32)


def mask(outline: np.ndarray, size: int) -> np.ndarray:
    """The inside of an outline, as a mask with soft edges."""
    image = Image.new("L", (size * _SUPERSAMPLING,) * 2)
    ImageDraw.Draw(image).polygon([tuple(point) for point in outline * _SUPERSAMPLING], fill=255)
    return np.asarray(image.reduce(_SUPERSAMPLING), np.float32) / 255


def line(points: np.ndarray, width: float, size: int) -> np.ndarray:
    """A line, `width` pixels wide, as a mask."""
    image = Image.new("L", (size * _SUPERSAMPLING,) * 2)
    scaled = [tuple(point) for point in points * _SUPERSAMPLING]
    ImageDraw.Draw(image).line(
        scaled, fill=255, width=max(1, round(width * _SUPERSAMPLING)), joint="curve"
    )
    return np.asarray(image.reduce(_SUPERSAMPLING), np.float32) / 255


def resized(picture: np.ndarray, height: int, width: int) -> np.ndarray:
    """A picture or a mask, scaled smoothly to another size."""
    if picture.ndim == 3:
        return np.stack(
            [resized(channel, height, width) for channel in np.moveaxis(picture, -1, 0)], -1
        )
    image = Image.fromarray(np.ascontiguousarray(picture, np.float32))
    filtering = Image.Resampling.BOX if height < picture.shape[0] else Image.Resampling.BICUBIC
    return np.asarray(image.resize((width, height), filtering))


def blur(picture: np.ndarray, radius: float) -> np.ndarray:
    """Gaussian blur of a picture or mask, repeated beyond its edges; `radius`: sigma, in pixels."""
    height, width = picture.shape[:2]
    if radius > 3:  # no fine detail is left, so a quarter of the size is enough
        return resized(
            blur(resized(picture, -(-height // 4), -(-width // 4)), radius / 4), height, width
        )
    return ndimage.gaussian_filter(
        picture, radius, mode="nearest", radius=int(3 * radius) + 1, axes=(0, 1)
    )


def noise(
    rng: np.random.Generator, shape: tuple[int, int], cells: tuple[int, int], octaves: int = 4
) -> np.ndarray:
    """Fractal noise, [H, W]: mean about 0, range about 1; `cells`: greatest waves, down, across."""
    total = np.zeros(shape, np.float32)
    for octave in range(octaves):
        counts = [min(side, count * 2**octave + 3) for side, count in zip(shape, cells)]
        total += 0.5 ** (octave + 1) * resized(rng.uniform(-1, 1, counts), *shape)
    return total


def ramp(
    top: tuple[float, float, float], bottom: tuple[float, float, float], size: int
) -> np.ndarray:
    """A picture whose colour goes from `top` to `bottom`."""
    share = np.linspace(0, 1, size, dtype=np.float32)[:, None, None]
    rows = (1 - share) * np.array(top, np.float32) + share * np.array(bottom, np.float32)
    return np.broadcast_to(rows, [size, size, 3]).copy()


def smoothstep(low: float, high: float, value: np.ndarray) -> np.ndarray:
    """0 below `low`, 1 above `high`, and smoothly in between."""
    share = np.clip((value - low) / (high - low), 0, 1)
    return share * share * (3 - 2 * share)


def over(picture: np.ndarray, paint: np.ndarray, opacity: np.ndarray) -> np.ndarray:
    """`picture` with `paint`, a picture or a colour, laid over it; `opacity` is a mask."""
    return picture + (np.asarray(paint, np.float32) - picture) * opacity[..., None].astype(
        np.float32
    )


def ground(texture: np.ndarray, horizon: float, size: int) -> np.ndarray:
    """A texture [N, N, 3] as level ground from the row `horizon` down to the edge, [rows, S, 3]."""
    rows = np.arange(int(horizon), size)
    distance = 1 / ((rows - horizon) / (size - horizon) + 0.12)
    count = len(texture)
    down = (distance * 0.3 * count).astype(int)[:, None]
    across = ((np.arange(size) / size - 0.5) * distance[:, None] * 0.5 * count + count / 2).astype(
        int
    )
    return texture[_folded(down, count), _folded(across, count)]


def _folded(index: np.ndarray, count: int) -> np.ndarray:
    """Indices of a texture that is continued by its mirror image."""
    return np.abs((index + count) % (2 * count) - count).clip(0, count - 1)


def inflated(inside: np.ndarray, roundness: float) -> np.ndarray:
    """Normals of a body like a balloon of this outline: a disc of roundness 1 is a ball; 0: flat.

    The height is the root of u, where -laplace(u) = 4 inside and u = 0 outside. Jacobi's iteration
    solves it, from coarse to fine grids.
    """
    u = np.zeros([1, 1], np.float32)
    for step in (16, 8, 4, 2):
        shape = [-(-side // step) for side in inside.shape]
        within = np.pad(np.clip(resized(inside, *shape), 0, 1), 1)
        u = np.pad(resized(u, *shape), 1) * within
        for _ in range(20):
            u[1:-1, 1:-1] = (u[:-2, 1:-1] + u[2:, 1:-1] + u[1:-1, :-2] + u[1:-1, 2:]) / 4 + step**2
            u *= within
        u = u[1:-1, 1:-1]
    u = np.clip(resized(u, *inside.shape), 1, None)
    slope_y, slope_x = np.gradient(u)
    return unit(np.stack([-0.5 * roundness * slope_x, -0.5 * roundness * slope_y, np.sqrt(u)], -1))


def turned(inside: np.ndarray) -> np.ndarray:
    """Normals of a body of a lathe with an upright axis, such as a cup or a trunk."""
    columns = np.arange(inside.shape[1])
    weight = inside.sum(1) + 1e-3
    middle, radius = (inside * columns).sum(1) / weight, weight / 2
    x = np.clip((columns - middle[:, None]) / radius[:, None], -0.99, 0.99)
    return unit(np.stack([x, np.zeros_like(x), np.sqrt(1 - x * x)], -1).astype(np.float32))


def bumpy(normal: np.ndarray, height: np.ndarray, strength: float) -> np.ndarray:
    """Normals of the same surface with small bumps; `height` is [H, W]."""
    down, across = np.gradient(height)
    return unit(normal - strength * np.stack([across, down, np.zeros_like(down)], -1))


def unit(vectors: np.ndarray) -> np.ndarray:
    """The vectors, scaled to length 1."""
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def lit(
    paint: np.ndarray, normal: np.ndarray, gloss: float, above: np.ndarray, below: np.ndarray
) -> np.ndarray:
    """The colours of a surface under the key light and in its surroundings.

    Args:
      paint: the surface's own colours, [H, W, 3].
      normal: [H, W, 3].
      gloss: strength of the highlight and of the reflected surroundings.
      above: colour of the surroundings' upper half, [3]; it lights surfaces that face up.
      below: colour of the lower half, [3]; it lights surfaces that face down.
    """
    key = np.clip(normal @ _KEY_LIGHT + 0.15, 0, None)[..., None]
    upward = 0.5 - 0.5 * normal[..., 1:2]
    around = above**_GAMMA * upward + below**_GAMMA * (1 - upward)
    facing = np.clip(normal @ _HALFWAY, 0, None)[..., None]
    highlight = 0.7 * smoothstep(0.965, 0.99, facing) + 0.25 * facing**14
    rim = (1 - np.clip(normal[..., 2:], 0, 1)) ** 4 * around
    light = np.clip(paint, 0, 1) ** _GAMMA * (1.15 * key + 0.75 * around) + gloss * (
        0.6 * highlight + 0.5 * rim
    )
    return np.clip(light, 0, 1) ** (1 / _GAMMA)


def shade(picture: np.ndarray, strength: np.ndarray) -> np.ndarray:
    """The picture with a shadow on it; `strength`, [H, W], is in [0, 1]."""
    return picture * (1 - strength[..., None].astype(np.float32) * _SHADE)


def cast_shadow(inside: np.ndarray, base: float) -> np.ndarray:
    """The shadow on level ground of a thing that stands on the row `base`: away from the light."""
    size = len(inside)
    flat, lean = 0.3, 0.75
    down = (0, 1 / flat, base * (1 - 1 / flat))
    image = Image.fromarray(inside).transform(
        (size, size),
        Image.Transform.AFFINE,
        (1, lean / flat, -base * lean / flat, *down),
        Image.Resampling.BILINEAR,
    )
    rows = np.arange(size)[:, None]
    feet = inside * smoothstep(base - 0.08 * size, base, rows)
    return np.maximum(0.55 * blur(np.asarray(image), 0.014 * size), 0.9 * blur(feet, 0.012 * size))
