"""A model on a server: a stand-in for TensorFlow Serving, and servers that misbehave."""

from __future__ import annotations

import http.server
import json
import socket
import threading

import numpy as np
import pytest

from sketch2img_tf.errors import UserError
from sketch2img_tf.serving import remote_model
from sketch2img_tf.serving.remote_model import RemoteModel
from tests.serving import exports
from tests.serving.stand_in_server import StandIn


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    """As draw_page.py sees to it."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.fixture(scope="module")
def server(exported):
    with StandIn(str(exported.parent)) as server:
        yield f"http://127.0.0.1:{server.rest_port}"


class Answering:
    """A server that knows the classes, and answers anything else with one code and content."""

    def __init__(self, code: int, content: bytes, classes: bytes = b'{"predictions": [{"class_names": ["apple"]}]}'):
        self.requests = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(handler):
                body = handler.rfile.read(int(handler.headers["Content-Length"]))
                self.requests.append((handler.path, json.loads(body)))
                known = b'"classes"' in body
                handler.send_response(200 if known else code)
                handler.end_headers()
                handler.wfile.write(classes if known else content)

            def log_message(handler, *arguments):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *exception):
        self._server.shutdown()
        self._server.server_close()


def test_its_classes_and_its_pictures(server):
    model = RemoteModel(server + "/")
    assert model.class_names == exports.CLASSES
    request = exports.files(3)
    labels = [label.decode() for label in request["label"]]
    pictures = model.from_bytes(list(request["sketch_bytes"]), labels, request["seed"].tolist())
    expected = exports.python_pictures(exports.untrained_generator(), exports.tensors(3))
    assert np.abs(np.stack([exports.pixels(picture) for picture in pictures]) - expected).max() < 1.51


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
        (503, b'{"error": "queue is full"}', "answers 503, queue is full"),
        (502, b"<html>", "answers 502, Bad Gateway: is it TensorFlow Serving, with a model named sketch2img?"),
        (200, b"<html>", "it does not speak as TensorFlow Serving"),
        (200, b"[]", "it does not speak as TensorFlow Serving"),
        (200, b'{"predictions": [{}]}', "it does not speak as TensorFlow Serving"),
        (200, b'{"predictions": []}', "0 answers to 1"),
    ],
)
def test_answers_that_are_no_pictures(code, content, says):
    with Answering(code, content) as server:
        model = RemoteModel(server.address)
        with pytest.raises(UserError, match=f"^--server={server.address}: {says}"):
            model.from_bytes([b""], ["apple"], [0])


@pytest.mark.parametrize("classes", [b"{}", b'{"predictions": [{"other": 1}]}', b'{"predictions": []}'])
def test_a_server_with_another_model(classes):
    with Answering(200, b"", classes) as server, pytest.raises(UserError, match="does not speak as TensorFlow"):
        RemoteModel(server.address)


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("http://127.0.0.1:9", "cannot be reached"),
        ("localhost:8501", "should be an address as http://HOST:8501"),
        ("file:///etc/passwd", "should be an address as http://HOST:8501"),
        ("http://127.0.0.1:port", "should be an address as http://HOST:8501"),
    ],
)
def test_no_server(address, says):
    with pytest.raises(UserError, match=f"^--server={address}: {says}"):
        RemoteModel(address)


def test_a_server_of_something_else():
    def greet():
        with other.accept()[0] as connection:
            connection.recv(4096)
            connection.sendall(b"SSH-2.0\r\n")

    with socket.create_server(("127.0.0.1", 0)) as other:
        address = f"http://127.0.0.1:{other.getsockname()[1]}"
        threading.Thread(target=greet, daemon=True).start()
        with pytest.raises(UserError, match=f"^--server={address}: it does not speak as TensorFlow Serving"):
            RemoteModel(address)


def test_a_server_that_does_not_answer(monkeypatch):
    monkeypatch.setattr(remote_model, "_TIMEOUT_S", 0.2)
    with http.server.HTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler) as silent:
        address = f"http://127.0.0.1:{silent.server_port}"
        with pytest.raises(UserError, match="has not answered in 0.2 seconds"):
            RemoteModel(address)
