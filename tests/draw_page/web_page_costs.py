"""What does the page of export.py --format=web cost its visitor, in bytes and in time?

    python -m tests.draw_page.web_page_costs [--base_width=64] [--pictures=30]

Exports an untrained generator of 125 classes, serves the folder from this computer, and visits it
in Chromium: for the first time, again, and from a server whose headers allow threads. Bytes are
those of the files that the first visit asks for, each compressed by gzip as servers do. Needs make
web, Chromium and its driver. Prints one JSON object.
"""

import gzip
import json
import pathlib
import statistics
import tempfile

import sketch2img_tf.with_tensorflow  # noqa: F401 - checks the versions before other imports

# isort: split
from absl import flags

from sketch2img_tf import errors
from sketch2img_tf.config import Config, NetworkConfig
from sketch2img_tf.data.statistics import Statistics
from sketch2img_tf.draw_page import web_page
from sketch2img_tf.networks.generator import make_generator
from sketch2img_tf.run_folder.run_card import Card
from tests.draw_page import browser, static_server

_BASE_WIDTH = flags.DEFINE_integer(
    "base_width", 64, "Channels of the generator's first MRU.", lower_bound=1
)
_PICTURES = flags.DEFINE_integer(
    "pictures", 30, "Pictures to make in each way, after the first.", lower_bound=1
)
_CLASSES = tuple(f"class {number:03}" for number in range(125))

# Begins with a starter as soon as there is one, and tells after how many ms since the address was
# opened.
_FIRST_PICTURE = """
const done = arguments[0];
const photo = document.querySelector("#photo");
let usable = 0;
(function look() {
  if (!usable && document.querySelector("#class-name").value) {
    usable = performance.now();
    document.querySelector("[data-action=starter]").click();
  }
  if (photo.hidden) return requestAnimationFrame(look);
  done([usable, performance.now()]);
})();
"""

# In a worker of its own, without the page: the ms of each picture, after the first, and the memory
# at the end.
_MANY = """
const [count, done] = arguments;
const worker = new Worker("worker.js");
const context = new OffscreenCanvas(512, 512).getContext("2d");
context.fillStyle = "white";
context.fillRect(0, 0, 512, 512);
context.lineWidth = 6;
context.strokeRect(100, 100, 300, 200);
const drawing = context.getImageData(0, 0, 512, 512);
const took = [];
let begun = 0;
worker.onmessage = ({ data }) => {
  if (data.error) return done(data.error);
  took.push(performance.now() - begun);
  if (took.length > count) return done({ took: took.slice(1), memoryBytes: data.memoryBytes });
  begun = performance.now();
  worker.postMessage({ id: 1, task: "draw", drawing, label: took.length, seed: took.length });
};
worker.postMessage({ id: 1, task: "draw", drawing, label: 0, seed: 0 });
"""


def main() -> None:
    """Measures and prints."""
    if missing := browser.missing("chromium", "chromedriver"):
        raise errors.UserError(f"the page is measured with {missing[0]}: see docs/web.md")
    config = Config(network=NetworkConfig(base_width=_BASE_WIDTH.value))
    card = Card(config, _CLASSES, Statistics((0.5, 0.5, 0.5), 0.5, (0.0,), 1.0))
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(web_page.export(make_generator(config, len(_CLASSES)), card, 0, folder))
        result = {"base_width": _BASE_WIDTH.value, **_visits(root, pathlib.Path(folder))}
    print(json.dumps(result))


def _visits(root: pathlib.Path, folder: pathlib.Path) -> dict:
    (folder / "profile").mkdir()
    with browser.Browser(folder / "profile") as window:
        window.driver.set_script_timeout(600)
        with static_server.serve(root) as (address, asked):
            cold = _first_picture(window, address)
            window.wait(lambda: "works without network" in window.text("#engine"))
            files = {path.lstrip("/") or "index.html" for path in asked}
            warm = _first_picture(window, address)
            alone = _many(window)
        with static_server.serve(root, isolated=True) as (address, _):
            window.open(address)
            window.wait(lambda: "Drawn on" in window.text("#engine"))
            engine = window.text("#engine")
            threaded = _many(window)
    content = [(root / name).read_bytes() for name in sorted(files) if (root / name).is_file()]
    return {
        "files": len(content),
        "mb": _mb(sum(map(len, content))),
        "compressed_mb": _mb(sum(len(gzip.compress(each)) for each in content)),
        "cold": cold,
        "warm": warm,
        "one_thread": alone,
        "threads": {"engine": engine, **threaded},
    }


def _first_picture(window: browser.Browser, address: str) -> dict:
    window.driver.get("about:blank")
    window.driver.get(address)
    usable, picture = window.driver.execute_async_script(_FIRST_PICTURE)
    return {"usable_s": round(usable / 1000, 2), "first_picture_s": round(picture / 1000, 2)}


def _many(window: browser.Browser) -> dict:
    found = window.driver.execute_async_script(_MANY, _PICTURES.value)
    if isinstance(found, str):
        raise errors.UserError(f"the page makes no pictures: {found}")
    took = found["took"]
    return {"median_ms": round(statistics.median(took), 1), "memory_mb": _mb(found["memoryBytes"])}


def _mb(size: int) -> float:
    return round(size / 1e6, 1)


if __name__ == "__main__":
    errors.run(main)
