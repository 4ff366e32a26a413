"""`draw.py --api`, the real process, with our own client and with requests that it refuses."""

from __future__ import annotations

import base64
import contextlib
import json
import pathlib
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator

import numpy as np
import pytest
from PIL import Image, ImageDraw

from sketch2img_tf.errors import UserError
from sketch2img_tf.inference import sketch_pixels
from sketch2img_tf.inference.litert_model import LiteRTModel
from sketch2img_tf.inference.models import PRETRAINED
from sketch2img_tf.serving import rest_requests
from sketch2img_tf.serving.remote_model import RemoteModel
from tests.draw_page import browser
from tests.export import exports

pytestmark = pytest.mark.ci
ROOT = pathlib.Path(__file__).resolve().parents[2]


@contextlib.contextmanager
def api(python: str, *flags: str) -> Iterator[str]:
    """The address; it ends without a word."""
    port = browser.free_port()
    command = [python, "draw.py", "--api", f"--port={port}", *flags]
    process = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        said = process.stdout.readline()
        address = f"http://127.0.0.1:{port}"
        assert said == f"answers at {address}/v1/models/sketch2img:predict (Ctrl-C ends)\n", (
            process.stderr.read()
        )
        yield address
    finally:
        process.terminate()
        rest, errors = process.communicate(timeout=60)
    assert (process.returncode, rest, errors) == (0, "", "")


@pytest.fixture(scope="module")
def server(drawing_python):
    with pytest.MonkeyPatch.context() as monkeypatch:
        browser.without_proxy(monkeypatch)
        with api(drawing_python) as address:
            yield address


@pytest.fixture(scope="module")
def model():
    return LiteRTModel(PRETRAINED)


