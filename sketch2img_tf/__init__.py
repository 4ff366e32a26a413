"""Sketch2Img: photographs from sketches, a conditional GAN in TensorFlow 2 / Keras."""

import os

from sketch2img_tf import versions

versions.check()

# At its start TensorFlow reports, as errors even, that a computer has no GPU. What does go wrong is a Python exception.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
