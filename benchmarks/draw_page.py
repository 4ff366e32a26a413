"""How long does draw.py take until its page is there, and until a first picture? How much memory
does it use after many pictures?

    python benchmarks/draw_page.py [--base_width=64] [--requests=1000] [--variations=1]
    python benchmarks/draw_page.py --format=tflite --python=.venv-draw/bin/python

The second command measures the page without TensorFlow.

Exports an untrained generator, starts draw.py with it, and sends the running page one request after
the other, each with another drawing, as another visitor would. Reads the page's resident memory
from /proc (Linux). Needs requirements-demo.txt or, for the Python of --python,
requirements-draw.txt. Prints one JSON object.
"""

import base64
import contextlib
import io
import json
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import sketch2img_tf.with_tensorflow  # noqa: F401 - checks the versions before other imports

# isort: split
import numpy as np
from absl import flags
from PIL import Image, ImageDraw

from sketch2img_tf import errors, path_flags
from sketch2img_tf.config import Config, NetworkConfig
from sketch2img_tf.data.statistics import Statistics
from sketch2img_tf.export import exported_model, lite_model
from sketch2img_tf.networks.generator import make_generator
from sketch2img_tf.run_folder.run_card import Card
from sketch2img_tf.surroundings import progress

_BASE_WIDTH = flags.DEFINE_integer(
    "base_width", 64, "Channels of the generator's first MRU.", lower_bound=1
)
_REQUESTS = flags.DEFINE_integer(
    "requests", 1000, "Requests to send after the first.", lower_bound=1
)
_VARIATIONS = flags.DEFINE_enum("variations", "1", ["1", "4", "8"], "Pictures per request.")
_FORMAT = flags.DEFINE_enum(
    "format", "saved_model", ["saved_model", "tflite"], "Format of the model that the page uses."
)
_PYTHON = path_flags.define("python", sys.executable, "The Python that runs draw.py.")
_CLASSES = tuple(f"class {number:03}" for number in range(125))
_ROOT = pathlib.Path(__file__).resolve().parents[1]
_SIDE = 512  # pixels of the page's canvas

# Never through a proxy: the page is on this computer.
_open = urllib.request.build_opener(urllib.request.ProxyHandler({})).open


def main() -> None:
    """Measures and prints the result."""
    with tempfile.TemporaryDirectory() as folder:
        _export(folder)
        with _page(folder) as (process, address, started):
            page_s = time.perf_counter() - started
            _pictures(address, 0)
            first_picture_s = time.perf_counter() - started
            memory_mb, every = {}, max(1, _REQUESTS.value // 10)
            for number in progress.bar(range(1, _REQUESTS.value + 1), unit="request"):
                _pictures(address, number)
                if number % every == 0:
                    memory_mb[number] = _memory_mb(process.pid)
    asked = {
        "format": _FORMAT.value,
        "base_width": _BASE_WIDTH.value,
        "variations": int(_VARIATIONS.value),
        "requests": _REQUESTS.value,
    }
    times = {"page_s": round(page_s, 2), "first_picture_s": round(first_picture_s, 2)}
    print(json.dumps({**asked, **times, "memory_mb": memory_mb}))


def _export(folder: str) -> None:
    config = Config(network=NetworkConfig(base_width=_BASE_WIDTH.value))
    card = Card(config, _CLASSES, Statistics((0.5, 0.5, 0.5), 0.5, (0.0,), 1.0))
    export = lite_model.export if _FORMAT.value == "tflite" else exported_model.export
    export(make_generator(config, len(_CLASSES)), card, 0, folder)


@contextlib.contextmanager
def _page(model: str) -> Iterator[tuple[subprocess.Popen, str, float]]:
    """Starts draw.py; once it answers: its process, the page's address, and when it was started."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    started = time.perf_counter()
    command = [_PYTHON.value, "draw.py", f"--model={model}", f"--port={port}"]
    process = subprocess.Popen(command, cwd=_ROOT, stdout=subprocess.DEVNULL)
    try:
        while not _answers(f"http://127.0.0.1:{port}/"):
            if process.poll() is not None:
                raise errors.UserError("draw.py has ended: see its message above")
            time.sleep(0.02)
        yield process, f"http://127.0.0.1:{port}/", started
    finally:
        process.terminate()  # not Ctrl-C, which a script's process in the background ignores
        process.wait()


def _answers(address: str) -> bool:
    try:
        return _open(address).status == 200
    except urllib.error.URLError:
        return False


def _pictures(address: str, number: int) -> None:
    """Requests pictures, waits for them, and checks their number."""
    wanted = [
        _drawing(number),
        _CLASSES[number % len(_CLASSES)],
        number,
        int(_VARIATIONS.value),
        0,
        0,
    ]
    body, json_type = json.dumps({"data": wanted}).encode(), {"Content-Type": "application/json"}
    call = f"{address}gradio_api/call/pictures"
    event = json.load(_open(urllib.request.Request(call, body, json_type)))["event_id"]
    answer = _open(f"{call}/{event}").read().decode()
    if answer.count('"src": "data:image/png;base64,') != int(_VARIATIONS.value):
        raise errors.UserError(f"request {number}: got no pictures but {answer[:200]!r}")


def _drawing(number: int) -> str:
    """Seven strokes, as the page's canvas would send them."""
    points = np.random.default_rng(number).uniform(0, _SIDE, (8, 2)).tolist()
    canvas = Image.new("RGBA", (_SIDE, _SIDE), "white")
    ImageDraw.Draw(canvas).line(
        [tuple(point) for point in points], fill="black", width=6, joint="curve"
    )
    file = io.BytesIO()
    canvas.save(file, "PNG")
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


def _memory_mb(pid: int) -> int:
    """Resident memory, which includes the libraries' code."""
    [line] = [
        line
        for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
        if line.startswith("VmRSS")
    ]
    return int(line.split()[1]) // 1024


if __name__ == "__main__":
    errors.run(main)
