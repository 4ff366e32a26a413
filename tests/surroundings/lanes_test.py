"""Keras is Keras 2 on either lane, whatever was set or imported before."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from sketch2img_tf import versions
from sketch2img_tf.surroundings import lanes

_KERAS = (
    "name = tf.keras.layers.Layer.__module__.split('.')[0];"
    " print(__import__(name).__version__, name)"
)
_OURS_FIRST = f"import sketch2img_tf; import tensorflow as tf; {_KERAS}"
_TENSORFLOW_FIRST = f"import tensorflow as tf; import sketch2img_tf; {_KERAS}"
CURRENT = versions.this_lane() is versions.CURRENT


def _run(program: str, legacy_keras: str | None) -> subprocess.CompletedProcess:
    environment = {
        name: value for name, value in os.environ.items() if name != "TF_USE_LEGACY_KERAS"
    }
    environment |= {"PYTHONWARNINGS": "ignore"} | (
        {"TF_USE_LEGACY_KERAS": legacy_keras} if legacy_keras else {}
    )
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=environment
    )


@pytest.mark.ci
@pytest.mark.parametrize("legacy_keras", [None, "0", "1"])
def test_keras_2_whatever_a_notebook_has_set(legacy_keras):
    done = _run(_OURS_FIRST, legacy_keras)
    version, package = done.stdout.split()
    assert version.startswith("2.") and package == ("tf_keras" if CURRENT else "keras"), done.stderr
    assert lanes.keras_version() == version


@pytest.mark.ci
def test_tensorflow_says_nothing_of_itself_and_its_errors_are_heard():
    done = _run(
        "import sketch2img_tf.with_tensorflow, tensorflow, sys; print('ours', file=sys.stderr)",
        None,
    )
    assert (done.returncode, done.stderr) == (0, "ours\n")
    broken = "import sys, sketch2img_tf; sys.modules['tensorflow'] = None; "
    done = _run(broken + "import sketch2img_tf.with_tensorflow; import tensorflow", None)
    assert done.returncode == 1 and "tensorflow" in done.stderr.splitlines()[-1]


@pytest.mark.ci
@pytest.mark.skipif(not CURRENT, reason="TensorFlow 2.15 has but one Keras")
def test_tensorflow_imported_before_is_one_line():
    done = _run(_TENSORFLOW_FIRST, None)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith(
        "error: TensorFlow was imported before sketch2img_tf, with Keras 3"
    )
    assert _run(_TENSORFLOW_FIRST, "1").stdout.startswith("2.")


def test_addons_are_there_on_the_asked_lane_alone():
    assert (lanes.addons() is None) == CURRENT
