"""An exported model that is known before it is loaded, and TensorFlow imported, which takes seconds."""

from __future__ import annotations

from concurrent import futures
from typing import TYPE_CHECKING

from sketch2img_tf.errors import UserError
from sketch2img_tf.export.export_folder import newest_version, read_card

if TYPE_CHECKING:
    from sketch2img_tf.inference.local_model import LocalModel


class DeferredModel:
    """A `LocalModel` to come. Threads may share it: whoever wants pictures before it is loaded waits.

    Args:
      directory: as `LocalModel` takes it.

    Raises:
      UserError: there is no export.
    """

    def __init__(self, directory: str):
        self._directory = newest_version(directory)
        self.card = read_card(self._directory)
        self._model: futures.Future[LocalModel] = futures.Future()

    @property
    def class_names(self) -> tuple[str, ...]:
        """In the order of their labels."""
        return self.card.class_names

    def load(self) -> None:
        """Loads the model in this thread.

        Raises:
          UserError: it is damaged. Those who wait get the same; or, after Ctrl-C, one that says that it ended.
        """
        try:
            from sketch2img_tf.inference.local_model import LocalModel  # here, since it imports TensorFlow

            self._model.set_result(LocalModel(self._directory))
        except BaseException as error:  # Ctrl-C too: threads that wait would keep the process alive
            ended = UserError("ended before the model was loaded")
            self._model.set_exception(error if isinstance(error, UserError) else ended)
            raise

    def from_bytes(self, sketches: list[bytes], labels: list[str], seeds: list[int]) -> list[bytes]:
        """As `LocalModel.from_bytes`."""
        return self._model.result().from_bytes(sketches, labels, seeds)