def cup(side: int = 200) -> Image.Image:
    page = Image.new("L", (side, side), "white")
    ImageDraw.Draw(page).rectangle(
        [side // 4, side // 3, 3 * side // 4, 3 * side // 4], outline="black", width=3
    )
    return page


def instance(sketch: bytes, label: str = "cup", seed: int = 0) -> dict:
    return {
        "sketch_bytes": {"b64": base64.b64encode(sketch).decode()},
        "label": label,
        "seed": seed,
    }


def tensors(sketch: list, label_id: int = 0) -> dict:
    inputs = {"sketch": [sketch], "label_id": [label_id], "seed": [0]}
    return {"signature_name": "tensors", "inputs": inputs}


def ask(server: str, body: object, path: str = "/v1/models/sketch2img:predict") -> tuple[int, dict]:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    try:
        with urllib.request.urlopen(
            urllib.request.Request(server + path, content), timeout=60
        ) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        assert error.headers["Content-Type"] == "application/json"
        return error.code, json.load(error)


def near(picture: bytes, other: bytes) -> bool:
    """To a level: the model runs in another library here."""
    return np.abs(exports.pixels(picture).astype(int) - exports.pixels(other)).max() <= 1


def test_our_own_client_draws_with_it(server, model, tmp_path):
    cup().save(tmp_path / "cup.png")
    cup(300).save(tmp_path / "other.jpg")
    (tmp_path / "text.png").write_text("no picture")
    client = ROOT / "sketch2img_tf" / "serving" / "rest_client.py"
    command = [
        sys.executable,
        str(client),
        f"--server={server}",
        "--label=Mug",
        "--seed=-5",
        "cup.png",
        "text.png",
    ]
    done = subprocess.run([*command, "other.jpg"], cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (
        1,
        "error: text.png: the sketch is neither PNG nor JPEG\n",
    )
    assert done.stdout.split() == ["cup-Mug--5.png", "other-Mug--5.png"]
    for name, drawn in (("cup.png", "cup-Mug--5.png"), ("other.jpg", "other-Mug--5.png")):
        [expected] = model.from_bytes([(tmp_path / name).read_bytes()], ["cup"], [-5])
        assert near((tmp_path / drawn).read_bytes(), expected)


def test_the_page_can_draw_with_it(server, model):
    remote = RemoteModel(server)
    assert remote.class_names == model.card.class_names
    sketches, labels, seeds = [exports.encoded(cup())] * 3, ["cup", "tree", "cup"], [0, 1, 2]
    pictures = remote.from_bytes(sketches, labels, seeds)
    assert all(map(near, pictures, model.from_bytes(sketches, labels, seeds)))
    with pytest.raises(UserError, match="unknown class: label=appel: .*nearest: apple"):
        remote.from_bytes(sketches[:1], ["appel"], [0])


def test_its_other_answers_have_tensorflow_servings_form(server, model):
    with urllib.request.urlopen(f"{server}/v1/models/sketch2img") as answer:
        [version] = json.load(answer)["model_version_status"]
    assert version["state"] == "AVAILABLE" and version["version"].isdecimal()
    sketch = exports.encoded(cup())
    path = f"/v1/models/sketch2img/versions/{version['version']}:predict"
    code, answer = ask(server, {"instances": [instance(sketch)]}, path)  # serving_default
    [photo] = answer["predictions"]
    assert code == 200 and near(
        base64.b64decode(photo["b64"]), *model.from_bytes([sketch], ["cup"], [0])
    )
    labels = [{"label": "Hot air balloon"}, {"label": "?"}]
    code, answer = ask(server, {"signature_name": "classes", "instances": labels})
    assert code == 200
    assert [row["label_id"] for row in answer["predictions"]] == [
        model.card.class_names.index("hot-air_balloon"),
        -1,
    ]
    assert ask(server, {"signature_name": "classes", "instances": ["Hot air balloon", "?"]}) == (
        200,
        answer,  # where there is one input it needs no name
    )


def test_by_columns_it_answers_the_same(server):
    sketches = [instance(exports.encoded(cup()), seed=3), instance(b"a cat", "chair", -1)]
    for signature, instances in (
        ("serving_default", sketches[:1]),
        ("each", sketches),
        ("classes", [{"label": "cup"}, {"label": "?"}]),
    ):
        names = instances[0].keys()
        columns = {name: [item[name] for item in instances] for name in names}
        code, by_rows = ask(server, {"signature_name": signature, "instances": instances})
        assert code == 200
        code, by_columns = ask(server, {"signature_name": signature, "inputs": columns})
        assert code == 200 and by_columns.keys() == {"outputs"}
        if signature == "serving_default":  # has one output, whose name is left out
            assert by_columns["outputs"] == by_rows["predictions"]
        else:
            rows = [
                dict(zip(by_columns["outputs"], row))
                for row in zip(*by_columns["outputs"].values())
            ]
            assert rows == by_rows["predictions"]
    assert ask(server, {"signature_name": "classes", "inputs": ["cup", "?"]}) == (200, by_columns)


def test_pixels_in_and_pixels_out(server, model):
    sketch = sketch_pixels.read(exports.encoded(cup()), 64)
    cups = model.card.class_names.index("cup")
    asked = {"sketch": [sketch.tolist()] * 2, "label_id": [cups, 0], "seed": [5, 6]}
    code, answer = ask(server, {"signature_name": "tensors", "inputs": asked})
    assert code == 200
    expected = [
        exports.pixels(picture).astype(int)
        for picture in model.from_bytes(
            [exports.encoded(cup())] * 2, ["cup", model.card.class_names[0]], [5, 6]
        )
    ]
    assert np.abs(np.array(answer["outputs"]) - expected).max() <= 1
    rows = [dict(zip(asked, row)) for row in zip(*asked.values())]
    assert ask(server, {"signature_name": "tensors", "instances": rows}) == (
        200,
        {"predictions": answer["outputs"]},
    )


def test_its_signatures_are_those_of_an_export(exported):
    """By name, with inputs of the same names."""
    import tensorflow as tf

    signatures = tf.saved_model.load(str(exported)).signatures
    assert {
        name: set(signature.structured_input_signature[1]) for name, signature in signatures.items()
    } == {name: set(inputs) for name, inputs in rest_requests.INPUTS.items()}


@pytest.mark.parametrize(
    ("body", "code", "says"),
    [
        (b"\xff", 400, "not JSON"),
        (b"[" * 100_000, 400, "not JSON"),
        ([], 400, "should be"),
        ({}, 400, "by rows, or .* by columns"),
        ({"instances": [], "inputs": {}}, 400, "by rows, or .* by columns"),
        ({"instances": {}}, 400, "instances should be a list"),
        ({"instances": []}, 400, "0 instances"),
        ({"inputs": {}}, 400, "inputs should have label, seed, sketch_bytes, and nothing else"),
        ({"inputs": [instance(b"a cat")]}, 400, "inputs should have label, seed, sketch_bytes"),
        ({"inputs": instance(b"a cat")}, 400, "inputs.sketch_bytes should be a list"),
        (
            {"inputs": {"sketch_bytes": [], "label": ["cat"], "seed": [1, 2]}},
            400,
            "the lists of inputs differ in length: 0 sketch_bytes, 1 label, 2 seed",
        ),
        (
            {"inputs": {"sketch_bytes": [{"b64": ""}], "label": [["cat"]], "seed": [1]}},
            400,
            r"inputs.label\[0\] should be the name",
        ),
        (tensors([[[255]] * 64] * 63), 400, r"inputs.sketch\[0\] should be .* 64x64x1"),
        (tensors([[255] * 64] * 64), 400, r"inputs.sketch\[0\] should be lists"),
        (tensors([[[255]] * 64] * 63 + [[[255]]]), 400, r"inputs.sketch\[0\] should be lists"),
        (tensors([[[256]] * 64] * 64), 400, r"inputs.sketch\[0\] should be .* from 0 to 255"),
        (tensors([[[0.5]] * 64] * 64), 400, r"inputs.sketch\[0\] should be lists of whole"),
        (tensors([[["0"]] * 64] * 64), 400, r"inputs.sketch\[0\] should be lists of whole"),
        (tensors([[[255]] * 64] * 64, 125), 400, "item 0: label_id=125: should be 0 to 124"),
        (tensors([[[255]] * 64] * 64, -1), 400, "item 0: label_id=-1: should be 0 to 124"),
        ({"instances": [{}] * 9}, 400, "9 instances: send 1 to 8"),
        (
            {"instances": [{}], "signature_name": "cats"},
            400,
            "one of serving_default, each, tensors, classes",
        ),
        ({"instances": [{}]}, 400, r"instances\[0\] should have label, seed, sketch_bytes"),
        (
            {"instances": [instance(b"a cat") | {"seed": 2**63}]},
            400,
            r"instances\[0\].seed should be a whole",
        ),
        (
            {"instances": [instance(b"a cat") | {"seed": True}]},
            400,
            r"instances\[0\].seed should be a whole",
        ),
        (
            {"instances": [instance(b"a cat") | {"label": 3}]},
            400,
            r"instances\[0\].label should be the name",
        ),
        (
            {"instances": [instance(b"a cat") | {"sketch_bytes": {"b64": "?"}}]},
            400,
            r"sketch_bytes should be",
        ),
        ({"instances": [instance(b"a cat")]}, 400, "item 0: the sketch is neither PNG nor JPEG"),
        (b" " * 46_000_000, 413, "more than .* bytes: send fewer or smaller"),
    ],
)
def test_what_it_refuses(body, code, says, server):
    answered, answer = ask(server, body)
    assert answered == code and answer.keys() == {"error"}
    with pytest.raises(AssertionError, match=says):
        raise AssertionError(answer["error"])


def test_a_picture_of_many_pixels_is_not_decoded(server):
    bomb = exports.encoded(Image.new("1", (20_000, 20_000), 1))
    instances = [instance(bomb), instance(exports.encoded(cup()))]
    code, answer = ask(server, {"signature_name": "each", "instances": instances})
    assert code == 200
    assert [row["error"][:45] for row in answer["predictions"]] == [
        "the sketch should be at most 2048x2048 pixels",
        "",
    ]


def test_other_paths(server):
    code, answer = ask(server, {}, "/v1/models/other:predict")
    assert code == 404 and "there are POST /v1/models/sketch2img:predict" in answer["error"]


def test_who_comes_when_too_many_wait_is_told_at_once(drawing_python, monkeypatch):
    browser.without_proxy(monkeypatch)
    body = {"signature_name": "each", "instances": [instance(exports.encoded(cup()))]}

    def asked_until(wanted: int) -> dict:
        end = time.monotonic() + 30
        while time.monotonic() < end:
            code, told = ask(server, body)
            if code == wanted:
                return told
        raise AssertionError(f"{wanted} is not answered in 30 seconds")

    with api(drawing_python, "--queue=1") as server:
        host, port = server.removeprefix("http://").split(":")
        with contextlib.ExitStack() as slow:
            for _ in range(2):  # have begun to send: one is answered, one waits
                connection = slow.enter_context(socket.create_connection((host, int(port))))
                connection.sendall(b"POST /v1/models/sketch2img:predict HTTP/1.1\r\nHost: a\r\n")
                connection.sendall(b"Content-Length: 9\r\n\r\n{")
            told = asked_until(503)
        assert told == {"error": "busy: 1 requests wait already; try again in a while"}
        asked_until(200)  # they have gone


def test_a_saved_model_is_for_tensorflow_serving(exported):
    command = [sys.executable, "draw.py", "--api", f"--model={exported}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(
        f"error: --model={exported}: is a SavedModel, for TensorFlow Serving; "
    )
    done = subprocess.run([*command, "--browser"], cwd=ROOT, capture_output=True, text=True)
    assert done.stderr == "error: --api shows no page: give it without --server and --browser\n"
