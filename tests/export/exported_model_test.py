"""The export's signatures, its graph, and a stranger to this project who
loads it. More loaders: loaders_test.py.
"""

from __future__ import annotations

import pickle
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from tests.export import exports
from tests.paired import paired

STRANGER = """
import pickle, sys

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("sketch2img_tf", "datasets", "tensorflow_addons"):
            raise ImportError(name)

sys.meta_path.insert(0, Refuse())
import tensorflow as tf

signatures = tf.saved_model.load(sys.argv[1]).signatures
with open(sys.argv[2], "rb") as file:
    requests = pickle.load(file)
answers = []
for name, inputs in requests:
    outputs = signatures[name](**{key: tf.constant(values) for key, values in inputs.items()})
    answers.append({key: value.numpy() for key, value in outputs.items()})
with open(sys.argv[3], "wb") as file:
    pickle.dump(answers, file)
"""
TENSORS, FILES = exports.tensors(8), exports.files(3)
CHANGED = [dict(seed=9), dict(label_id=2), dict(sketch=TENSORS["sketch"][1])]
BLANK = [dict(sketch=np.full_like(TENSORS["sketch"][0], page)) for page in (255, 0)]


def changed(changes):
    """The first item of `TENSORS` with something else in place of a part of it."""
    return {
        key: np.asarray(changes.get(key, values[0]), values.dtype)[None]
        for key, values in TENSORS.items()
    }


@pytest.fixture(scope="module")
def answers(exported, tmp_path_factory):
    """Of a process that has TensorFlow and nothing of ours."""
    requests = [("tensors", TENSORS), ("tensors", TENSORS), ("serving_default", FILES)]
    requests += [("tensors", changed(changes)) for changes in CHANGED + BLANK]
    folder = tmp_path_factory.mktemp("stranger")
    (folder / "requests").write_bytes(pickle.dumps(requests))
    command = [
        sys.executable,
        "-I",
        "-c",
        STRANGER,
        str(exported),
        str(folder / "requests"),
        str(folder / "answers"),
    ]
    done = subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return pickle.loads((folder / "answers").read_bytes())


@pytest.fixture(scope="module")
def graph(exported):
    return saved_model_pb2.SavedModel.FromString(
        (exported / "saved_model.pb").read_bytes()
    ).meta_graphs[0]


def test_a_stranger_gets_the_pictures_of_the_python_generator(answers):
    expected = exports.python_pictures(exports.untrained_generator(), TENSORS)
    assert answers[0]["photo"].dtype == np.uint8
    assert np.abs(answers[0]["photo"] - expected).max() < 0.51  # rounded to the nearest
    files = [exports.pixels(file) for file in answers[2]["photo_bytes"]]
    assert np.abs(np.stack(files) - expected[:3]).max() < 1.01  # of another batch size


def test_the_same_request_gives_the_same_bytes(answers):
    np.testing.assert_array_equal(answers[0]["photo"], answers[1]["photo"])


def test_sketch_class_and_seed_each_make_a_difference(answers):
    first, *others = (
        answer["photo"][0].astype(int) for answer in [answers[0], *answers[3 : 3 + len(CHANGED)]]
    )
    assert [np.abs(other - first).max() > 5 for other in others] == [True] * len(CHANGED)


def test_blank_sketches_give_pictures_too(answers):
    generator = exports.untrained_generator()
    for changes, answer in paired(BLANK, answers[-len(BLANK) :]):
        expected = exports.python_pictures(generator, changed(changes))
        assert np.isfinite(expected).all() and expected.std() > 10
        assert np.abs(answer["photo"] - expected).max() < 0.51


def test_no_gradients_are_in_it(graph):
    """They would be most of the graph, and hundreds of warnings to who loads it."""
    functions = graph.graph_def.library.function
    names = [function.signature.name for function in functions]
    assert any("from_tensors" in name for name in names) and not [
        name for name in names if "grad" in name
    ]
    assert not [
        node.name
        for function in functions
        for node in function.node_def
        if "_gradient_op_type" in node.attr
    ]


def test_signatures_are_as_others_rely_on(graph):
    def described(tensors):
        return {
            name: (
                tf.dtypes.as_dtype(tensor.dtype).name,
                [dim.size for dim in tensor.tensor_shape.dim],
            )
            for name, tensor in tensors.items()
        }

    found = {
        name: (described(signature.inputs), described(signature.outputs))
        for name, signature in graph.signature_def.items()
        if name != "__saved_model_init_op"
    }
    text, number = ("string", [-1]), ("int64", [-1])
    files = {"sketch_bytes": text, "label": text, "seed": number}
    assert found == {
        "serving_default": (files, {"photo_bytes": text}),
        "each": (files, {"photo_bytes": text, "error": text}),
        "tensors": (
            {"sketch": ("uint8", [-1, 64, 64, 1]), "label_id": number, "seed": number},
            {"photo": ("uint8", [-1, 64, 64, 3])},
        ),
        "classes": ({"label": text}, {"label_id": number, "class_names": ("string", [-1, 3])}),
    }


def test_the_graph_has_standard_ops_alone(graph):
    functions = graph.graph_def.library.function
    ops = {
        node.op
        for node in [*graph.graph_def.node, *(node for f in functions for node in f.node_def)]
    }
    assert {"Conv2D", "StatelessRandomNormalV2", "EncodePng"} <= ops
    # As Addons>ImageProjectiveTransformV2
    assert not {op for op in ops if ">" in op or "PyFunc" in op}
    # Whose pictures would differ from call to call
    assert not {op for op in ops if op.startswith("Random")}


def test_a_label_out_of_range_fails(exported):
    tensors = tf.saved_model.load(str(exported)).signatures["tensors"]
    request = {key: tf.constant(values[:2]) for key, values in TENSORS.items()}
    for wrong in (-1, 3):
        request["label_id"] = tf.constant([0, wrong], tf.int64)
        message = rf"label_id out of range:.*\[0 {wrong}\].*classes:.*3"
        with pytest.raises(tf.errors.InvalidArgumentError, match=message):
            tensors(**request)
