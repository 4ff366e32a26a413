"""A model on a server: a stand-in for TensorFlow Serving, and servers that misbehave."""

from __future__ import annotations

import http.server
import socket
import threading

import numpy as np
import pytest

from sketch2img_tf.errors import UserError
from sketch2img_tf.serving import rest_client
from sketch2img_tf.serving.remote_model import RemoteModel
from tests.export import exports
from tests.inference.answering_server import Answering
from tests.inference.stand_in_server import StandIn


@pytest.fixture(scope="module")
def server(exported):
    with StandIn(str(exported.parent)) as server:
        yield f"http://127.0.0.1:{server.rest_port}"


def test_its_classes_and_its_pictures(server):
    model = RemoteModel(server + "/")
    assert model.class_names == exports.CLASSES
    request = exports.files(3)
    labels = [label.decode() for label in request["label"]]
    pictures = model.from_bytes(list(request["sketch_bytes"]), labels, request["seed"].tolist())
    expected = exports.python_pictures(exports.untrained_generator(), exports.tensors(3))
    assert (
        np.abs(np.stack([exports.pixels(picture) for picture in pictures]) - expected).max() < 1.51
    )


def test_it_asks_the_signature_that_keeps_people_apart():
    answer = b'{"predictions": [{"photo_bytes": {"b64": "AAE="}, "error": ""}]}'
    with Answering(200, answer) as server:
        assert RemoteModel(server.address).from_bytes([b"a"], ["apple"], [4]) == [b"\0\1"]
    path, body = server.requests[-1]
    assert path == "/v1/models/sketch2img:predict"
    assert body["signature_name"] == "each"
    assert body["instances"] == [{"sketch_bytes": {"b64": "YQ=="}, "label": "apple", "seed": 4}]


def test_a_sketch_that_the_model_refuses(server):
    good = exports.encoded(exports.drawing(0))
    with pytest.raises(UserError, match="^--server=.*: the sketch is neither PNG nor JPEG$"):
        RemoteModel(server).from_bytes([good, b"no picture"], ["apple"] * 2, [0, 1])


@pytest.mark.parametrize(
    ("code", "content", "says"),
    [
        (503, b'{"error": "queue is full"}', "answers 503: queue is full"),
        (502, b"<html>", "answers 502: Bad Gateway; is it .* with a model named sketch2img?"),
        (200, b"<html>", "it does not speak as TensorFlow Serving"),
        (200, b"[]", "it does not speak as TensorFlow Serving"),
        (200, b'{"predictions": [{}]}', "it does not speak as TensorFlow Serving"),
        (200, b'{"predictions": []}', "0 answers to 1"),
        (200, b'{"predictions": [{"photo_bytes": "a", "error": ""}]}', "it does not speak as"),
    ],
)
def test_answers_that_are_no_pictures(code, content, says):
    with Answering(code, content) as server:
        model = RemoteModel(server.address)
        with pytest.raises(UserError, match=f"^--server={server.address}: {says}"):
            model.from_bytes([b""], ["apple"], [0])


@pytest.mark.parametrize(
    "classes", [b"{}", b'{"predictions": [{"other": 1}]}', b'{"predictions": []}']
)
def test_a_server_with_another_model(classes):
    with (
        Answering(200, b"", classes) as server,
        pytest.raises(UserError, match="does not speak as TensorFlow"),
    ):
        RemoteModel(server.address)


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("http://127.0.0.1:9", "cannot be reached"),
        ("localhost:8501", "should be an address as http://HOST:8501"),
        ("file:///etc/passwd", "should be an address as http://HOST:8501"),
        ("http://127.0.0.1:port", "should be an address as http://HOST:8501"),
        ("http://a..b:8501", "should be an address as http://HOST:8501"),
    ],
)
def test_no_server(address, says):
    with pytest.raises(UserError, match=f"^--server={address}: {says}"):
        RemoteModel(address)


def test_no_proxy_stands_between_this_computer_and_itself(server, monkeypatch):
    """A company's answers for any address, with a page of its own."""
    with Answering(200, b"", b"<html>") as proxy:
        monkeypatch.setenv("http_proxy", proxy.address)
        monkeypatch.setenv("no_proxy", "")
        assert RemoteModel(server).class_names == exports.CLASSES
        with pytest.raises(UserError, match="does not speak as TensorFlow"):
            RemoteModel("http://somewhere.invalid:8501")


def test_a_server_of_something_else():
    def greet():
        with other.accept()[0] as connection:
            connection.recv(4096)
            connection.sendall(b"SSH-2.0\r\n")

    with socket.create_server(("127.0.0.1", 0)) as other:
        address = f"http://127.0.0.1:{other.getsockname()[1]}"
        threading.Thread(target=greet, daemon=True).start()
        with pytest.raises(
            UserError, match=f"^--server={address}: it does not speak as TensorFlow Serving"
        ):
            RemoteModel(address)


def test_a_server_that_does_not_answer(monkeypatch):
    monkeypatch.setattr(rest_client, "TIMEOUT_S", 0.2)
    with http.server.HTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler) as silent:
        address = f"http://127.0.0.1:{silent.server_port}"
        with pytest.raises(UserError, match="has not answered in 0.2 seconds"):
            RemoteModel(address)
