"""An exported model behind TensorFlow Serving's REST interface.

https://www.tensorflow.org/tfx/serving/api_rest
"""

from __future__ import annotations

import base64
import json
import urllib.error
import urllib.request

from sketch2img_tf.errors import UserError

NAME = "sketch2img"  # of the model, in serving/compose.yaml
_TIMEOUT_S = 60


class RemoteModel:
    """Speaks to the newest version on a server. Threads may share it.

    Args:
      server: http://HOST:PORT

    Raises:
      UserError: there is no such server, or it has no such model.
    """

    def __init__(self, server: str):
        self._server = server.rstrip("/")
        [answer] = self._predict("classes", [{"label": ""}])
        self.class_names = tuple(answer["class_names"])

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
        answers = self._predict("each", instances)
        problems = [answer["error"] for answer in answers if answer["error"]]
        if problems:
            raise UserError(f"--server={self._server}: {problems[0]}")
        return [base64.b64decode(answer["photo_bytes"]["b64"]) for answer in answers]

    def _predict(self, signature: str, instances: list[dict]) -> list[dict]:
        body = json.dumps({"signature_name": signature, "instances": instances}).encode()
        try:
            request = urllib.request.Request(f"{self._server}/v1/models/{NAME}:predict", body)
            with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as response:
                return json.load(response)["predictions"]
        except urllib.error.HTTPError as error:
            raise UserError(f"--server={self._server}: answers {error.code}, {_explanation(error)}") from None
        except urllib.error.URLError as error:
            raise UserError(f"--server={self._server}: cannot be reached ({error.reason})") from None
        except (OSError, ValueError, KeyError) as error:
            raise UserError(f"--server={self._server}: is no TensorFlow Serving at http://HOST:8501 ({error})") from None


def _explanation(error: urllib.error.HTTPError) -> str:
    content = error.read()
    try:
        return json.loads(content)["error"].splitlines()[0]
    except (ValueError, KeyError, TypeError, AttributeError, IndexError):
        return f"{error.reason}: is it TensorFlow Serving, with a model named {NAME}?"
