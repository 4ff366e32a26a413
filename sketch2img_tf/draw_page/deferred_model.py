"""A model whose card is there at once, and which is loaded later: loading may take seconds."""

from __future__ import annotations

import os
from concurrent import futures

from sketch2img_tf.draw_page import about_classes
from sketch2img_tf.errors import UserError
from sketch2img_tf.export.export_folder import LITE_MODEL_FILE, read_card
from sketch2img_tf.inference import models


class DeferredModel:
    """A `models.Model` that is not loaded yet; a request for pictures waits until it is.

    Threads may share it.

    Args:
      directory: the folder, as for `models.find`.

    Raises:
      UserError: there is no export.
    """

    def __init__(self, directory: str):
        self._directory = models.find(directory)
        self.card = read_card(self._directory)
        self.about = about_classes.read(self._directory, self.card.class_names)
        self._model: futures.Future[models.Model] = futures.Future()

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes, in the order of their labels."""
        return self.card.class_names

    @property
    def blends(self) -> bool:
        """Whether it can draw between two seeds: only a model that takes its noise from us can."""
        return os.path.exists(os.path.join(self._directory, LITE_MODEL_FILE))

    def load(self) -> None:
        """Loads the model in this thread.

        Raises:
          UserError: the model is damaged. Threads that wait get the same error, or after Ctrl-C
            another one.
        """
        try:
            self._model.set_result(models.open_model(self._directory))
        except BaseException as error:  # Ctrl-C too: otherwise waiting threads would never end
            ended = UserError("ended before the model was loaded")
            self._model.set_exception(error if isinstance(error, UserError) else ended)
            raise

    def from_bytes(self, sketches: list[bytes], labels: list[str], seeds: list[int]) -> list[bytes]:
        """`models.Model.from_bytes`."""
        return self._model.result().from_bytes(sketches, labels, seeds)

    def blended(self, *asked) -> list[bytes]:
        """`LiteRTModel.blended`, for a model that blends."""
        return self._model.result().blended(*asked)
