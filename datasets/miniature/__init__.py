import sketch2img_tf.with_tensorflow  # noqa: F401 - checks the versions before anything that needs them is imported
