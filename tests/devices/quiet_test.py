"""A process that compiles says nothing of it, and what it has to say itself is still heard."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytestmark = pytest.mark.ci
_PROGRAM = """
import sys
import sketch2img_tf.with_tensorflow
import tensorflow as tf
from sketch2img_tf.devices import quiet

quiet.first_compilation()
tf.function(tf.sin, jit_compile=True)(tf.ones([2, 4, 4, 1]))
print("an error of ours", file=sys.stderr)
"""


def test_the_first_compilation_is_not_told_of():
    program = [sys.executable, "-W", "ignore", "-c", _PROGRAM]
    done = subprocess.run(program, capture_output=True, text=True, check=True)
    assert done.stderr.splitlines() == ["an error of ours"]
