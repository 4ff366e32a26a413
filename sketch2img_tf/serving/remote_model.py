"""An exported model behind TensorFlow Serving's REST interface.

https://www.tensorflow.org/tfx/serving/api_rest
"""

from __future__ import annotations

import base64
import http.client
import json
import socket
import urllib.error
import urllib.parse
import urllib.request

from sketch2img_tf.errors import UserError

NAME = "sketch2img"  # of the model, in serving/compose.yaml
_TIMEOUT_S = 60
_NO_SERVER = "it does not speak as TensorFlow Serving does over REST; is it its REST port, 8501?"


class RemoteModel:
    """Speaks to the newest version on a server. Threads may share it.

    Args:
      server: http://HOST:PORT

    Raises:
      UserError: there is no such server, or it has no such model.
    """

    def __init__(self, server: str):
        self._server = server.rstrip("/")
        if not _is_address(server):
            raise UserError(f"--server={server}: should be an address as http://HOST:8501")
        [[class_names]] = self._predict("classes", [{"label": ""}], ["class_names"])
        self.class_names = tuple(class_names)

    def from_bytes(self, sketches: list[bytes], labels: list[str], seeds: list[int]) -> list[bytes]:
        """PNG or JPEG sketches of any size, class names and seeds to PNG photos, one of each an example.

        Raises:
          UserError: the server is gone or busy, or refuses a sketch.
        """
        instances = [
            {"sketch_bytes": {"b64": base64.b64encode(sketch).decode()}, "label": label, "seed": seed}
            for sketch, label, seed in zip(sketches, labels, seeds)
        ]
        # Not serving_default: behind batching, another's broken sketch would cost our pictures too.
        answers = self._predict("each", instances, ["photo_bytes", "error"])
        problems = [problem for _, problem in answers if problem]
        if problems:
            raise UserError(f"--server={self._server}: {problems[0]}")
        return [base64.b64decode(photo["b64"]) for photo, _ in answers]

    def _predict(self, signature: str, instances: list[dict], outputs: list[str]) -> list[list]:
        """The named outputs of each instance."""
        content = self._post(json.dumps({"signature_name": signature, "instances": instances}).encode())
        try:
            answers = [[answer[name] for name in outputs] for answer in json.loads(content)["predictions"]]
        except (ValueError, KeyError, TypeError, IndexError):
            raise UserError(f"--server={self._server}: {_NO_SERVER}") from None
        if len(answers) != len(instances):
            raise UserError(f"--server={self._server}: {len(answers)} answers to {len(instances)}; {_NO_SERVER}")
        return answers

    def _post(self, body: bytes) -> bytes:
        request = urllib.request.Request(f"{self._server}/v1/models/{NAME}:predict", body)
        try:
            with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as response:
                return response.read()
        except urllib.error.HTTPError as error:
            problem = f"answers {error.code}, {_explanation(error)}"
        except urllib.error.URLError as error:
            problem = f"cannot be reached ({error.reason})"
        except socket.timeout:
            problem = f"has not answered in {_TIMEOUT_S} seconds; is it overloaded?"
        except (OSError, http.client.HTTPException):
            problem = _NO_SERVER
        raise UserError(f"--server={self._server}: {problem}")


def _is_address(server: str) -> bool:
    try:
        parts = urllib.parse.urlsplit(server)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _explanation(error: urllib.error.HTTPError) -> str:
    content = error.read()
    try:
        return json.loads(content)["error"].splitlines()[0]
    except (ValueError, KeyError, TypeError, AttributeError, IndexError):
        return f"{error.reason}: is it TensorFlow Serving, with a model named {NAME}?"
