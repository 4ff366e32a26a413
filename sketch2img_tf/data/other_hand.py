"""Draws a sketch's lines again as another hand might have: for the host's input pipeline.

People's lines are not a program's: strokes are missing or broken, drawn twice, unsteady, thick here
and thin there. Where, follows smooth random surfaces; by how much, up to what is asked for, is
drawn for each sketch anew.

Axes: H, W height and width of a sketch, intensities, float32 [H, W, 1], paper 0. Seeds are int [2].
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import tensorflow as tf

from sketch2img_tf.data import elastic_warp
from sketch2img_tf.devices import stateless_random

if TYPE_CHECKING:
    from sketch2img_tf.config import DataConfig

# Points a side: what is lost of a drawing at one place, a sixth or a thirty-second of the side
_STROKE, _GAP = 6, 32
_PLACES = 5  # ... in which lines are doubled, or thick
_TREMBLING = 16  # ... of an unsteady hand's displacements
_BESIDE = 0.012  # of the side: how far the second of two strokes is from the first
_EVERY = 4  # pixels between those whose order tells how high the lowest share of a surface is
_PIXEL = 1 / 256  # of the side: lines of the release are three wide


def drawn_again(sketch: tf.Tensor, config: DataConfig, seed: tf.Tensor) -> tf.Tensor:
    """The changes that are switched on: first how the hand moves, last what is lost."""
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
    """Lines that tremble: displacements of N(0, up to
    `fraction` of the side) at 16 points a side.
    """
    seeds = stateless_random.split(seed, 2)
    return elastic_warp.warp_sketch(sketch, _up_to(fraction, seeds[0]), seeds[1], _TREMBLING)


def doubled(sketch: tf.Tensor, fraction: float, seed: tf.Tensor) -> tf.Tensor:
    """Up to this share of the lines drawn twice, the second time a little beside the first."""
    seeds = stateless_random.split(seed, 3)
    second = elastic_warp.warp_sketch(sketch, _BESIDE, seeds[0])
    places = _share(_surface(sketch, _PLACES, seeds[1]), _up_to(fraction, seeds[2]))
    return tf.maximum(sketch, second * places)


def of_other_width(sketch: tf.Tensor, pixels: float, seed: tf.Tensor) -> tf.Tensor:
    """Lines wider here and thinner there, by up to so many 256ths of the side at either edge."""
    surface = _surface(sketch, _PLACES, seed)
    change = tf.math.erf(surface / tf.math.reduce_std(surface) / 2.0**0.5)  # evenly from -1 to 1
    reach = pixels * _PIXEL * tf.cast(tf.shape(sketch)[0], tf.float32)
    most = tf.cast(tf.math.ceil(reach), tf.int32)
    wider = _widest(sketch, most)
    thinner = 1.0 - _widest(1.0 - sketch, most)
    by = reach / tf.cast(most, tf.float32)  # of the whole pixels that a maximum reaches
    return sketch + by * tf.where(
        change > 0.0, change * (wider - sketch), change * (sketch - thinner)
    )


def without(sketch: tf.Tensor, fraction: float, grid: int, seed: tf.Tensor) -> tf.Tensor:
    """Without up to this share of the lines, in places of the side's `grid`-th part."""
    seeds = stateless_random.split(seed, 2)
    return sketch * (1.0 - _share(_surface(sketch, grid, seeds[0]), _up_to(fraction, seeds[1])))


def _up_to(most: float, seed: tf.Tensor) -> tf.Tensor:
    return most * stateless_random.uniform([], seed)


def _surface(sketch: tf.Tensor, grid: int, seed: tf.Tensor) -> tf.Tensor:
    """A smooth random surface, about normal: float32 [H, W, 1]."""
    points = stateless_random.normal([grid, grid, 1], seed)
    return tf.image.resize(points, tf.shape(sketch)[:2], "bicubic")


def _share(surface: tf.Tensor, fraction: tf.Tensor) -> tf.Tensor:
    """1 where the surface is lowest, on this share of the page, else 0."""
    some = tf.sort(tf.reshape(surface[::_EVERY, ::_EVERY], [-1]))
    level = some[tf.cast(fraction * tf.cast(tf.size(some) - 1, tf.float32), tf.int32)]
    return tf.cast(surface < level, tf.float32)


def _widest(sketch: tf.Tensor, pixels: tf.Tensor) -> tf.Tensor:
    """The largest value within so many pixels in rows and columns."""

    def once(number: tf.Tensor, widened: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return number + 1, tf.nn.max_pool2d(widened[tf.newaxis], 3, 1, "SAME")[0]

    return tf.while_loop(lambda number, _: number < pixels, once, (tf.constant(0), sketch))[1]
