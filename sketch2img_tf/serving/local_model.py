"""An exported model, loaded into this process."""

from __future__ import annotations

import os

import tensorflow as tf

from sketch2img_tf.checkpoints import Card
from sketch2img_tf.errors import UserError
from sketch2img_tf.serving.exported_model import CARD_FILE


class LocalModel:
    """A SavedModel written by export.py.

    Args:
      directory: the folder of one version, or the folder that holds them, of which the highest number is taken.

    Raises:
      UserError: there is no export.
    """

    def __init__(self, directory: str):
        self.directory = _version(directory)
        with open(os.path.join(self.directory, "assets.extra", CARD_FILE), encoding="utf-8") as file:
            self.card = Card.from_json(file.read())
        self._model = tf.saved_model.load(self.directory)

    @property
    def step(self) -> int:
        """The training step of the weights."""
        return int(os.path.basename(self.directory))

    def from_tensors(self, sketches: tf.Tensor, labels: tf.Tensor, seeds: tf.Tensor) -> tf.Tensor:
        """Sketches as pixels, uint8 [B, 64, 64, 1], labels and seeds, int64 [B], to uint8 [B, 64, 64, 3]."""
        return self._model.signatures["tensors"](sketch=sketches, label_id=labels, seed=seeds)["photo"]


def _version(directory: str) -> str:
    directory = os.path.normpath(directory)
    inside = os.listdir(directory) if os.path.isdir(directory) else []
    if "saved_model.pb" in inside:
        return directory
    versions = [name for name in inside if name.isdigit()]
    if not versions:
        raise UserError(f"--model={directory}: no exported model there; write one with export.py")
    return os.path.join(directory, max(versions, key=int))
