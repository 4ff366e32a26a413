"""The example clients and the page's curl lines, against a stand-in for TensorFlow Serving."""

from __future__ import annotations

import json
import pathlib
import re
import subprocess
import sys
import urllib.error
import urllib.request

import numpy as np
import pytest

from tests.serving import exports
from tests.serving.stand_in_server import NAME, StandIn

SERVING = pathlib.Path(__file__).resolve().parents[2] / "serving"
CLIENTS = {"rest_client.py": "http://127.0.0.1:{0.rest_port}", "grpc_client.py": "127.0.0.1:{0.grpc_port}"}


@pytest.fixture(scope="module")
def server(exported):
    with StandIn(str(exported.parent)) as server:
        yield server


@pytest.fixture
def folder(tmp_path) -> pathlib.Path:
    """Two sketches and a file that is none."""
    for number in range(2):
        exports.drawing(number).save(tmp_path / f"sketch{number}.png")
    (tmp_path / "text.png").write_text("no picture")
    return tmp_path


def run(script: str, server: StandIn, folder: pathlib.Path, *arguments: str) -> subprocess.CompletedProcess:
    address = CLIENTS[script].format(server)
    command = [sys.executable, str(SERVING / script), f"--server={address}", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def post(server: StandIn, body: dict) -> dict:
    address = f"http://127.0.0.1:{server.rest_port}/v1/models/{NAME}:predict"
    with urllib.request.urlopen(urllib.request.Request(address, json.dumps(body).encode())) as response:
        return json.load(response)


def expected_picture(label_id: int, seed: int, number: int = 0) -> np.ndarray:
    sketch = np.asarray(exports.drawing(number))[None, ..., None]
    request = {"sketch": sketch, "label_id": np.array([label_id]), "seed": np.array([seed])}
    return exports.python_pictures(exports.untrained_generator(), request)[0]


@pytest.mark.parametrize("script", CLIENTS)
def test_a_client_draws_files_and_names_the_one_that_is_none(script, server, folder):
    names = ["sketch0.png", "text.png", "sketch1.png"]
    done = run(script, server, folder, "--label=car_(sedan)", "--seed=5", "--output_dir=out", *names)
    assert done.returncode == 1
    assert done.stdout.split() == ["out/sketch0-car_(sedan)-5.png", "out/sketch1-car_(sedan)-5.png"]
    assert done.stderr.splitlines()[-1] == "error: text.png: the sketch is neither PNG nor JPEG"
    for number in range(2):
        picture = exports.pixels((folder / "out" / f"sketch{number}-car_(sedan)-5.png").read_bytes())
        assert np.abs(picture - expected_picture(1, 5, number)).max() < 1.51


@pytest.mark.parametrize("script, answer", [("rest_client.py", "404: .*"), ("grpc_client.py", "NOT_FOUND: .*")])
def test_a_client_tells_what_the_server_says(script, answer, server, folder):
    done = run(script, server, folder, "--label=apple", "--model=other", "sketch0.png")
    assert done.returncode == 1
    assert re.fullmatch(f"error: {CLIENTS[script].format(server)} answers {answer}other.*", done.stderr.strip())


def test_a_client_without_a_server(folder):
    done = subprocess.run(
        [sys.executable, SERVING / "rest_client.py", "--server=http://127.0.0.1:9", "--label=apple", "sketch0.png"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert done.stderr.startswith("error: http://127.0.0.1:9: ")


def test_tensors_over_rest_in_columns(server):
    request = exports.tensors(3)
    answer = post(server, {"signature_name": "tensors", "inputs": {k: v.tolist() for k, v in request.items()}})
    expected = exports.python_pictures(exports.untrained_generator(), request)
    assert np.abs(np.array(answer["outputs"]) - expected).max() < 1.51


def test_an_error_of_the_graph_reaches_the_client_as_such(server):
    instance = {"sketch_bytes": {"b64": ""}, "label": "aple", "seed": 0}
    with pytest.raises(urllib.error.HTTPError) as caught:
        post(server, {"instances": [instance]})
    assert caught.value.code == 400
    assert "item 0: unknown class: aple" in json.load(caught.value)["error"]


def test_the_curl_lines_of_the_page(server, folder):
    """As they are written there, but for the port and the class, of which the small export has others."""
    blocks = re.findall("```bash\n(.*?)```", (SERVING / "README.md").read_text(), re.DOTALL)
    script = "\n".join(block for block in blocks if "curl" in block)
    assert script.count("curl") >= 3
    script = script.replace("localhost:8501", f"127.0.0.1:{server.rest_port}").replace('"cat"', '"apple"')
    exports.drawing(0).save(folder / "cat.png")
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert '"state": "AVAILABLE"' in done.stdout
    picture = exports.pixels((folder / "picture.png").read_bytes())
    assert np.abs(picture - expected_picture(0, 0)).max() < 1.51
