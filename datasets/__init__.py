"""Data sets, as TensorFlow Datasets builders."""
