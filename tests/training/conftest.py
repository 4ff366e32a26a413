"""What the tests of the step share."""

from __future__ import annotations

import pytest
import tensorflow as tf


@pytest.fixture
def eagerly():
    """Functions run without being traced."""
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)
