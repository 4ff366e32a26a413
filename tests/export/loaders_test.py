"""The export in the loaders that others have: the C API's, which TensorFlow Serving has too, and
`saved_model_cli`.

Neither process has this package or TensorFlow Addons.
"""

from __future__ import annotations

import os
import pathlib
import pickle
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow_serving.apis import prediction_log_pb2

from tests.export import exports

pytestmark = pytest.mark.ci

C_API = pathlib.Path(__file__).parent / "c_api.py"
LIBRARIES = os.path.dirname(tf.__file__)
WARM_UP = "assets.extra/tf_serving_warmup_requests"

# How far two ways of adding the same numbers may lead apart: one level of 255.
ROUNDING = 1


class Requests:
    """Requests by the names of a signature, to be answered together by one process of the C API."""

    def __init__(self, export: pathlib.Path):
        graph = saved_model_pb2.SavedModel.FromString(
            (export / "saved_model.pb").read_bytes()
        ).meta_graphs[0]
        self.signatures = graph.signature_def
        self.export = export
        self.requests = []
        self.names = []

    def add(self, signature: str, inputs: dict[str, np.ndarray]) -> int:
        """The number under which `answers` has this request's answer."""
        known = self.signatures[signature]
        self.requests.append(
            (
                {known.inputs[name].name: values for name, values in inputs.items()},
                [tensor.name for tensor in known.outputs.values()],
            )
        )
        self.names.append(list(known.outputs))
        return len(self.requests) - 1

    def answers(self, folder: pathlib.Path) -> list:
        """For each request a dictionary by the outputs' names, or the error's text."""
        requests, answers = folder / "requests", folder / "answers"
        requests.write_bytes(pickle.dumps(self.requests))
        command = [
            sys.executable,
            "-I",
            str(C_API),
            LIBRARIES,
            str(self.export),
            str(requests),
            str(answers),
        ]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        found = pickle.loads(answers.read_bytes())
        return [
            answer if isinstance(answer, str) else dict(zip(names, answer))
            for names, answer in zip(self.names, found)
        ]


def rows(request: dict[str, np.ndarray], chosen) -> dict[str, np.ndarray]:
    return {name: values[chosen] for name, values in request.items()}


def warm_up_requests(export: pathlib.Path) -> list[tuple[str, dict[str, np.ndarray]]]:
    """As TensorFlow Serving would read them."""
    found = []
    for record in tf.data.TFRecordDataset(str(export / WARM_UP)).as_numpy_iterator():
        request = prediction_log_pb2.PredictionLog.FromString(record).predict_log.request
        inputs = {name: tf.make_ndarray(tensor) for name, tensor in request.inputs.items()}
        found.append((request.model_spec.signature_name, inputs))
    return found


TENSORS, FILES = exports.tensors(32), exports.files(32)
BAD_FILES = rows(FILES, [0, 1, 2, 3])
BAD_FILES["label"][1] = b"aple"
BAD_FILES["sketch_bytes"][2] = exports.encoded(exports.drawing(2))[:200]
MATES = [0, 31, 30, 29, 3, 3, 3, 3]


@pytest.fixture(scope="module")
def answers(exported, tmp_path_factory) -> dict:
    requests = Requests(exported)
    numbers = {
        ("tensors", size): requests.add("tensors", rows(TENSORS, slice(size)))
        for size in (1, 3, 32)
    }
    numbers |= {
        ("files", size): requests.add("serving_default", rows(FILES, slice(size)))
        for size in (1, 3, 32)
    }
    numbers["each"] = requests.add("each", FILES)
    numbers["bad"] = requests.add("serving_default", BAD_FILES)
    numbers["bad each"] = requests.add("each", BAD_FILES)
    numbers["mates"] = requests.add("tensors", rows(TENSORS, MATES))
    numbers["first eight"] = requests.add("tensors", rows(TENSORS, slice(8)))
    numbers["classes"] = requests.add(
        "classes", {"label": exports.objects([b"hot-air_balloon", b"", b"apple"])}
    )
    for signature, inputs in warm_up_requests(exported):
        numbers[f"warm-up of {signature}"] = requests.add(signature, inputs)
    found = requests.answers(tmp_path_factory.mktemp("c_api"))
    return {name: found[number] for name, number in numbers.items()}


