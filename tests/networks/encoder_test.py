"""What the encoder is made of, and the image that it lets in at every level."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from sketch2img_tf.networks.encoder import Encoder, pyramid

pytestmark = pytest.mark.usefixtures("seeded")


def test_pyramid_is_of_block_means():
    image = np.random.default_rng(0).normal(size=[2, 16, 16, 3]).astype(np.float32)
    images = pyramid(tf.constant(image))
    assert len(images) == 4
    for level, small in enumerate(images):
        block = 2**level
        means = image.reshape(2, 16 // block, block, 16 // block, block, 3).mean((2, 4))
        np.testing.assert_allclose(small, means, atol=1e-6)


def test_outputs_halve_in_size_and_double_in_channels():
    images = pyramid(tf.zeros([2, 32, 32, 1]))
    outputs = Encoder(3)((tf.zeros([2, 32, 32, 5]), images))
    shapes = [output.shape.as_list() for output in outputs]
    assert shapes == [[2, 32, 32, 3], [2, 16, 16, 6], [2, 8, 8, 12], [2, 4, 4, 24]]


def test_every_level_sees_its_image():
    """A change of the image of level i changes the outputs from level i on, and none before."""
    encoder, x = Encoder(2), tf.random.stateless_normal([1, 16, 16, 2], [0, 1])
    images = pyramid(tf.random.stateless_normal([1, 16, 16, 1], [0, 2]))
    encoder((x, images))
    for weight in encoder.trainable_weights:  # away from the start, where the gates are half open
        weight.assign_add(tf.random.stateless_normal(weight.shape, [0, 3], stddev=0.3))
    before = encoder((x, images))
    for level in range(4):
        changed = [image + 1.0 if i == level else image for i, image in enumerate(images)]
        moved = [np.abs(a - b).max() > 1e-4 for a, b in zip(encoder((x, changed)), before)]
        assert moved == [i >= level for i in range(4)]
