"""A LiteRT (TensorFlow Lite) model in this process, which loads fast, without TensorFlow."""

from __future__ import annotations

import importlib.util
import io
import os
import queue

import numpy as np
from PIL import Image

from sketch2img_tf import versions
from sketch2img_tf.errors import UserError
from sketch2img_tf.export.export_folder import LITE_MODEL_FILE, newest_version, read_card
from sketch2img_tf.inference import philox, sketch_pixels
from sketch2img_tf.surroundings import standard_streams

_CPUS = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


class LiteRTModel:
    """A model of export.py --format=tflite or --format=pretrained. Threads may share it.

    Args:
      directory: the model's folder, or a folder of several exports, of which the one of the highest
        step is loaded.
      at_once: how many pictures threads may draw at once, each on its share of the cores.

    Attributes:
      directory: the absolute path of the model's folder.
      card: the model's card.

    Raises:
      UserError: there is no such model, it is damaged, or no library that runs it is installed.
    """

    def __init__(self, directory: str, at_once: int = 1):
        self.directory = newest_version(directory, (LITE_MODEL_FILE,))
        self.card = read_card(self.directory)
        path = os.path.join(self.directory, LITE_MODEL_FILE)
        self._interpreters = [_interpreter(path, max(_CPUS // at_once, 1)) for _ in range(at_once)]
        # The free ones: an interpreter has room for one picture only.
        self._runners = queue.SimpleQueue()
        for interpreter in self._interpreters:
            runner = interpreter.get_signature_runner()
            self._noise_shape = tuple(runner.get_input_details()["noise"]["shape"][1:])
            self._runners.put(runner)

    def from_bytes(self, sketches: list[bytes], labels: list[str], seeds: list[int]) -> list[bytes]:
        """PNG or JPEG sketches of any size, class names and seeds to PNG photos, as many of each.

        The SavedModel of the same weights draws the same pictures, to within two levels of 255.

        Raises:
          UserError: a sketch cannot be read.
        """
        return [
            _png(self.from_noise(*asked[:2], self.noise(asked[2])))
            for asked in zip(sketches, labels, seeds)
        ]

    def blended(
        self, sketch: bytes, label: str, seeds: list[int], others: list[int], share: float
    ) -> list[bytes]:
        """Pictures of one sketch between each seed and another one, as PNG.

        Args:
          sketch: a PNG or JPEG.
          label: the class.
          seeds: the seeds at the beginning of each way.
          others: the seeds at its end.
          share: the share of the way, in [0, 1]; at 0 and 1 it gives the pictures of the seeds.
        """
        pairs = zip(map(self.noise, seeds), map(self.noise, others))
        return [_png(self.from_noise(sketch, label, between(*pair, share))) for pair in pairs]

    def from_noise(self, sketch: bytes, label: str, noise: np.ndarray) -> np.ndarray:
        """One sketch with float32 noise like that of `noise` to a photo, uint8 [S, S, 3]."""
        pixels = sketch_pixels.read(sketch, self.card.config.data.image_size)
        return self.from_pixels(pixels, self.card.class_names.index(label), noise)

    def from_pixels(self, pixels: np.ndarray, label_id: int, noise: np.ndarray) -> np.ndarray:
        """The same from a sketch of the model's size, uint8 [S, S, 1], and a class's number."""
        label_ids = np.array([label_id], np.int32)
        run = self._runners.get()
        try:
            answer = run(sketch=pixels[np.newaxis], label_id=label_ids, noise=noise[np.newaxis])
            return answer["photo"][0]
        finally:
            self._runners.put(run)

    def noise(self, seed: int) -> np.ndarray:
        """The noise of a seed: N(0, 1), float32, in the shape that the model needs per picture."""
        return philox.normal(self._noise_shape, seed)


def between(first: np.ndarray, second: np.ndarray, share: float) -> np.ndarray:
    """Noise on the arc between two noises, float32, as strong as they are; on a line it is weaker.

    K. Shoemake, "Animating Rotation with Quaternion Curves", 1985, section 3.3.
    """
    cosine = np.vdot(first, second) / (np.linalg.norm(first) * np.linalg.norm(second))
    angle = np.arccos(np.clip(cosine, -1, 1))
    if angle < 1e-3:  # nearly equal: the arc has no length
        return first
    weights = np.sin([(1 - share) * angle, share * angle]) / np.sin(angle)
    return np.float32(weights[0]) * first + np.float32(weights[1]) * second


def _interpreter(path: str, threads: int):
    """The file's interpreter, from LiteRT's own package, or else from TensorFlow."""
    interpreter_class = _interpreter_class()
    try:
        with standard_streams.silenced_stderr():  # C++ code prints which operations it will use
            interpreter = interpreter_class(path, num_threads=threads)
            interpreter.allocate_tensors()
    except (ValueError, RuntimeError) as error:
        first_line = str(error).split("\n")[0]
        raise UserError(
            f"{path}: damaged ({first_line}); export it again, with export.py"
        ) from None
    return interpreter


def runtime_is_installed() -> bool:
    """Whether LiteRT's own package is installed, which loads in a fraction of a second."""
    return importlib.util.find_spec("ai_edge_litert") is not None


def _interpreter_class() -> type:
    if runtime_is_installed():
        from ai_edge_litert.interpreter import Interpreter

        return Interpreter
    if importlib.util.find_spec("tensorflow"):
        import tensorflow as tf

        return tf.lite.Interpreter
    raise UserError(
        "ai-edge-litert, which draws with this model, is not installed:"
        f" {versions.what_to_run(versions.DRAWING)}"
    )


def _png(photo: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(photo).save(file, "PNG")
    return file.getvalue()
