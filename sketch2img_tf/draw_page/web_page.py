"""Writes the drawing page as a folder of static files; its model draws in the browser."""

from __future__ import annotations

import hashlib
import html
import json
import math
import os
import pathlib
import re
from typing import TYPE_CHECKING

from sketch2img_tf.data import class_words, drawing_size
from sketch2img_tf.data.starter_sketches import starter_buttons
from sketch2img_tf.draw_page import litert_js, page_requests
from sketch2img_tf.export import lite_model, model_card
from sketch2img_tf.export.new_version import new_version

if TYPE_CHECKING:
    from sketch2img_tf.networks.generator import Generator
    from sketch2img_tf.run_folder.run_card import Card

_WEB = pathlib.Path(__file__).parent / "web"
_PAGE = pathlib.Path(__file__).parent / "page"  # files that the page of draw.py uses, too
_SITE = '"SITE"'  # in service_worker.js: stands for what the service worker keeps

# Threads need shared memory, which browsers give only to pages that exclude content of other sites.
# Some hosts read such a file, and send these headers.
_HEADERS = b"""/*
  Cross-Origin-Opener-Policy: same-origin
  Cross-Origin-Embedder-Policy: require-corp
"""
# What is for the host, and not for visitors. GitHub Pages would make a web page of the model card.
_FOR_HOSTS = {"_headers": _HEADERS, ".nojekyll": b""}


def export(generator: Generator, card: Card, step: int, export_dir: str) -> str:
    """Writes `export_dir/web-<step>/`: `index.html` and all files that it needs.

    Returns:
      The folder's path.

    Raises:
      UserError: LiteRT.js is missing, the folder exists already, or it cannot be written.
    """
    name = f"web-{step}"
    runtime = litert_js.read_files()
    with new_version(export_dir, name) as temporary:
        files = _page(generator, card)
        files[lite_model.MODEL_FILE] = lite_model.convert(generator, card.statistics)
        kept = dict(files)
        files |= _FOR_HOSTS | {f"litert/{path}": content for path, content in runtime.items()}
        files["service_worker.js"] = _service_worker(kept, runtime)
        for path, content in files.items():
            target = os.path.join(temporary, path)
            os.makedirs(os.path.dirname(target), exist_ok=True)
            with open(target, "wb") as file:
                file.write(content)
        model_card.write(temporary, card, step)
    return os.path.join(export_dir, name)


def _page(generator: Generator, card: Card) -> dict[str, bytes]:
    """The page's files, without the model and its runtime."""
    fill = drawing_size.training_fill(card.config.data)
    canvas = {"margin": round(50 * (1 - fill), 2), "starters": starter_buttons(card.class_names)}
    files = {path.name: path.read_bytes() for path in sorted(_WEB.iterdir())}
    index = (
        files["index.html"]
        .decode()
        .replace("<!-- canvas -->", _rendered(_text("canvas.html"), canvas))
    )
    model = {
        "classNames": card.class_names,
        "groups": class_words.by_group(card.class_names),
        "synonyms": {
            name: words for name, words in class_words.SYNONYMS.items() if name in card.class_names
        },
        "others": {name: page_requests.others(card.class_names, name) for name in card.class_names},
        "mostKept": page_requests.MOST_KEPT,
        "imageSize": generator.image_size,
        "noiseShape": generator.noise_shape,
        "noiseSize": math.prod(generator.noise_shape),
        "fill": fill,
    }
    files |= {
        "index.html": index.encode(),
        **{name: _text(name).encode() for name in ("canvas.css", "strips.css")},
        **{f"{name}.js": _module(name).encode() for name in ("canvas", "others", "kept")},
        "model.json": json.dumps(model).encode(),
    }
    files["litert/license.txt"] = files.pop("litert_license.txt")
    return files


def _module(name: str) -> str:
    """The script of a part of draw.py's page, with its template, which Gradio gives it there."""
    return (
        f"export const template = {json.dumps(_text(f'{name}.html'))};\n\n"
        f"export default function (element, props, trigger, watch) {{\n{_text(f'{name}.js')}}}\n"
    )


def _service_worker(files: dict[str, bytes], runtime: dict[str, bytes]) -> bytes:
    """The service worker, which keeps the page for later; has a list and a digest of the files."""
    script = (_WEB / "service_worker.js").read_text(encoding="utf-8")
    digest = hashlib.sha256()
    for path, content in sorted({**files, **runtime}.items()):
        digest.update(path.encode() + b"\0" + hashlib.sha256(content).digest())
    loaders = [f"litert/{name}" for name in runtime if not name.startswith("litert_wasm")]
    listed = ["./", *(path for path in files if path != "service_worker.js"), *loaders]
    site = {"version": digest.hexdigest()[:16], "files": listed}
    assert _SITE in script
    return script.replace(_SITE, json.dumps(site)).encode()


def _rendered(template: str, values: dict) -> str:
    """Fills in values and lists as Gradio's Handlebars does, so far as canvas.html needs it."""

    def block(match: re.Match) -> str:
        return "".join(_rendered(match[2], item) for item in values[match[1]])

    template = re.sub(r"{{#each (\w+)}}(.*?){{/each}}", block, template, flags=re.DOTALL)
    return re.sub(r"{{(\w+)}}", lambda match: html.escape(str(values[match[1]])), template)


def _text(name: str) -> str:
    return (_PAGE / name).read_text(encoding="utf-8")
