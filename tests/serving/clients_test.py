"""The example clients and the page's curl lines, against a stand-in for TensorFlow Serving."""

from __future__ import annotations

import json
import pathlib
import re
import shutil
import subprocess
import sys
import urllib.error
import urllib.request

import numpy as np
import pytest

from tests.export import exports
from tests.inference.answering_server import Answering
from tests.inference.stand_in_server import NAME, StandIn

ROOT = pathlib.Path(__file__).resolve().parents[2]
SERVING = ROOT / "sketch2img_tf" / "serving"
CLIENTS = {
    "rest_client.py": "http://127.0.0.1:{0.rest_port}",
    "grpc_client.py": "127.0.0.1:{0.grpc_port}",
}


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


def run(
    script: str, server: StandIn, folder: pathlib.Path, *arguments: str
) -> subprocess.CompletedProcess:
    return run_at(CLIENTS[script].format(server), script, folder, *arguments)


def run_at(
    address: str, script: str, folder: pathlib.Path, *arguments: str
) -> subprocess.CompletedProcess:
    command = [
        sys.executable,
        str(SERVING / script),
        f"--server={address}",
        "--label=apple",
        *arguments,
    ]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def told(done: subprocess.CompletedProcess) -> str:
    """The one line of an error."""
    assert (done.returncode, done.stderr.count("\n")) == (1, 1), done.stderr
    return done.stderr.strip()


def post(server: StandIn, body: dict) -> dict:
    address = f"http://127.0.0.1:{server.rest_port}/v1/models/{NAME}:predict"
    with urllib.request.urlopen(
        urllib.request.Request(address, json.dumps(body).encode())
    ) as response:
        return json.load(response)


def expected_picture(label_id: int, seed: int, number: int = 0) -> np.ndarray:
    sketch = np.asarray(exports.drawing(number))[None, ..., None]
    request = {"sketch": sketch, "label_id": np.array([label_id]), "seed": np.array([seed])}
    return exports.python_pictures(exports.untrained_generator(), request)[0]


@pytest.mark.parametrize("script", CLIENTS)
def test_a_client_draws_files_and_names_the_one_that_is_none(script, server, folder):
    names = ["sketch0.png", "text.png", "sketch1.png"]
    done = run(
        script, server, folder, "--label=car_(sedan)", "--seed=5", "--output_dir=out", *names
    )
    assert done.returncode == 1
    assert done.stdout.split() == ["out/sketch0-car_(sedan)-5.png", "out/sketch1-car_(sedan)-5.png"]
    assert done.stderr.splitlines()[-1] == "error: text.png: the sketch is neither PNG nor JPEG"
    for number in range(2):
        picture = exports.pixels(
            (folder / "out" / f"sketch{number}-car_(sedan)-5.png").read_bytes()
        )
        assert np.abs(picture - expected_picture(1, 5, number)).max() < 1.51


@pytest.mark.parametrize(
    "script, answer", [("rest_client.py", "answers 404: .*"), ("grpc_client.py", "NOT_FOUND: .*")]
)
def test_a_client_tells_what_the_server_says(script, answer, server, folder):
    done = run(script, server, folder, "--model=other", "sketch0.png")
    assert re.fullmatch(
        f"error: --server={CLIENTS[script].format(server)}: {answer}other.*", told(done)
    )


@pytest.mark.parametrize("script", CLIENTS)
def test_the_port_of_the_other_protocol(script, server, folder):
    wrong = {
        "rest_client.py": "http://localhost:{0.grpc_port}",
        "grpc_client.py": "localhost:{0.rest_port}",
    }
    line = told(run_at(wrong[script].format(server), script, folder, "sketch0.png"))
    assert line.startswith(f"error: --server={wrong[script].format(server)}: ")
    assert line.endswith(
        {"rest_client.py": "its REST port, 8501?", "grpc_client.py": "gRPC port, 8500?"}[script]
    )


@pytest.mark.parametrize(
    "code, answer", [(502, "answers 502: Bad Gateway; is it"), (200, "it does not speak as")]
)
def test_an_answer_that_is_no_json(code, answer, folder):
    """A gateway's, a proxy's."""
    with Answering(code, b"<h1>Sorry</h1>") as server:
        done = run_at(server.address, "rest_client.py", folder, "sketch0.png")
        assert told(done).startswith(f"error: --server={server.address}: {answer}")


@pytest.mark.parametrize(
    "address, answer",
    [
        ("http://127.0.0.1:9", "cannot be reached"),
        ("localhost:8501", "should be an address as http://HOST:8501"),
    ],
)
def test_a_client_without_a_server(address, answer, folder):
    line = told(run_at(address, "rest_client.py", folder, "sketch0.png"))
    assert line.startswith(f"error: --server={address}: {answer}")


def test_many_sketches_are_several_requests(server, folder):
    """Of no more items than the server takes."""
    names = [f"many{number}.png" for number in range(11)]
    for number, name in enumerate(names):
        exports.drawing(number % 2).save(folder / name)
    done = run("rest_client.py", server, folder, "--output_dir=out", *names)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.split() == [f"out/many{number}-apple-0.png" for number in range(11)]
    assert len({(folder / line).read_bytes() for line in done.stdout.split()}) == 2


