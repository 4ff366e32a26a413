"""Augmentation before the discriminator; the generator's gradient flows through it.

Zhao et al., "Differentiable Augmentation for Data-Efficient GAN Training", 2020 (arXiv 2006.10738).
The discriminator sees all pictures, real and generated, after the same kinds of random changes. So
it cannot memorise a small training set. The generator does not learn to draw the changes, because
its own pictures are changed too.

With DRAGAN, the points around real photos are made as without augmentation, and then augmented as
real photos are. The slope is the gradient with respect to the augmented points: the slope of the
discriminator itself, at the real pictures that it now sees. A slope measured through the changes
would contain the changes' own effect: 0 where a square is cut out, double where the saturation is
doubled.

Axes: B batch, S the picture's side, C channels.
"""

from __future__ import annotations

import tensorflow as tf

from sketch2img_tf.devices import stateless_random

BRIGHTNESS = 0.5  # normalised units
TRANSLATION = 8  # up to 1/8 of the side
CUTOUT = 2  # squares of 1/2 of the side


def augment(
    photos: tf.Tensor, sketches: tf.Tensor, kinds: tuple[str, ...], seed: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Changes each example at random, as strongly as the paper does.

    Changes of geometry are the same for a photo and its sketch, because the discriminator judges
    whether the two match.

    Args:
      photos: normalised, float32 [B, S, S, 3]; B is known when it is traced.
      sketches: normalised, float32 [B, S, S, 1].
      kinds: any of "colour", "translation" and "cutout", as `--diffaugment` gives them; applied in
        this order.
      seed: int [2].

    Returns:
      Photos and sketches of the same shapes. Colours may leave [-1, 1]. Pixels that are moved in or
      cut out are 0, the mean.
    """
    seeds = stateless_random.split(seed, 3)
    if "colour" in kinds:
        photos = change_colours(photos, seeds[0])
    both = tf.concat([photos, sketches], -1)
    if "translation" in kinds:
        both = translate(both, seeds[1])
    if "cutout" in kinds:
        both = cut_out(both, seeds[2])
    return both[..., :3], both[..., 3:]


def change_colours(photos: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Adds U(-0.5, 0.5), then multiplies saturation by U(0, 2) and contrast by U(0.5, 1.5).

    Photos are float32 [B, S, S, 3].
    """
    drawn = stateless_random.uniform([3, photos.shape[0], 1, 1, 1], seed, axis=1)
    photos += 2 * BRIGHTNESS * (drawn[0] - 0.5)
    greys = tf.reduce_mean(photos, -1, keepdims=True)
    photos = greys + 2 * drawn[1] * (photos - greys)
    means = tf.reduce_mean(photos, [1, 2, 3], keepdims=True)
    return means + (0.5 + drawn[2]) * (photos - means)


def translate(pictures: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Moves pictures by whole pixels, at most 1/8 of the side per axis; float32 [B, S, S, C]."""
    side = pictures.shape[1]
    most = side // TRANSLATION
    shifts = stateless_random.integers([2, pictures.shape[0], 1], seed, -most, most + 1, axis=1)
    padded = tf.pad(pictures, [[0, 0], [most, most], [most, most], [0, 0]])
    rows, columns = tf.unstack(tf.range(side) + most + shifts)  # [B, S]
    return tf.gather(tf.gather(padded, rows, axis=1, batch_dims=1), columns, axis=2, batch_dims=1)


def cut_out(pictures: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Sets a square of half the side to 0, with its centre at any pixel; float32 [B, S, S, C]."""
    side = pictures.shape[1]
    half = side // CUTOUT
    centres = stateless_random.integers([2, pictures.shape[0], 1], seed, 0, side, axis=1)
    offsets = tf.range(side) - (centres - half // 2)
    rows, columns = tf.unstack((offsets >= 0) & (offsets < half))  # [B, S]
    cut = rows[:, :, tf.newaxis, tf.newaxis] & columns[:, tf.newaxis, :, tf.newaxis]
    return tf.where(cut, 0.0, pictures)
