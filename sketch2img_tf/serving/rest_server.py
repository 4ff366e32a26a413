"""Serves a LiteRT model by the REST interface of TensorFlow Serving, within one's own network.

https://www.tensorflow.org/tfx/serving/api_rest: it answers requests to the signatures of an export,
by rows and by columns, as TensorFlow Serving does. It asks for no password.
"""

from __future__ import annotations

import base64
import contextlib
import os
import signal
from typing import TYPE_CHECKING

from sketch2img_tf import versions
from sketch2img_tf.data import choices
from sketch2img_tf.errors import UserError
from sketch2img_tf.export.export_folder import LITE_MODEL_FILE, read_step
from sketch2img_tf.inference import models
from sketch2img_tf.inference.litert_model import LiteRTModel
from sketch2img_tf.serving import rest_requests
from sketch2img_tf.serving.remote_model import NAME
from sketch2img_tf.serving.rest_requests import Refusal
from sketch2img_tf.surroundings import ports

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request

_SHOWN = 100  # letters of an unknown class


def serve(model: str, host: str, port: int, queue: int) -> None:
    """Answers requests until Ctrl-C.

    Args:
      model: folder of the export; empty: the model that ships with the project.
      host: the address to listen on.
      port: the port to listen on.
      queue: requests that may wait while one is answered; more are refused.

    Raises:
      UserError: a flag is wrong, there is no LiteRT model or it is damaged, or uvicorn is missing.
    """
    for needed in ("starlette", "uvicorn"):  # which come with Gradio
        if versions.installed_version(needed) is None:
            raise UserError(f"--api needs {needed}: {versions.what_to_run(versions.DRAWING)}")
    import uvicorn  # here, since other commands do not need it

    answering = Answering(_open(model), queue)
    with ports.listen(host, port) as listening, contextlib.suppress(KeyboardInterrupt):
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        settings = uvicorn.Config(
            application(answering), log_level="error", timeout_graceful_shutdown=2
        )
        shown = f"[{host}]" if ":" in host else host
        print(
            f"answers at http://{shown}:{port}/v1/models/{NAME}:predict (Ctrl-C ends)", flush=True
        )
        uvicorn.Server(settings).run([listening])


def _open(model: str) -> LiteRTModel:
    folder = models.find(model)
    if not os.path.exists(os.path.join(folder, LITE_MODEL_FILE)):
        raise UserError(
            f"--model={model}: is a SavedModel, for TensorFlow Serving; for --api export the"
            " model with export.py --format=tflite"
        )
    return LiteRTModel(folder)


class Answering:
    """Answers requests with a model.

    Args:
      model: draws the pictures.
      queue: requests that may wait while one is answered.
    """

    def __init__(self, model: LiteRTModel, queue: int):
        from anyio import CapacityLimiter

        self.model = model
        self.version = read_step(model.directory)
        self._queue = queue
        self._inside = 0
        self._one_at_a_time = CapacityLimiter(1)

    async def predict(self, request: Request) -> dict:
        """The answer to a request for predictions.

        Raises:
          Refusal: the request is wrong or too large, or too many others wait.
        """
        from anyio import to_thread

        if self._inside > self._queue:
            raise Refusal(503, f"busy: {self._queue} requests wait already; try again in a while")
        self._inside += 1
        try:
            body = await rest_requests.read(request)
            return await to_thread.run_sync(self.answer, body, limiter=self._one_at_a_time)
        finally:
            self._inside -= 1

    def answer(self, body: bytes) -> dict:
        """The answer to the JSON of a request; raises as `predict`."""
        asked = rest_requests.parse(body, self.model.card.config.data.image_size)
        answer_one = {
            "serving_default": self._sure,
            "each": self._each,
            "tensors": self._from_tensors,
            "classes": self._classes,
        }[asked.signature]
        rows = [answer_one(number, item) for number, item in enumerate(asked.instances)]
        columns = {name: [row[name] for row in rows] for name in rows[0]}
        if len(columns) == 1:  # an only output goes without its name
            [rows] = columns.values()
            columns = rows
        return {"predictions": rows} if asked.by_rows else {"outputs": columns}

    def status(self) -> dict:
        """TensorFlow Serving's status of a model that is ready."""
        ready = {"state": "AVAILABLE", "status": {"error_code": "OK", "error_message": ""}}
        return {"model_version_status": [{"version": str(self.version), **ready}]}

    def _sure(self, number: int, item: dict) -> dict:
        try:
            return {"photo_bytes": _encoded(self._draw(item))}
        except UserError as error:
            raise Refusal(400, f"item {number}: {error}") from None

    def _each(self, _: int, item: dict) -> dict:
        try:
            return {"photo_bytes": _encoded(self._draw(item)), "error": ""}
        except UserError as error:
            return {"photo_bytes": _encoded(b""), "error": str(error)}

    def _from_tensors(self, number: int, item: dict) -> dict:
        classes = len(self.model.card.class_names)
        if not 0 <= item["label_id"] < classes:
            raise Refusal(
                400, f"item {number}: label_id={item['label_id']}: should be 0 to {classes - 1}"
            )
        noise = self.model.noise(item["seed"])
        photo = self.model.from_pixels(item["sketch"], item["label_id"], noise)
        return {"photo": photo.tolist()}

    def _classes(self, _: int, item: dict) -> dict:
        return {
            "label_id": self._label_id(item["label"]),
            "class_names": self.model.card.class_names,
        }

    def _draw(self, item: dict) -> bytes:
        class_name = self._class_name(item["label"])
        return self.model.from_bytes([item["sketch_bytes"]], [class_name], [item["seed"]])[0]

    def _class_name(self, label: str) -> str:
        return choices.find_class(
            label[:_SHOWN], self.model.card.class_names, "unknown class: label", "the model"
        )

    def _label_id(self, label: str) -> int:
        try:
            return self.model.card.class_names.index(self._class_name(label))
        except UserError:
            return -1


def application(answering: Answering) -> Starlette:
    """The ASGI application."""
    from starlette.applications import Starlette
    from starlette.exceptions import HTTPException
    from starlette.responses import JSONResponse
    from starlette.routing import Route

    async def predict(request: Request) -> JSONResponse:
        return JSONResponse(await answering.predict(request))

    async def status(request: Request) -> JSONResponse:
        return JSONResponse(answering.status())

    async def refused(request: Request, error: Refusal) -> JSONResponse:
        headers = {"Retry-After": "1"} if error.code == 503 else None
        return JSONResponse({"error": str(error)}, error.code, headers)

    async def no_such_thing(request: Request, error: HTTPException) -> JSONResponse:
        there = f"POST /v1/models/{NAME}:predict and GET /v1/models/{NAME}"
        why = f"{request.method} {request.url.path[:_SHOWN]}: not found; there are {there}"
        return JSONResponse({"error": why}, error.status_code)

    async def failed(request: Request, error: Exception) -> JSONResponse:
        return JSONResponse({"error": "an error of the server; its terminal says more"}, 500)

    paths = [f"/v1/models/{NAME}{version}" for version in ("", f"/versions/{answering.version}")]
    routes = [Route(f"{path}:predict", predict, methods=["POST"]) for path in paths]
    routes += [Route(path, status, methods=["GET"]) for path in paths]
    handlers = {Refusal: refused, HTTPException: no_such_thing, Exception: failed}
    return Starlette(routes=routes, exception_handlers=handlers)


def _encoded(photo: bytes) -> dict:
    return {"b64": base64.b64encode(photo).decode()}
