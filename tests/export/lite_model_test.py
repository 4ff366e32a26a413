"""The TensorFlow Lite model, in TensorFlow Lite's interpreter, against the Python generator."""

from __future__ import annotations

import os
import pathlib

import numpy as np
import pytest
import tensorflow as tf

from sketch2img_tf.export import lite_model
from sketch2img_tf.export.export_folder import read_card
from sketch2img_tf.layers.cpu import convolution
from tests.export import exports

# Levels of 255 by which float16 weights may move a pixel, beyond its
# rounding: what serving/README.md promises.
TOLERANCE = 2


@pytest.fixture(scope="module")
def generator():
    return exports.untrained_generator()


@pytest.fixture(scope="module")
def folder(generator, tmp_path_factory) -> pathlib.Path:
    """Of the generator, as if it had the channels for which this
    computer's convolutions go by tiles.
    """
    export_dir = tmp_path_factory.mktemp("lite")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(convolution, "_MANY_CHANNELS", 0)
        return pathlib.Path(
            lite_model.export(generator, exports.CARD, exports.STEP, str(export_dir))
        )


@pytest.fixture(scope="module")
def interpreter(folder) -> tf.lite.Interpreter:
    return tf.lite.Interpreter(str(folder / lite_model.MODEL_FILE))


def test_it_draws_the_pictures_of_the_python_generator(generator, interpreter):
    request, run = exports.tensors(6), interpreter.get_signature_runner()
    expected = exports.python_pictures(generator, request)
    for number, seed in enumerate(request["seed"]):
        noise = tf.random.stateless_normal(
            [1, *generator.noise_shape], [seed, 0], alg="philox"
        ).numpy()
        label_id = request["label_id"][number : number + 1].astype(np.int32)
        photo = run(sketch=request["sketch"][number : number + 1], label_id=label_id, noise=noise)[
            "photo"
        ]
        assert photo.dtype == np.uint8
        assert np.abs(photo[0] - expected[number]).max() < TOLERANCE + 0.5


def test_every_op_is_of_tensorflow_lite_itself(interpreter):
    ops = {op["op_name"] for op in interpreter._get_ops_details()}
    assert {"CONV_2D", "TRANSPOSE_CONV", "LOGISTIC"} <= ops
    assert not [op for op in ops if op.startswith("Flex") or op == "CUSTOM"]


def test_weights_are_float16(generator, folder, interpreter):
    kernels = [tensor for tensor in interpreter.get_tensor_details() if "Conv2D" in tensor["name"]]
    assert any(tensor["dtype"] == np.float16 for tensor in kernels)
    weights = sum(weight.shape.num_elements() for weight in generator.trainable_weights)
    # And the graph
    assert 2 * weights < os.path.getsize(folder / lite_model.MODEL_FILE) < 2 * weights + 150_000


def test_the_folder_is_complete_and_no_version_of_tensorflow_serving(folder):
    assert folder.name == f"tflite-{exports.STEP}"
    assert sorted(os.listdir(folder)) == ["assets.extra", "labels.txt", "model.tflite"]
    assert (folder / "labels.txt").read_text().splitlines() == list(exports.CLASSES)
    assert read_card(str(folder)) == exports.CARD
