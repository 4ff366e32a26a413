"""Pictures from a model and a sketch file, for scripts:

    import sketch2img_tf.inference as s2i

    pictures = s2i.load().draw("cat.png", label="cat", seeds=range(4))

gives a list of Pillow pictures. With a LiteRT model, such as the one that ships with the project,
nothing of TensorFlow is imported.
"""

from sketch2img_tf import versions

versions.check_drawing()

from sketch2img_tf.inference.script import Drawer, load  # noqa: E402 - needs NumPy and Pillow

__all__ = ["Drawer", "load"]
