"""The export, in a process that has TensorFlow and nothing of ours, against the Python generator."""

from __future__ import annotations

import io
import os
import pathlib
import pickle
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image, ImageDraw
from tensorflow.core.protobuf import saved_model_pb2

from sketch2img_tf.card import Card
from sketch2img_tf.config import Config, NetworkConfig
from sketch2img_tf.data import preprocessing
from sketch2img_tf.data.statistics import Statistics
from sketch2img_tf.errors import UserError
from sketch2img_tf.networks.generator import make_generator
from sketch2img_tf.serving import exported_model

MEAN, SCALE, SKETCH_MEAN, SKETCH_SCALE = (0.5, 0.4, 0.3), 0.7, 0.1, 0.9
CLASSES = ("apple", "car_(sedan)", "hot-air_balloon")
CARD = Card(
    Config(network=NetworkConfig(base_width=4)), CLASSES, Statistics(MEAN, SCALE, (SKETCH_MEAN,), SKETCH_SCALE)
)
STEP = 1200
COUNT = 8

STRANGER = """
import pickle, sys

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("sketch2img_tf", "datasets", "tensorflow_addons"):
            raise ImportError(name)

sys.meta_path.insert(0, Refuse())
import numpy as np
import tensorflow as tf

with open(sys.argv[2], "rb") as file:
    tensors, files = pickle.load(file)
signatures = tf.saved_model.load(sys.argv[1]).signatures

def run(name, inputs, rows):
    given = {key: tf.constant(values[rows]) for key, values in inputs.items()}
    return {key: value.numpy() for key, value in signatures[name](**given).items()}

batches = {size: run("tensors", tensors, slice(size)) for size in (1, 3, 8)}
results = {
    "batches": batches,
    "again": run("tensors", tensors, slice(8)),
    "other_mates": run("tensors", tensors, [0, 7, 6, 5, 1, 1, 1, 1]),
    "files": run("serving_default", files, slice(None)),
    "files_reversed": run("serving_default", files, slice(None, None, -1)),
}
with open(sys.argv[3], "wb") as file:
    pickle.dump(results, file)
"""


