"""The notebook, from its start to its end, in an environment of its own;
and its outputs, which are stripped.
"""

from __future__ import annotations

import json
import os
import pathlib
import shutil
import subprocess
import sys
import sysconfig

import pytest

from tests.draw_page import browser
from tests.sources import ROOT

NOTEBOOK = ROOT / "notebooks" / "draw_and_train.ipynb"
_COPIED = ("*.py", "configs", "datasets", "notebooks", "pretrained", "sketch2img_tf")

_EXECUTE = """
import sys, nbformat
from nbclient import NotebookClient
book = nbformat.read(sys.argv[1], 4)
resources = {"metadata": {"path": sys.argv[2]}}
NotebookClient(book, timeout=900, kernel_name="python3", resources=resources).execute()
nbformat.write(book, sys.argv[3])
"""


def cells(path: pathlib.Path) -> list[dict]:
    return [
        cell
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]
        if cell["cell_type"] == "code"
    ]


def test_its_outputs_are_stripped():
    assert len(cells(NOTEBOOK)) > 8
    for cell in cells(NOTEBOOK):
        assert (cell["outputs"], cell["execution_count"], cell["metadata"]) == ([], None, {})


@pytest.fixture(scope="module")
def python(tmp_path_factory) -> pathlib.Path:
    """Of an environment with Jupyter's kernel, which sees what this one has."""
    folder = tmp_path_factory.mktemp("jupyter") / "venv"
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    python = folder / "bin" / "python"
    where = [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    packages = pathlib.Path(
        subprocess.run(where, check=True, capture_output=True, text=True).stdout.strip()
    )
    (packages / "around.pth").write_text(sysconfig.get_path("purelib"))
    install = [python, "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    done = subprocess.run(
        [*install, "ipykernel>=6.29,<8", "nbclient>=0.10,<1"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return python


@pytest.mark.slow
def test_it_runs_from_start_to_end(python, tmp_path, monkeypatch):
    browser.without_proxy(monkeypatch)
    for path in (path for pattern in _COPIED for path in ROOT.glob(pattern)):
        copy = shutil.copytree if path.is_dir() else shutil.copy
        copy(path, tmp_path / path.name)
    port = f"PORT = {browser.free_port()}"
    book = tmp_path / "notebooks" / NOTEBOOK.name
    text = book.read_text(encoding="utf-8")
    for written, here in (("PORT = 7861", port), ("--port 6016", f"--port {browser.free_port()}")):
        assert written in text
        text = text.replace(written, here)
    book.write_text(text.replace("STEPS = 60", "STEPS = 4"), encoding="utf-8")
    # Where tensorboard is
    path = os.pathsep.join([os.path.dirname(sys.executable), os.environ["PATH"]])
    environment = {**os.environ, "PATH": path, "JUPYTER_PLATFORM_DIRS": "1", "HOME": str(tmp_path)}
    command = [python, "-c", _EXECUTE, book, book.parent, tmp_path / "executed.ipynb"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    pictures = [
        output["data"]
        for cell in cells(tmp_path / "executed.ipynb")
        for output in cell["outputs"]
        if "image/png" in output.get("data", {})
    ]
    assert len(pictures) == 4  # the page, four cups, samples, four more cups
    runs = tmp_path / "runs" / "notebook"
    assert [path.name for path in (runs / "export").iterdir()] == ["tflite-4"]
