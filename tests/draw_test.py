"""What draw.py says in one line before it shows anything."""

from __future__ import annotations

import pathlib
import socket
import subprocess
import sys

import pytest

from sketch2img_tf import versions
from sketch2img_tf.config import Config
from sketch2img_tf.data.statistics import Statistics
from sketch2img_tf.draw_page import draw_page
from sketch2img_tf.errors import UserError
from sketch2img_tf.run_folder.run_card import Card
from tests.draw_page import browser

STATISTICS = Statistics((0.5, 0.4, 0.3), 0.7, (0.1,), 0.9)
ROOT = pathlib.Path(__file__).resolve().parents[1]


def command(*flags: str) -> tuple[int, str, str]:
    done = subprocess.run(
        [sys.executable, "draw.py", *flags], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    return done.returncode, done.stdout, done.stderr


@pytest.fixture
def port():
    """One that is in use."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        yield other.getsockname()[1]


def test_a_model_or_a_server():
    says = (
        "error: give either --model, the folder of an export, or --server, the address of"
        " TensorFlow Serving\n"
    )
    assert command("--model=a", "--server=b") == (1, "", says)


@pytest.mark.parametrize(
    ("flag", "says"),
    [
        ("--queue=0", "flag --queue=0: "),
        ("--port=70000", "flag --port=70000: "),
        ("--port=web", "flag --port=web: "),
    ],
)
def test_flags_out_of_bounds(flag, says):
    code, out, errors = command("--model=nowhere", flag)
    assert (code, out, errors.count("\n")) == (2, "", 1)
    assert errors.startswith(f"error: {says}")


def test_a_port_in_use_a_missing_model_and_a_missing_server(port, tmp_path):
    browser.require("gradio")
    in_use = (
        f"error: --port={port}: is in use on 127.0.0.1; give another one, or end the program that"
        " uses it\n"
    )
    assert command(f"--model={tmp_path}", f"--port={port}") == (1, "", in_use)
    nothing = f"error: --model={tmp_path}: no exported model there; write one with export.py\n"
    free = f"--port={browser.free_port()}"
    assert command(f"--model={tmp_path}", free) == (1, "", nothing)
    code, out, errors = command("--server=http://127.0.0.1:9", free)
    assert (code, out, errors.count("\n")) == (1, "", 1)
    assert errors.startswith("error: --server=http://127.0.0.1:9: cannot be reached (")


@pytest.mark.slow
def test_a_damaged_model_ends_the_page(tmp_path):
    browser.require("gradio")
    (tmp_path / "assets.extra").mkdir()
    (tmp_path / "assets.extra" / "card.json").write_text(
        Card(Config(), ("apple",), STATISTICS).to_json()
    )
    (tmp_path / "saved_model.pb").write_bytes(b"\xff\xff")
    port = browser.free_port()
    code, out, errors = command(f"--model={tmp_path}", f"--port={port}")
    assert (code, out, errors.count("\n")) == (
        1,
        f"draw at http://127.0.0.1:{port}/ (Ctrl-C ends)\n",
        1,
    )
    assert errors.startswith(f"error: --model={tmp_path}: damaged (")


def test_a_host_that_is_not_this_computer(monkeypatch):
    monkeypatch.setattr(versions, "installed_version", {"gradio": "6.31.0"}.get)
    with pytest.raises(UserError, match="^--host=192.0.2.1 --port=7859: cannot listen there"):
        draw_page.serve_local("nowhere", "192.0.2.1", 7859, queue=1)
    with pytest.raises(UserError, match="^--host=no such host --port=7859: cannot listen there"):
        draw_page.serve_local("nowhere", "no such host", 7859, queue=1)


@pytest.mark.parametrize(("there", "says"), [(None, "Gradio"), ("4.44.1", "Gradio 6, not 4.44.1")])
def test_without_the_right_gradio(there, says, monkeypatch):
    monkeypatch.setattr(versions, "installed_version", {"gradio": there}.get)
    with pytest.raises(UserError, match=f"^the page needs {says}: .*requirements-draw.txt"):
        draw_page.serve_local("nowhere", "127.0.0.1", 7859, queue=1)


def test_this_computer_is_never_reached_by_a_proxy(monkeypatch):
    monkeypatch.setattr(versions, "installed_version", {"gradio": "6.31.0"}.get)
    monkeypatch.setenv("no_proxy", "example.org")
    monkeypatch.delenv("NO_PROXY", raising=False)
    with pytest.raises(UserError, match="no exported model"):
        draw_page.serve_local("nowhere", "127.0.0.1", browser.free_port(), queue=1)
    assert {"example.org", "127.0.0.1", "localhost"} <= set(
        draw_page.os.environ["no_proxy"].split(",")
    )
    assert {"127.0.0.1", "localhost"} <= set(draw_page.os.environ["NO_PROXY"].split(","))
