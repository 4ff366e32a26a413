"""Requests that TensorFlow Serving sends itself before others: a model's first call is slow.

https://www.tensorflow.org/tfx/serving/saved_model_warmup
"""

from __future__ import annotations

import io
import os
from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf
from PIL import Image, ImageDraw
from tensorflow_serving.apis import predict_pb2, prediction_log_pb2

if TYPE_CHECKING:
    from sketch2img_tf.run_folder.run_card import Card

PATH = os.path.join("assets.extra", "tf_serving_warmup_requests")


def write(version: str, card: Card) -> None:
    """Writes a request per signature into an export's folder, as TFRecords of `PredictionLog`."""
    label, size = [card.class_names[0]], card.config.data.image_size
    files = {"sketch_bytes": [sketch_png()], "label": label, "seed": np.zeros(1, np.int64)}
    pixels = np.asarray(_sketch().resize((size, size)), np.uint8)[np.newaxis, ..., np.newaxis]
    tensors = {"sketch": pixels, "label_id": np.zeros(1, np.int64), "seed": np.zeros(1, np.int64)}
    requests = {
        "serving_default": files,
        "each": files,
        "tensors": tensors,
        "classes": {"label": label},
    }
    with tf.io.TFRecordWriter(os.path.join(version, PATH)) as writer:
        for signature, inputs in requests.items():
            writer.write(_log(signature, inputs).SerializeToString())


def sketch_png() -> bytes:
    """A sketch like those that people send: 256x256, black on white."""
    file = io.BytesIO()
    _sketch().save(file, "PNG")
    return file.getvalue()


def _log(signature: str, inputs: dict) -> prediction_log_pb2.PredictionLog:
    request = predict_pb2.PredictRequest()
    request.model_spec.signature_name = signature
    for name, values in inputs.items():
        request.inputs[name].CopyFrom(tf.make_tensor_proto(values))
    return prediction_log_pb2.PredictionLog(
        predict_log=prediction_log_pb2.PredictLog(request=request)
    )


def _sketch() -> Image.Image:
    """A house."""
    sketch = Image.new("L", (256, 256), 255)
    draw = ImageDraw.Draw(sketch)
    draw.line(
        [(60, 120), (128, 50), (196, 120), (196, 210), (60, 210), (60, 120), (196, 120)],
        fill=0,
        width=3,
    )
    draw.rectangle((112, 160, 144, 210), outline=0, width=3)
    return sketch
