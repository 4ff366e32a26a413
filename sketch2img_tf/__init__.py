"""Sketch2Img: photographs from sketches, a conditional GAN in TensorFlow 2 / Keras."""

import os

from sketch2img_tf import versions

versions.check()

# At its start TensorFlow reports, as errors even, that a computer has no GPU. What does go wrong is a Python exception.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

# oneDNN's kernels, which TensorFlow leaves out by itself on CPUs that have no more than AVX2: see docs/performance.md.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
