"""An exported SavedModel, loaded into this process."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator

import numpy as np
import tensorflow as tf

from sketch2img_tf.errors import UserError
from sketch2img_tf.export.export_folder import newest_version, read_card, read_step
from sketch2img_tf.surroundings.plain_paths import plain


class LocalModel:
    """A SavedModel of export.py. Threads may share it.

    Args:
      directory: the folder of a version, or a folder of several versions, of which the highest is
        loaded.

    Attributes:
      directory: the absolute path of the version's folder.
      card: the model's card.

    Raises:
      UserError: there is no export, or it is damaged.
    """

    def __init__(self, directory: str):
        self.directory = newest_version(directory)
        self.card = read_card(self.directory)
        # TensorFlow's other loader restores objects: it makes a Python function for every function
        # of the graph, which takes twice as long. We need only the signatures.
        self._session = tf.compat.v1.Session(graph=tf.Graph())
        with self._session.graph.as_default():
            self._signatures = _load(self._session, self.directory)

    @property
    def step(self) -> int:
        """The training step of the weights."""
        return read_step(self.directory)

    def from_tensors(
        self, sketches: np.ndarray, labels: np.ndarray, seeds: np.ndarray
    ) -> np.ndarray:
        """Sketches, uint8 [B, S, S, 1], labels and seeds, int64 [B], to uint8 [B, S, S, 3]."""
        return self._run("tensors", "photo", sketch=sketches, label_id=labels, seed=seeds)

    def from_bytes(self, sketches: list[bytes], labels: list[str], seeds: list[int]) -> list[bytes]:
        """PNG or JPEG sketches of any size, class names and seeds to PNG photos, equally many."""
        # As objects: NumPy's byte strings lose zeros at their ends.
        encoded = np.array(sketches, dtype=object)
        return list(
            self._run(
                "serving_default", "photo_bytes", sketch_bytes=encoded, label=labels, seed=seeds
            )
        )

    def _run(self, name: str, output: str, **inputs) -> np.ndarray:
        signature = self._signatures[name]
        feeds = {signature.inputs[key].name: np.asarray(value) for key, value in inputs.items()}
        return self._session.run(signature.outputs[output].name, feeds)


def _load(session: tf.compat.v1.Session, directory: str) -> dict:
    """Loads the export into the session's graph and returns its signatures by name."""
    try:
        with _without_warnings(), plain(directory) as folder:
            return tf.compat.v1.saved_model.load(
                session, [tf.saved_model.SERVING], folder
            ).signature_def
    except (OSError, ValueError, tf.errors.OpError) as error:
        first_line = str(error).split("\n")[0]
        raise UserError(
            f"--model={directory}: damaged ({first_line}); export it again, with export.py"
        ) from None


@contextlib.contextmanager
def _without_warnings() -> Iterator[None]:
    """Hides that TensorFlow calls this loader deprecated, which users cannot do anything about."""
    logger = tf.get_logger()
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)
