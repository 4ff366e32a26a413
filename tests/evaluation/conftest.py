"""A small trained run's worth of data: the dummy release, a drawer that needs no training, and a random network."""

from __future__ import annotations

import pytest
import tensorflow as tf

from datasets.sketchy import build, release
from sketch2img_tf.config import DataConfig
from sketch2img_tf.data.input_pipeline import open_sketchy


@pytest.fixture(scope="session")
def sketchy(dummy_data_dir):
    """The dummy release: 10 examples to train on, 6 to test with, three classes."""
    directory = build.dataset_dir(dummy_data_dir, release.DEFAULT_PHOTO_VARIANT, release.DEFAULT_SKETCH_VARIANT)
    return open_sketchy(str(directory), DataConfig())


@pytest.fixture(scope="session")
def draw():
    """The sketch in a colour of its class, with noise of its seed, as `Generator.draw`."""

    def draw(sketches, labels, seeds):
        def noise(seed):
            return tf.random.stateless_uniform([64, 64, 3], tf.stack([seed, 0]), -0.2, 0.2)

        colours = tf.one_hot(labels, 3)[:, tf.newaxis, tf.newaxis] * 0.5
        return sketches * 0.4 + colours + tf.map_fn(noise, seeds, fn_output_signature=tf.float32)

    return draw
