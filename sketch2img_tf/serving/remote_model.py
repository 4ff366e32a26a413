"""An exported model behind TensorFlow Serving's REST interface."""

from __future__ import annotations

from types import MappingProxyType

from sketch2img_tf.errors import UserError
from sketch2img_tf.serving import rest_client

NAME = "sketch2img"  # of the model, in serving/compose.yaml


class RemoteModel:
    """Uses the newest version on a server. Threads may share it.

    Args:
      server: http://HOST:PORT

    Raises:
      UserError: there is no such server, or it has no such model.
    """

    blends = False  # a server's model makes its noise itself, from whole seeds
    about = MappingProxyType({})  # a server tells only its classes' names

    def __init__(self, server: str):
        self._server = server.rstrip("/")
        asked = "classes", [{"label": ""}], ["class_names"]
        [[class_names]] = self._answer(rest_client.predict, *asked)
        self.class_names = tuple(class_names)

    def from_bytes(self, sketches: list[bytes], labels: list[str], seeds: list[int]) -> list[bytes]:
        """PNG or JPEG sketches of any size, class names and seeds to PNG photos, equally many.

        Raises:
          UserError: the server has ended, is busy, or refuses a sketch.
        """
        answers = self._answer(rest_client.draw, sketches, labels, seeds)
        problems = [problem for _, problem in answers if problem]
        if problems:
            raise UserError(f"--server={self._server}: {problems[0]}")
        return [photo for photo, _ in answers]

    def _answer(self, call, *arguments):
        try:
            return call(self._server, NAME, *arguments)
        except rest_client.Problem as problem:
            raise UserError(str(problem)) from None
