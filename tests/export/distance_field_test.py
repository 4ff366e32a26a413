"""Exports of a run with distances, signed or not, draw what training would
have: its op is the host's, not theirs.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from sketch2img_tf.data import preprocessing
from sketch2img_tf.export import lite_model
from sketch2img_tf.export.exported_model import ExportedModel
from tests.export import exports


@pytest.fixture(scope="module", params=["distance_field", "signed_distance"])
def card(request):
    statistics = dataclasses.replace(exports.CARD.statistics, sketch_encoding=request.param)
    return dataclasses.replace(exports.CARD, statistics=statistics)


@pytest.fixture(scope="module")
def generator():
    return exports.untrained_generator()


@pytest.fixture(scope="module")
def request_of_three():
    """The last sketch is blank."""
    request = exports.tensors(3)
    request["sketch"][2] = 255
    return request


@pytest.fixture(scope="module")
def expected(generator, request_of_three, card):
    """Pixels, not yet rounded, that the Python generator makes of
    sketches encoded as training encodes them.
    """
    ink = [preprocessing.sketch_intensities(sketch) for sketch in request_of_three["sketch"]]
    fields = tf.stack(
        [preprocessing.normalize_sketch_on_host(sketch, card.statistics) for sketch in ink]
    )
    photos = generator.draw(
        fields, request_of_three["label_id"], tf.constant(request_of_three["seed"])
    )
    return 255 * preprocessing.photo_intensities(photos, card.statistics).numpy()


def test_a_saved_model(generator, request_of_three, expected, card):
    model = ExportedModel(generator, card)
    photos = model.from_tensors(
        **{name: tf.constant(value) for name, value in request_of_three.items()}
    )["photo"]
    np.testing.assert_allclose(photos, expected, atol=0.51)
    specs = {
        name: tf.TensorSpec([None, *value.shape[1:]], value.dtype)
        for name, value in request_of_three.items()
    }
    graph = model.from_tensors.get_concrete_function(**specs).graph.as_graph_def()
    ops = {node.op for function in graph.library.function for node in function.node_def}
    ops |= {node.op for node in graph.node}
    assert "Min" in ops and not [
        op for op in ops if op.startswith(("Addons", "PyFunc", "EagerPyFunc"))
    ]


def test_a_lite_model(generator, request_of_three, expected, card):
    run = tf.lite.Interpreter(
        model_content=lite_model.convert(generator, card.statistics)
    ).get_signature_runner()
    for number, seed in enumerate(request_of_three["seed"]):
        noise = tf.random.stateless_normal(
            [1, *generator.noise_shape], [seed, 0], alg="philox"
        ).numpy()
        one = {name: request_of_three[name][number : number + 1] for name in ("sketch", "label_id")}
        photo = run(sketch=one["sketch"], label_id=one["label_id"].astype(np.int32), noise=noise)[
            "photo"
        ]
        assert np.abs(photo[0] - expected[number]).max() < 2.5  # rounding, and float16 weights
