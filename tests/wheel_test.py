"""The wheel alone, in an empty environment and another folder: it draws as the clone does."""

from __future__ import annotations

import os
import pathlib
import re
import shutil
import subprocess
import urllib.request
import zipfile

import pytest
from PIL import Image, ImageDraw

from tests.draw_page import browser
from tests.sources import ROOT

pytestmark = pytest.mark.slow
_NOT_COPIED = (
    ".git",
    ".venv*",
    ".*_cache",
    "__pycache__",
    "node_modules",
    "build",
    "dist",
    "runs",
    "tests",
)
_PIP = ("-m", "pip", "--disable-pip-version-check", "--no-input", "--quiet")


def run(*command: str | os.PathLike, cwd: pathlib.Path, code: int = 0) -> tuple[str, str]:
    """What a program prints, without what this clone or an
    environment around would add to its path.
    """
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("PYTHON")
    }
    done = subprocess.run(
        list(map(str, command)), cwd=cwd, env=environment, capture_output=True, text=True
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout, done.stderr


@pytest.fixture(scope="module")
def wheel(drawing_python, tmp_path_factory) -> pathlib.Path:
    """As `make wheel` makes it, of a copy: setuptools leaves things in the folder."""
    clone = tmp_path_factory.mktemp("clone") / "sketch2img"
    shutil.copytree(ROOT, clone, ignore=shutil.ignore_patterns(*_NOT_COPIED))
    [line] = re.findall(
        r"^\t\.venv-draw/bin/python (-m pip wheel .*)$",
        (ROOT / "Makefile").read_text(),
        re.MULTILINE,
    )
    run(drawing_python, *line.split(), cwd=clone)
    [wheel] = (clone / "dist").iterdir()
    return wheel


@pytest.fixture(scope="module")
def installed(wheel, drawing_python, tmp_path_factory) -> pathlib.Path:
    """The `bin` of an environment that has nothing but the wheel with its extra `draw`."""
    folder = tmp_path_factory.mktemp("elsewhere")
    home = pathlib.Path(
        run(drawing_python, "-c", "import sys; print(sys.base_prefix)", cwd=folder)[0].strip()
    )
    version = ".".join(run(drawing_python, "-V", cwd=folder)[0].split()[1].split(".")[:2])
    run(home / "bin" / f"python{version}", "-m", "venv", folder / "venv", cwd=folder)
    bin_ = folder / "venv" / "bin"
    run(bin_ / "python", *_PIP, "install", wheel, cwd=folder)
    drawing(folder)
    flags = "--sketch=cup.png", "--label=cup", "--output=a.png"
    _, said = run(bin_ / "sketch2img", "generate", *flags, cwd=folder, code=1)
    assert said.startswith(
        "error: ai-edge-litert, which draws with this model, is not installed: run "
    )
    assert said.endswith("-m pip install 'sketch2img_tf[draw]'`\n") and said.count("\n") == 1
    run(bin_ / "python", *_PIP, "install", f"{wheel}[draw]", cwd=folder)
    return bin_


def drawing(folder: pathlib.Path) -> pathlib.Path:
    page = Image.new("L", (200, 200), "white")
    ImageDraw.Draw(page).rectangle([50, 60, 140, 150], outline="black", width=3)
    page.save(folder / "cup.png")
    return folder / "cup.png"


def test_what_is_in_it(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = {info.filename: info.file_size for info in archive.infolist()}
        inside = archive.read("sketch2img_tf/pretrained/model.tflite")
    described = f"{'-'.join(wheel.name.split('-')[:2])}.dist-info"
    assert {name.split("/")[0] for name in names} == {"sketch2img_tf", described}
    assert inside == (ROOT / "pretrained" / "model.tflite").read_bytes()
    assert not [name for name in names if name.endswith(("_test.py", ".npz", ".pyc"))]
    pages = {path.name for path in (ROOT / "sketch2img_tf" / "draw_page" / "page").iterdir()}
    assert {f"sketch2img_tf/draw_page/page/{name}" for name in pages} <= names.keys()


def test_the_three_lines_of_the_readme(installed, tmp_path):
    drawing(tmp_path)
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    [script] = re.findall(
        r"    import sketch2img_tf\.inference as s2i\n\n    (.*s2i\.load\(\)\.draw.*)", readme
    )
    program = f"""
import sys
import sketch2img_tf.inference as s2i
{script}
assert not {{"tensorflow", "datasets", "serving"}} & sys.modules.keys()
print([picture.size for picture in pictures], len({{picture.tobytes() for picture in pictures}}))
"""
    said, _ = run(installed / "python", "-c", program, cwd=tmp_path)
    assert said == "[(64, 64), (64, 64), (64, 64), (64, 64)] 4\n"
    says = (
        "import importlib.util as i;"
        " print([i.find_spec(name) for name in ('tensorflow', 'datasets', 'serving')])"
    )
    assert run(installed / "python", "-c", says, cwd=tmp_path)[0] == "[None, None, None]\n"


def test_it_draws_what_the_clone_draws(installed, drawing_python, tmp_path):
    cup = drawing(tmp_path)
    flags = [f"--sketch={cup}", "--label=cup", "--seeds=2"]
    run(installed / "sketch2img", "generate", *flags, "--output=wheel.png", cwd=tmp_path)
    run(drawing_python, "generate.py", *flags, f"--output={tmp_path}/clone.png", cwd=ROOT)
    assert (tmp_path / "wheel.png").read_bytes() == (tmp_path / "clone.png").read_bytes()


def test_its_commands_explain_themselves(installed, tmp_path):
    # Absl's exit code for it
    said, _ = run(installed / "sketch2img", "generate", "--help", cwd=tmp_path, code=1)
    assert "Makes pictures of sketches" in said and "--gallery" in said and "--queue" not in said
    assert "sketch2img draw" in run(installed / "sketch2img", "--help", cwd=tmp_path)[0]
    _, said = run(installed / "sketch2img", "paint", cwd=tmp_path, code=2)
    assert (
        said
        == "error: there is no command 'paint': draw, serve or generate (see sketch2img --help)\n"
    )
    _, said = run(installed / "sketch2img", "generate", "--sed=1", cwd=tmp_path, code=2)
    assert "(see sketch2img generate --help)" in said and said.count("\n") == 1


@pytest.mark.parametrize(
    ("command", "says", "path", "answer"),
    [
        ("draw", "draw at http://127.0.0.1:{}/ (Ctrl-C ends)\n", "", b"Sketch2Img"),
        (
            "serve",
            "answers at http://127.0.0.1:{}/v1/models/sketch2img:predict (Ctrl-C ends)\n",
            "v1/models/sketch2img",
            b"AVAILABLE",
        ),
    ],
)
def test_its_page_and_its_server(command, says, path, answer, installed, tmp_path, monkeypatch):
    browser.without_proxy(monkeypatch)
    port = browser.free_port()
    started = [str(installed / "sketch2img"), command, f"--port={port}"]
    process = subprocess.Popen(
        started, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout.readline() == says.format(port)
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/{path}") as page:
            assert answer in page.read()
    finally:
        process.terminate()
        rest, errors = process.communicate(timeout=60)
    assert (process.returncode, rest, errors) == (0, "", "")
