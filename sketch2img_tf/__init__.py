"""Sketch2Img: photographs from sketches, a conditional GAN in TensorFlow 2 / Keras."""

from sketch2img_tf import versions

versions.check()
