"""Keras layers. They need Keras' default settings, not a user's from ~/.keras/keras.json."""

import tensorflow as tf

tf.keras.backend.set_image_data_format("channels_last")
tf.keras.backend.set_floatx("float32")
tf.keras.backend.set_epsilon(1e-7)
