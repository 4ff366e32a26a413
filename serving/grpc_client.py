"""Draws sketches with a TensorFlow Serving server, over gRPC. Needs tensorflow-serving-api.

    python serving/grpc_client.py --label=cat cat.png another.png
    python serving/grpc_client.py --server=HOST:8500 --label=cat --seed=7 --output_dir=pictures cat.png

The request goes to the signature `each`, which answers every sketch by itself: one that cannot be used has an error
and costs nobody else a picture.
"""

from __future__ import annotations

import argparse
import os
import pathlib
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # says nothing of the GPU that a client does not need

import grpc
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc


def main() -> None:
    """Draws the files of the command line."""
    arguments = parse_arguments()
    arguments.output_dir.mkdir(parents=True, exist_ok=True)
    failed = False
    photos, errors = predict(arguments.server, arguments.model, arguments.sketches, arguments.label, arguments.seed)
    for path, photo, error in zip(arguments.sketches, photos, errors):
        if error:
            failed = True
            print(f"error: {path}: {error.decode()}", file=sys.stderr)
            continue
        output = arguments.output_dir / f"{path.stem}-{arguments.label}-{arguments.seed}.png"
        output.write_bytes(photo)
        print(output)
    sys.exit(failed)


def predict(server: str, model: str, sketches: list[pathlib.Path], label: str, seed: int) -> tuple[list, list]:
    """For each file its photo's PNG and its error, one of which is empty."""
    request = predict_pb2.PredictRequest()
    request.model_spec.name, request.model_spec.signature_name = model, "each"
    count = len(sketches)
    request.inputs["sketch_bytes"].CopyFrom(tf.make_tensor_proto([path.read_bytes() for path in sketches]))
    request.inputs["label"].CopyFrom(tf.make_tensor_proto([label] * count))
    request.inputs["seed"].CopyFrom(tf.make_tensor_proto([seed] * count, tf.int64))
    with grpc.insecure_channel(server) as channel:
        try:
            stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
            outputs = stub.Predict(request, timeout=60).outputs
        except grpc.RpcError as error:
            sys.exit(f"error: {server} answers {error.code().name}: {error.details()}")
    return list(outputs["photo_bytes"].string_val), list(outputs["error"].string_val)


def parse_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sketches", nargs="+", type=pathlib.Path, help="PNG or JPEG files, black lines on white")
    parser.add_argument("--label", required=True, help="class of what is drawn")
    parser.add_argument("--seed", type=int, default=0, help="another seed gives another picture (default: 0)")
    parser.add_argument("--output_dir", type=pathlib.Path, default=".", help="folder of the pictures (default: here)")
    parser.add_argument("--server", default="localhost:8500", help="(default: localhost:8500)")
    parser.add_argument("--model", default="sketch2img", help="name of the model (default: sketch2img)")
    arguments = parser.parse_args()
    for path in arguments.sketches:
        if not path.is_file():
            parser.error(f"{path}: no such file")
    return arguments


if __name__ == "__main__":
    main()