def test_sketches_of_one_name(server, folder):
    """Those that differ in their endings have two pictures; those in two folders would have one."""
    exports.drawing(2).save(folder / "sketch0.jpg")
    done = run(
        "rest_client.py",
        server,
        folder,
        "--output_dir=out",
        "sketch0.png",
        "sketch0.jpg",
        "sketch1.png",
    )
    assert done.stdout.split() == [
        f"out/{name}-apple-0.png" for name in ("sketch0.png", "sketch0.jpg", "sketch1")
    ]
    (folder / "b").mkdir()
    exports.drawing(1).save(folder / "b" / "Sketch0.png")
    line = told(
        run("rest_client.py", server, folder, "--output_dir=two", "sketch0.png", "b/Sketch0.png")
    )
    assert line.startswith(
        "error: sketch0.png and b/Sketch0.png would both become two/Sketch0.png-apple-0.png: "
    )
    assert not (folder / "two").exists()


def test_a_sketch_is_never_overwritten(server, folder):
    """Neither by its own name nor by a link to it."""
    exports.drawing(3).save(folder / "sketch0-apple-0.png")
    before = (folder / "sketch0-apple-0.png").read_bytes()
    (folder / "out").mkdir()
    (folder / "out" / "sketch1-apple-0.png").symlink_to("../sketch0-apple-0.png")
    for arguments in (["sketch0.png"], ["--output_dir=out", "sketch1.png"]):
        line = told(run("rest_client.py", server, folder, *arguments, "sketch0-apple-0.png"))
        assert re.fullmatch(
            "error: .*-apple-0.png is a sketch, and would be lost: give another --output_dir", line
        )
    assert (folder / "sketch0-apple-0.png").read_bytes() == before


@pytest.mark.parametrize(
    "output_dir, answer",
    [
        ("text.png", "cannot be made: File exists"),
        ("text.png/out", "cannot be made: Not a directory"),
        ("apple.png", "is the name of a picture; give a folder"),
        ("x" * 300, "cannot be made: File name too long"),
    ],
)
def test_folders_that_cannot_be(output_dir, answer, server, folder):
    line = told(run("rest_client.py", server, folder, f"--output_dir={output_dir}", "sketch0.png"))
    assert line == f"error: --output_dir={output_dir}: {answer}"
    assert not (folder / "apple.png").exists()


def test_labels_and_names_of_any_kind(server, folder, no_utf8):
    """A class as people type it, a file whose name is no text, and a label that is none."""
    (folder / "sketch0.png").rename(folder / f"{no_utf8}.png")
    done = run("rest_client.py", server, folder, "--label=Hot air balloon", f"{no_utf8}.png")
    assert done.returncode == 0, done.stderr
    picture = exports.pixels((folder / f"{no_utf8}-Hot air balloon-0.png").read_bytes())
    assert np.abs(picture - expected_picture(2, 0)).max() < 1.51
    line = told(run("rest_client.py", server, folder, f"--label={no_utf8}", "sketch1.png"))
    assert line == "error: sketch1.png: unknown class: caf\ufffd"


def test_the_rest_client_needs_python_alone(server, folder):
    """No package, and no file beside it."""
    script = shutil.copy(SERVING / "rest_client.py", folder)
    command = [
        sys.executable,
        "-I",
        "-S",
        script,
        f"--server={CLIENTS['rest_client.py'].format(server)}",
    ]
    done = subprocess.run(
        [*command, "--label=apple", "sketch0.png"], cwd=folder, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "sketch0-apple-0.png\n", "")


@pytest.mark.parametrize("lost", ["| true", ">&-", ">&- 2>&-"])
def test_pictures_are_written_though_nobody_reads_what_is_printed(lost, server, folder):
    client = f"{sys.executable} {SERVING}/rest_client.py --label=apple"
    address = f"--server=http://127.0.0.1:{server.rest_port}"
    command = f"(sleep 0.2; exec {client} {address} sketch0.png text.png sketch1.png) {lost}"
    done = subprocess.run(["bash", "-c", command], cwd=folder, capture_output=True, text=True)
    told = "" if "2>" in lost else "error: text.png: the sketch is neither PNG nor JPEG\n"
    assert (done.stdout, done.stderr) == ("", told)
    assert len(list(folder.glob("sketch?-apple-0.png"))) == 2


def test_tensors_over_rest_in_columns(server):
    request = exports.tensors(3)
    answer = post(
        server, {"signature_name": "tensors", "inputs": {k: v.tolist() for k, v in request.items()}}
    )
    expected = exports.python_pictures(exports.untrained_generator(), request)
    assert np.abs(np.array(answer["outputs"]) - expected).max() < 1.51


def test_an_error_of_the_graph_reaches_the_client_as_such(server):
    instance = {"sketch_bytes": {"b64": ""}, "label": "aple", "seed": 0}
    with pytest.raises(urllib.error.HTTPError) as caught:
        post(server, {"instances": [instance]})
    assert caught.value.code == 400
    assert "item 0: unknown class: aple" in json.load(caught.value)["error"]


@pytest.mark.skipif(not shutil.which("curl"), reason="needs curl")
def test_the_curl_lines_of_the_page(server, folder):
    """As they are written there, but for the port and the class,
    of which the small export has others.
    """
    blocks = re.findall(
        "```bash\n(.*?)```", (ROOT / "serving" / "README.md").read_text(), re.DOTALL
    )
    script = "\n".join(block for block in blocks if "curl" in block)
    assert script.count("curl") >= 3
    script = script.replace("localhost:8501", f"127.0.0.1:{server.rest_port}").replace(
        '"cat"', '"apple"'
    )
    exports.drawing(0).save(folder / "cat.png")
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert '"state": "AVAILABLE"' in done.stdout
    picture = exports.pixels((folder / "picture.png").read_bytes())
    assert np.abs(picture - expected_picture(0, 0)).max() < 1.51
