"""Opens whatever model a folder has, with the libraries that are installed."""

from __future__ import annotations

import importlib.util
import os
import pathlib
from typing import TYPE_CHECKING, Protocol

from sketch2img_tf.errors import UserError
from sketch2img_tf.export.export_folder import LITE_MODEL_FILE, SAVED_MODEL_FILE, newest_version
from sketch2img_tf.inference import litert_model

if TYPE_CHECKING:
    from sketch2img_tf.run_folder.run_card import Card

# The model that ships with the project is in the package if a wheel was installed; in a clone it is
# beside the package.
_PACKAGE = pathlib.Path(__file__).resolve().parents[1]
_IN_WHEEL = _PACKAGE / "pretrained"
PRETRAINED = str(_IN_WHEEL if _IN_WHEEL.is_dir() else _PACKAGE.parent / "pretrained")


class Model(Protocol):
    """A `LiteRTModel` or a `LocalModel`."""

    directory: str
    card: Card

    def from_bytes(self, sketches: list[bytes], labels: list[str], seeds: list[int]) -> list[bytes]:
        """PNG sketches, class names and seeds to PNG photos; equally many of each."""


def find(directory: str = "") -> str:
    """The absolute path of the folder of the model to draw with; does not import TensorFlow.

    Args:
      directory: the folder of a SavedModel, of a LiteRT model or of several exports; "": the model
        that ships with the project. Of several exports the highest step counts; of two of one step
        the LiteRT model, which starts sooner, if its runtime is installed or TensorFlow is not.

    Raises:
      UserError: there is no such model.
    """
    if not directory and not os.path.isdir(PRETRAINED):
        raise UserError(
            "no model ships with this copy yet: `make quickstart` makes one to draw with; then give"
            " --model=runs/quickstart/export, or `make draw MODEL=runs/quickstart/export`"
        )
    lite_first = litert_model.runtime_is_installed() or not importlib.util.find_spec("tensorflow")
    kinds = (
        (LITE_MODEL_FILE, SAVED_MODEL_FILE) if lite_first else (SAVED_MODEL_FILE, LITE_MODEL_FILE)
    )
    return newest_version(directory or PRETRAINED, kinds)


def open_model(directory: str, at_once: int = 1) -> Model:
    """The model of a folder that `find` gave, for so many threads that draw at the same time.

    Raises:
      UserError: the model is damaged, or the library that runs it is not installed.
    """
    if os.path.exists(os.path.join(directory, LITE_MODEL_FILE)):
        return litert_model.LiteRTModel(directory, at_once)
    import sketch2img_tf.with_tensorflow  # noqa: F401 - checks the versions before other imports
    from sketch2img_tf.inference.local_model import LocalModel  # here, since it imports TensorFlow

    return LocalModel(directory)
