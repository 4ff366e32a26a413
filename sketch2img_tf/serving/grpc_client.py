"""Draws sketches with a TensorFlow Serving server, over gRPC.

    python grpc_client.py --label=cat cat.png another.png
    python grpc_client.py --server=HOST:8500 --label=cat --seed=7 --output_dir=pictures cat.png

Needs tensorflow-serving-api and, beside it, rest_client.py, which reads and writes the files.
"""

from __future__ import annotations

import os

import grpc
import rest_client
from rest_client import Problem

# TensorFlow reports missing GPUs, which a client does not need; newer versions do it before they
# read this variable.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
try:
    _stderr = os.dup(2)
except OSError:  # it was closed when the program started
    _stderr = os.open(os.devnull, os.O_WRONLY)
with open(os.devnull, "w") as _nowhere:
    os.dup2(_nowhere.fileno(), 2)
try:
    import tensorflow as tf
    from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc
finally:
    os.dup2(_stderr, 2)
    os.close(_stderr)

_NOT_ONE = "is it TensorFlow Serving's gRPC port, 8500?"


def draw(
    server: str, model: str, sketches: list[bytes], labels: list[str], seeds: list[int]
) -> list[tuple[bytes, str]]:
    """As `rest_client.draw`; `server` is HOST:PORT."""
    if "://" in server:
        raise Problem(f"--server={server}: should be HOST:8500, the port of gRPC")
    request = predict_pb2.PredictRequest()
    request.model_spec.name, request.model_spec.signature_name = model, "each"
    request.inputs["sketch_bytes"].CopyFrom(tf.make_tensor_proto(sketches))
    request.inputs["label"].CopyFrom(tf.make_tensor_proto(labels))
    request.inputs["seed"].CopyFrom(tf.make_tensor_proto(seeds, tf.int64))
    outputs = _predict(server, request).outputs
    photos, errors = (list(outputs[name].string_val) for name in ("photo_bytes", "error"))
    if not len(photos) == len(errors) == len(sketches):
        raise Problem(f"--server={server}: {len(photos)} answers to {len(sketches)}; {_NOT_ONE}")
    return [(photo, error.decode("utf-8", "replace")) for photo, error in zip(photos, errors)]


def _predict(server: str, request: predict_pb2.PredictRequest) -> predict_pb2.PredictResponse:
    by_proxy = not rest_client.without_proxy(server.rpartition(":")[0].strip("[]"))
    with grpc.insecure_channel(server, [("grpc.enable_http_proxy", int(by_proxy))]) as channel:
        try:
            stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
            return stub.Predict(request, timeout=rest_client.TIMEOUT_S)
        except grpc.RpcError as error:
            said = " ".join((error.details() or "").split())
            hint = f"; {_NOT_ONE}" if error.code() == grpc.StatusCode.UNAVAILABLE else ""
            raise Problem(f"--server={server}: {error.code().name}: {said}{hint}") from None


if __name__ == "__main__":
    rest_client.run(draw, __doc__, "localhost:8500")
