"""Data sets, as TensorFlow Datasets builders."""

import sketch2img_tf  # noqa: F401 - checks the versions before a data set imports anything that needs them
