"""A stand-in for TensorFlow Serving: its wire formats, REST and gRPC, over an export loaded into
this process.

    python -m tests.inference.stand_in_server EXPORT_DIR [REST_PORT] [GRPC_PORT]

It is for tests and for trying clients where the real server is not at hand. It has no batching but
its limit, no versions but the newest, and none of the speed.

https://www.tensorflow.org/tfx/serving/api_rest and tensorflow_serving/apis/prediction_service.proto
"""

from __future__ import annotations

import base64
import http.server
import json
import pathlib
import sys
import threading
from concurrent import futures

import grpc
import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

NAME = "sketch2img"
MOST = 8  # items of a request: max_batch_size of serving/config/batching_cpu.txt


class Servable:
    """The signatures of the newest version in a folder."""

    def __init__(self, export_dir: str):
        self.version = max(
            int(path.name) for path in pathlib.Path(export_dir).iterdir() if path.name.isdigit()
        )
        self.session = tf.compat.v1.Session(graph=tf.Graph())
        with self.session.graph.as_default():
            folder = f"{export_dir}/{self.version}"
            self.signatures = tf.compat.v1.saved_model.load(
                self.session, ["serve"], folder
            ).signature_def

    def run(self, name: str, inputs: dict) -> dict[str, np.ndarray]:
        """Outputs by name.

        Raises:
          ValueError: the request does not fit the signature, or the graph refuses it.
        """
        if name not in self.signatures:
            raise ValueError(f'Serving signature name: "{name}" not found in signature def')
        signature = self.signatures[name]
        if set(inputs) != set(signature.inputs):
            raise ValueError(
                f"input size does not match signature: {len(inputs)}!={len(signature.inputs)}"
            )
        try:
            if (count := max(map(len, inputs.values()))) > MOST:
                raise ValueError(f"Task size {count} is larger than maximum batch size {MOST}")
            feeds = {signature.inputs[key].name: values for key, values in inputs.items()}
            fetches = {key: tensor.name for key, tensor in signature.outputs.items()}
            return self.session.run(fetches, feeds)
        except (tf.errors.OpError, TypeError) as error:
            raise ValueError(getattr(error, "message", None) or str(error)) from None


class _Rest(http.server.BaseHTTPRequestHandler):
    """Predict and model status."""

    servable: Servable

    def do_GET(self):
        """Model status."""
        if self.path != f"/v1/models/{NAME}":
            return self._send(
                404, {"error": f"Could not find any versions of model {self.path.split('/')[-1]}"}
            )
        status = {"error_code": "OK", "error_message": ""}
        version = {"version": str(self.servable.version), "state": "AVAILABLE", "status": status}
        return self._send(200, {"model_version_status": [version]})

    def do_POST(self):
        """Predict."""
        content = self.rfile.read(int(self.headers["Content-Length"]))
        allowed = (
            f"/v1/models/{NAME}:predict",
            f"/v1/models/{NAME}/versions/{self.servable.version}:predict",
        )
        if self.path not in allowed:
            return self._send(404, {"error": f"Servable not found for request: {self.path}"})
        try:
            return self._send(200, self._predict(json.loads(content)))
        except ValueError as error:
            return self._send(400, {"error": str(error)})

    def log_message(self, *arguments):
        """Says nothing."""

    def _predict(self, body: dict) -> dict:
        by_rows = "instances" in body
        columns = _columns(body["instances"]) if by_rows else body["inputs"]
        outputs = self.servable.run(
            body.get("signature_name", "serving_default"),
            {name: _decoded(values) for name, values in columns.items()},
        )
        found = {name: _encoded(name, values.tolist()) for name, values in outputs.items()}
        if len(found) == 1:
            (found,) = found.values()
        elif by_rows:
            found = [dict(zip(found, row)) for row in zip(*found.values())]
        return {"predictions" if by_rows else "outputs": found}

    def _send(self, code: int, answer: dict) -> None:
        content = json.dumps(answer, indent=1).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


def _columns(instances: list[dict]) -> dict[str, list]:
    if len({tuple(sorted(instance)) for instance in instances}) != 1:
        raise ValueError("Failed to process element: instances differ in their keys")
    return {name: [instance[name] for instance in instances] for name in instances[0]}


def _decoded(value):
    """JSON to what a session takes: {"b64": ...} and text to bytes, at any depth."""
    if isinstance(value, list):
        return np.array([_decoded(item) for item in value], object) if _has_text(value) else value
    return base64.b64decode(value["b64"]) if isinstance(value, dict) else value.encode()


def _has_text(value: list) -> bool:
    return any(
        _has_text(item) if isinstance(item, list) else isinstance(item, (str, dict))
        for item in value
    )


def _encoded(name: str, value):
    """A session's answer to JSON: what is named `..._bytes` in
    base 64, and other strings as text.
    """
    if isinstance(value, list):
        return [_encoded(name, item) for item in value]
    if not isinstance(value, bytes):
        return value
    return {"b64": base64.b64encode(value).decode()} if name.endswith("_bytes") else value.decode()


class _Prediction(prediction_service_pb2_grpc.PredictionServiceServicer):
    """Predict."""

    def __init__(self, servable: Servable):
        self.servable = servable

    def Predict(self, request, context):
        """PredictRequest to PredictResponse."""
        if request.model_spec.name != NAME:
            context.abort(
                grpc.StatusCode.NOT_FOUND,
                f"Servable not found for request: {request.model_spec.name}",
            )
        inputs = {name: tf.make_ndarray(tensor) for name, tensor in request.inputs.items()}
        try:
            outputs = self.servable.run(
                request.model_spec.signature_name or "serving_default", inputs
            )
        except ValueError as error:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
        response = predict_pb2.PredictResponse(model_spec=request.model_spec)
        for name, values in outputs.items():
            response.outputs[name].CopyFrom(tf.make_tensor_proto(values))
        return response


class StandIn:
    """Both services, on threads of this process, at ports of 127.0.0.1; 0 takes any free one."""

    def __init__(self, export_dir: str, rest_port: int = 0, grpc_port: int = 0):
        servable = Servable(export_dir)
        handler = type("Handler", (_Rest,), {"servable": servable})
        self._rest = http.server.ThreadingHTTPServer(("127.0.0.1", rest_port), handler)
        self._grpc = grpc.server(futures.ThreadPoolExecutor(4))
        prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(
            _Prediction(servable), self._grpc
        )
        self.rest_port = self._rest.server_address[1]
        self.grpc_port = self._grpc.add_insecure_port(f"127.0.0.1:{grpc_port}")

    def __enter__(self) -> StandIn:
        threading.Thread(target=self._rest.serve_forever, daemon=True).start()
        self._grpc.start()
        return self

    def __exit__(self, *exception) -> None:
        self._rest.shutdown()
        self._rest.server_close()
        self._grpc.stop(None)


if __name__ == "__main__":
    with StandIn(sys.argv[1], *map(int, sys.argv[2:] or (8501, 8500))) as server:
        print(
            f"a stand-in for TensorFlow Serving: REST at port {server.rest_port}, gRPC at"
            f" {server.grpc_port}"
        )
        threading.Event().wait()