@pytest.mark.parametrize("size", [1, 3, 32])
def test_the_c_api_gives_the_pictures_of_the_python_generator(answers, size):
    expected = exports.python_pictures(exports.untrained_generator(), rows(TENSORS, slice(size)))
    photos = answers["tensors", size]["photo"]
    assert photos.dtype == np.uint8
    assert np.abs(photos - expected).max() < 0.51  # rounded to the nearest
    assert expected.std(axis=(1, 2, 3)).min() > 10  # they are pictures


@pytest.mark.parametrize("size", [1, 3, 32])
def test_files_give_the_pictures_of_their_pixels(answers, size):
    photos = np.stack([exports.pixels(file) for file in answers["files", size]["photo_bytes"]])
    np.testing.assert_allclose(
        photos.astype(int), answers["tensors", size]["photo"].astype(int), atol=ROUNDING
    )


def test_batch_mates_do_not_influence_a_picture(answers):
    eight, mates = answers["first eight"]["photo"], answers["mates"]["photo"]
    np.testing.assert_array_equal(mates[0], eight[0])
    for number in mates[4:]:
        np.testing.assert_array_equal(number, mates[4])
    np.testing.assert_allclose(mates[4].astype(int), eight[3].astype(int), atol=ROUNDING)


@pytest.mark.parametrize("size", [1, 3])
def test_the_size_of_the_batch_does_not_either(answers, size):
    of_32 = answers["tensors", 32]["photo"][:size]
    np.testing.assert_allclose(
        answers["tensors", size]["photo"].astype(int), of_32.astype(int), atol=ROUNDING
    )


def test_good_items_are_the_same_whether_errors_are_kept_apart(answers):
    assert answers["each"]["photo_bytes"].tolist() == answers["files", 32]["photo_bytes"].tolist()
    assert not any(answers["each"]["error"])


def test_a_bad_item_fails_its_whole_batch_and_is_named(answers):
    assert "item 1: unknown class: aple; item 2: the PNG or JPEG is damaged" in answers["bad"]


def test_a_bad_item_of_each_leaves_its_batch_mates_their_pictures(answers):
    photos, errors = answers["bad each"]["photo_bytes"], answers["bad each"]["error"]
    assert errors.tolist() == [b"", b"unknown class: aple", b"the PNG or JPEG is damaged", b""]
    assert photos[1:3].tolist() == [b"", b""]
    for number in (0, 3):
        found, expected = (
            exports.pixels(files[number]) for files in (photos, answers["each"]["photo_bytes"])
        )
        np.testing.assert_allclose(found.astype(int), expected.astype(int), atol=ROUNDING)


def test_the_classes_can_be_asked_for(answers):
    assert answers["classes"]["label_id"].tolist() == [2, -1, 0]
    assert (
        answers["classes"]["class_names"].tolist()
        == [[name.encode() for name in exports.CLASSES]] * 3
    )


def test_warm_up_requests_are_answered(exported, answers):
    requests = dict(warm_up_requests(exported))
    assert set(requests) == {"serving_default", "each", "tensors", "classes"}
    files = [
        exports.pixels(answers[f"warm-up of {name}"]["photo_bytes"][0])
        for name in ("serving_default", "each")
    ]
    np.testing.assert_array_equal(*files)
    assert answers["warm-up of tensors"]["photo"].shape == (1, 64, 64, 3)
    sketch = exports.pixels(requests["each"]["sketch_bytes"][0])
    assert (sketch < 128).sum() > 1000  # something is drawn


def test_saved_model_cli_runs_a_signature(exported, answers, tmp_path):
    np.savez(tmp_path / "inputs.npz", **rows(TENSORS, slice(3)))
    given = ";".join(f"{name}={tmp_path}/inputs.npz[{name}]" for name in TENSORS)
    command = (
        "import sys; from tensorflow.python.tools.saved_model_cli import main; sys.exit(main())"
    )
    arguments = [
        "--dir",
        str(exported),
        "--tag_set",
        "serve",
        "--signature_def",
        "tensors",
        "--inputs",
        given,
    ]
    done = subprocess.run(
        [sys.executable, "-I", "-c", command, "run", *arguments, "--outdir", str(tmp_path)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    photos = np.load(tmp_path / "photo.npy")
    np.testing.assert_allclose(
        photos.astype(int), answers["tensors", 3]["photo"].astype(int), atol=ROUNDING
    )
