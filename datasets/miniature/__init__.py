import sketch2img_tf.with_tensorflow  # noqa: F401 - checks the versions before other imports
