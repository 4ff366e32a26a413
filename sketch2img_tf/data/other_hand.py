"""Draws a sketch's lines again as another person might; for the input pipeline on the host.

People's lines differ from a program's: strokes are missing, broken, doubled or unsteady, and their
width varies. Smooth random surfaces choose the places of the changes. How strong they are is random
for each sketch, up to the strength that the flag gives.

Axes: H, W height and width of a sketch, intensities, float32 [H, W, 1], paper 0. Seeds are int [2].
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import tensorflow as tf

from sketch2img_tf.data import elastic_warp
from sketch2img_tf.devices import stateless_random

if TYPE_CHECKING:
    from sketch2img_tf.config import DataConfig

# Points of a random surface per side: a missing stroke takes about 1/6 of the side, a gap 1/32
_STROKE, _GAP = 6, 32
_PLACES = 5  # points per side of the surface that chooses where lines are doubled or thick
_TREMBLING = 16  # points per side of an unsteady hand's displacements
_BESIDE = 0.012  # of the side: distance between the two strokes of a doubled line
_EVERY = 4  # pixels: of so many rows and columns one is sorted, to find the level of a share
_PIXEL = 1 / 256  # of the side: lines of the release are three of these wide


def drawn_again(sketch: tf.Tensor, config: DataConfig, seed: tf.Tensor) -> tf.Tensor:
    """Makes the changes that are switched on: first those of the hand, then what is left out."""
    seeds = stateless_random.split(seed, 5)
    if config.sketch_wobble_fraction:
        sketch = wobbled(sketch, config.sketch_wobble_fraction, seeds[0])
    if config.sketch_double_fraction:
        sketch = doubled(sketch, config.sketch_double_fraction, seeds[1])
    if config.sketch_width_pixels:
        sketch = of_other_width(sketch, config.sketch_width_pixels, seeds[2])
    if config.sketch_break_fraction:
        sketch = without(sketch, config.sketch_break_fraction, _GAP, seeds[3])
    if config.sketch_drop_fraction:
        sketch = without(sketch, config.sketch_drop_fraction, _STROKE, seeds[4])
    return sketch


def wobbled(sketch: tf.Tensor, fraction: float, seed: tf.Tensor) -> tf.Tensor:
    """Trembling lines: displacements N(0, up to `fraction` of the side) at 16 points per side."""
    seeds = stateless_random.split(seed, 2)
    return elastic_warp.warp_sketch(sketch, _up_to(fraction, seeds[0]), seeds[1], _TREMBLING)


def doubled(sketch: tf.Tensor, fraction: float, seed: tf.Tensor) -> tf.Tensor:
    """Draws up to this share of the lines twice, the second time a little beside the first."""
    seeds = stateless_random.split(seed, 3)
    second = elastic_warp.warp_sketch(sketch, _BESIDE, seeds[0])
    places = _share(_surface(sketch, _PLACES, seeds[1]), _up_to(fraction, seeds[2]))
    return tf.maximum(sketch, second * places)


def of_other_width(sketch: tf.Tensor, pixels: float, seed: tf.Tensor) -> tf.Tensor:
    """Makes lines wider here and thinner there: edges move by up to `pixels` / 256 of the side."""
    surface = _surface(sketch, _PLACES, seed)
    change = tf.math.erf(surface / tf.math.reduce_std(surface) / 2.0**0.5)  # uniform in [-1, 1]
    reach = pixels * _PIXEL * tf.cast(tf.shape(sketch)[0], tf.float32)
    most = tf.cast(tf.math.ceil(reach), tf.int32)
    wider = _widest(sketch, most)
    thinner = 1.0 - _widest(1.0 - sketch, most)
    by = reach / tf.cast(most, tf.float32)  # `_widest` reaches whole pixels
    return sketch + by * tf.where(
        change > 0.0, change * (wider - sketch), change * (sketch - thinner)
    )


def without(sketch: tf.Tensor, fraction: float, grid: int, seed: tf.Tensor) -> tf.Tensor:
    """Leaves out up to this share of the lines, in places of about 1 / `grid` of the side."""
    seeds = stateless_random.split(seed, 2)
    return sketch * (1.0 - _share(_surface(sketch, grid, seeds[0]), _up_to(fraction, seeds[1])))


def _up_to(most: float, seed: tf.Tensor) -> tf.Tensor:
    return most * stateless_random.uniform([], seed)


def _surface(sketch: tf.Tensor, grid: int, seed: tf.Tensor) -> tf.Tensor:
    """A smooth random surface, about normally distributed: float32 [H, W, 1]."""
    points = stateless_random.normal([grid, grid, 1], seed)
    return tf.image.resize(points, tf.shape(sketch)[:2], "bicubic")


def _share(surface: tf.Tensor, fraction: tf.Tensor) -> tf.Tensor:
    """1 where the surface is lowest, on the given share of the page; 0 elsewhere."""
    some = tf.sort(tf.reshape(surface[::_EVERY, ::_EVERY], [-1]))
    level = some[tf.cast(fraction * tf.cast(tf.size(some) - 1, tf.float32), tf.int32)]
    return tf.cast(surface < level, tf.float32)


def _widest(sketch: tf.Tensor, pixels: tf.Tensor) -> tf.Tensor:
    """The largest value within this many pixels along rows and columns."""

    def once(number: tf.Tensor, widened: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return number + 1, tf.nn.max_pool2d(widened[tf.newaxis], 3, 1, "SAME")[0]

    return tf.while_loop(lambda number, _: number < pixels, once, (tf.constant(0), sketch))[1]