def drawn(number, size=(64, 64), mode="L", paper="white"):
    """A free shape of black lines."""
    random = np.random.default_rng(number)
    points = [tuple(point) for point in (random.random((7, 2)) * size).tolist()]
    picture = Image.new(mode, size, paper)
    ImageDraw.Draw(picture).line(points, fill="black", width=max(2, min(size) // 32), joint="curve")
    return picture


def encoded(picture, form):
    buffer = io.BytesIO()
    picture.save(buffer, form)
    return buffer.getvalue()


TENSORS = {
    "sketch": np.stack([np.asarray(drawn(number))[..., None] for number in range(COUNT)]),
    "label_id": np.array([0, 1, 2, 0, 1, 2, 0, 1]),
    "seed": np.array([0, 1, 2, 3, -4, 2**40, 6, 7]),
}
SKETCH_FILES = [
    encoded(drawn(0), "PNG"),
    encoded(drawn(1, (256, 256)), "PNG"),
    encoded(drawn(2, (300, 200), "RGBA", (0, 0, 0, 0)), "PNG"),  # a transparent page is white paper
    encoded(drawn(3, (100, 350), "RGB"), "JPEG"),
]
FILES = {
    "sketch_bytes": np.array(SKETCH_FILES, dtype=object),
    "label": np.array([b"hot-air_balloon", b"apple", b"car_(sedan)", b"apple"], dtype=object),
    "seed": np.array([5, 0, 1, 0]),
}


@pytest.fixture(scope="module")
def generator():
    """One whose pictures follow the sketch, the class and the seed, unlike those of an untrained one."""
    generator = make_generator(CARD.config.network, len(CLASSES))
    random = np.random.default_rng(0)
    for variable in generator.variables:
        positive = "variance" in variable.name or "gamma" in variable.name
        values = random.uniform(0.5, 1.5, variable.shape) if positive else random.normal(0, 0.15, variable.shape)
        variable.assign(values)
    return generator


@pytest.fixture(scope="module")
def export(generator, tmp_path_factory):
    return pathlib.Path(exported_model.export(generator, CARD, STEP, str(tmp_path_factory.mktemp("export") / "new")))


@pytest.fixture(scope="module")
def results(export, tmp_path_factory):
    """What a stranger to this project gets from the export."""
    folder = tmp_path_factory.mktemp("stranger")
    (folder / "inputs").write_bytes(pickle.dumps((TENSORS, FILES)))
    command = [sys.executable, "-I", "-c", STRANGER, str(export), str(folder / "inputs"), str(folder / "results")]
    done = subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return pickle.loads((folder / "results").read_bytes())


@pytest.fixture(scope="module")
def loaded(export):
    return tf.saved_model.load(str(export))


def pictures(generator, ink, labels, seeds):
    """The Python generator's, uint8, from sketches whose paper is 0 and ink 1."""
    normalized = ((ink - SKETCH_MEAN) / SKETCH_SCALE).astype(np.float32)
    photos = generator.draw(tf.constant(normalized), tf.constant(labels), tf.constant(seeds)).numpy()
    return np.clip(photos.astype(np.float64) * SCALE + MEAN, 0, 1) * 255


def assert_same_pictures(found, expected):
    """Rounded to whole numbers; where 64-bit arithmetic says n + 1/2, 32 bits may fall on either side."""
    assert found.dtype == np.uint8
    assert np.abs(found - expected).max() < 0.51
    assert expected.std(axis=(1, 2, 3)).min() > 10  # they are pictures


def test_tensors_give_the_pictures_of_the_python_generator(generator, results):
    expected = pictures(generator, 1 - TENSORS["sketch"] / 255, TENSORS["label_id"], TENSORS["seed"])
    for size, outputs in results["batches"].items():
        assert outputs["photo"].shape == (size, 64, 64, 3)
        assert_same_pictures(outputs["photo"], expected[:size])


def test_files_give_the_pictures_of_the_python_generator(generator, results):
    ink = np.stack([preprocessing.resize(preprocessing.decode_sketch(file)) for file in SKETCH_FILES])
    labels = [CLASSES.index(name.decode()) for name in FILES["label"]]
    photos = [Image.open(io.BytesIO(file)) for file in results["files"]["photo_bytes"]]
    assert {photo.format for photo in photos} == {"PNG"}
    assert_same_pictures(np.stack(photos), pictures(generator, ink, labels, FILES["seed"]))


def test_both_signatures_draw_alike(results, loaded):
    """The same sketch as a file of the network's own size, and as its pixels, but for the rounding of grey values."""
    photo = loaded.signatures["tensors"](
        sketch=TENSORS["sketch"][:1], label_id=tf.constant([2], tf.int64), seed=tf.constant([5], tf.int64)
    )["photo"]
    file = Image.open(io.BytesIO(results["files"]["photo_bytes"][0]))
    np.testing.assert_allclose(photo[0].numpy().astype(int), np.asarray(file).astype(int), atol=1)


def test_the_same_request_gives_the_same_bytes(results):
    np.testing.assert_array_equal(results["batches"][8]["photo"], results["again"]["photo"])


def test_batch_mates_do_not_influence_a_picture(results):
    photos = {size: outputs["photo"].astype(int) for size, outputs in results["batches"].items()}
    np.testing.assert_array_equal(results["other_mates"]["photo"][0], photos[8][0])
    for size in (1, 3):  # the number of pictures may change the order of additions, and so a rounding
        np.testing.assert_allclose(photos[size], photos[8][:size], atol=1)
    files = results["files"]["photo_bytes"].tolist()
    assert results["files_reversed"]["photo_bytes"].tolist() == files[::-1]


@pytest.mark.parametrize("changed", [dict(seed=9), dict(label_id=2), dict(sketch=TENSORS["sketch"][1])])
def test_sketch_class_and_seed_each_make_a_difference(loaded, results, changed):
    inputs = {**{key: values[0] for key, values in TENSORS.items()}, **changed}
    batch = {key: tf.constant(value, TENSORS[key].dtype)[None] for key, value in inputs.items()}
    photo = loaded.signatures["tensors"](**batch)["photo"][0].numpy().astype(int)
    assert np.abs(photo - results["batches"][8]["photo"][0]).max() > 5


def saved(export):
    return saved_model_pb2.SavedModel.FromString((export / "saved_model.pb").read_bytes()).meta_graphs[0]


def test_signatures_are_as_others_rely_on(export):
    def described(tensors):
        return {
            name: (tf.dtypes.as_dtype(info.dtype).name, [dim.size for dim in info.tensor_shape.dim])
            for name, info in tensors.items()
        }

    signatures = saved(export).signature_def
    assert set(signatures) == {"serving_default", "tensors", "__saved_model_init_op"}
    by_file, by_tensor = signatures["serving_default"], signatures["tensors"]
    assert described(by_file.inputs) == {
        "sketch_bytes": ("string", [-1]),
        "label": ("string", [-1]),
        "seed": ("int64", [-1]),
    }
    assert described(by_file.outputs) == {"photo_bytes": ("string", [-1])}
    assert described(by_tensor.inputs) == {
        "sketch": ("uint8", [-1, 64, 64, 1]),
        "label_id": ("int64", [-1]),
        "seed": ("int64", [-1]),
    }
    assert described(by_tensor.outputs) == {"photo": ("uint8", [-1, 64, 64, 3])}


def test_the_graph_has_standard_ops_alone(export):
    graph = saved(export).graph_def
    nodes = [*graph.node, *(node for function in graph.library.function for node in function.node_def)]
    ops = {node.op for node in nodes}
    assert {"Conv2D", "StatelessRandomNormalV2", "DecodePng", "EncodePng"} <= ops
    foreign = {op for op in ops if ">" in op or "PyFunc" in op}  # as Addons>ImageProjectiveTransformV2
    assert not foreign
    assert not {op for op in ops if op.startswith("Random")}  # whose pictures would differ from call to call


def test_an_unknown_class_is_named(loaded):
    inputs = {key: tf.constant(values.tolist()) for key, values in FILES.items() if key != "seed"}
    inputs["label"] = tf.constant(["apple", "appel", "apple", "zebra"])
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"unknown class:.*\[appel zebra\]"):
        loaded.signatures["serving_default"](**inputs, seed=tf.constant(FILES["seed"]))


@pytest.mark.parametrize("label_id", [-1, 3])
def test_a_label_out_of_range_fails(loaded, label_id):
    inputs = {key: tf.constant(values[:2]) for key, values in TENSORS.items()}
    inputs["label_id"] = tf.constant([0, label_id], tf.int64)
    with pytest.raises(tf.errors.InvalidArgumentError, match=rf"label_id out of range:.*\[0 {label_id}\].*classes:.*3"):
        loaded.signatures["tensors"](**inputs)


def test_the_folder_is_the_step_and_holds_the_card(export):
    assert (export.name, os.listdir(export.parent)) == (str(STEP), [str(STEP)])
    assert Card.from_json((export / "assets.extra" / "card.json").read_text()) == CARD


def test_an_export_is_never_overwritten(export, generator):
    before = (export / "saved_model.pb").stat()
    with pytest.raises(UserError, match=f"^{export} exists: delete it, or give another --export_dir$"):
        exported_model.export(generator, CARD, STEP, str(export.parent))
    assert (export / "saved_model.pb").stat() == before
    assert os.listdir(export.parent) == [str(STEP)]


def test_an_export_that_is_killed_leaves_no_version(generator, tmp_path, monkeypatch):
    def killed(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(tf.saved_model, "save", killed)
    with pytest.raises(KeyboardInterrupt):
        exported_model.export(generator, CARD, STEP, str(tmp_path))
    assert not [path for path in tmp_path.iterdir() if path.name.isdigit()]


def test_a_folder_that_cannot_be_written(generator, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=f"^--export_dir={tmp_path}/file: cannot be written"):
        exported_model.export(generator, CARD, STEP, str(tmp_path / "file"))
