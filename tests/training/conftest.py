"""What the tests of the step share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import tensorflow as tf


@pytest.fixture(scope="module")
def graphs_as_traced() -> Iterator[None]:
    """Graphs run as they were traced, without TensorFlow's optimizers of graphs.

    These take half a minute for a step. layers/cpu/whole_step_test.py runs steps with them.
    """
    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
    yield
    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": False})


@pytest.fixture
def eagerly():
    """Functions run without being traced."""
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)
