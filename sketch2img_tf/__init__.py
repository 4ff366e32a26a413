"""Sketch2Img: photographs from sketches, a conditional GAN in TensorFlow 2 / Keras."""

import importlib.util
import os

from sketch2img_tf import versions

versions.check_python()

# A Python that is too old could not read these.
from sketch2img_tf.surroundings import lanes, standard_streams  # noqa: E402

lanes.choose_keras()
standard_streams.open_missing()  # before a file is opened in the place of one

# At its start TensorFlow reports, as errors even, that a computer has no GPU. What
# does go wrong is a Python exception.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

# oneDNN's kernels, which TensorFlow leaves out by itself on CPUs that have no more
# than AVX2: see docs/performance.md.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

# A notebook sets it for all that is started from a cell. It names a package of the notebook's
# Python, and where that is not installed Matplotlib cannot be imported.
_backend = os.environ.get("MPLBACKEND", "")
if _backend.startswith("module://") and not importlib.util.find_spec(
    _backend[len("module://") :].split(".")[0]
):
    del os.environ["MPLBACKEND"]
