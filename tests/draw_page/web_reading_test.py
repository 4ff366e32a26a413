"""The static page's JavaScript finds the lines of a page as Python does, run by Node.

web_page_test.py tries the same in a browser, which decodes the files too.
"""

from __future__ import annotations

import base64
import io
import json
import pathlib
import shutil
import subprocess

import numpy as np
import pytest
from PIL import Image

from sketch2img_tf.errors import UserError
from sketch2img_tf.inference import sketch_files
from tests.inference import pages

pytestmark = pytest.mark.ci

WEB = pathlib.Path(sketch_files.__file__).parents[1] / "draw_page" / "web"
TOLERANCE = 4  # levels of 255
FILL = 0.8
READ = """
import fs from "node:fs";
import { fromPixels } from "./sketch_files.js";
const found = process.argv.slice(2).map((name) => {
  const bytes = fs.readFileSync(name);
  const [width, height] = [bytes.readUInt32LE(0), bytes.readUInt32LE(4)];
  const data = new Uint8ClampedArray(bytes.subarray(8));
  try {
    const { sketch, notes } = fromPixels({ data, width, height }, %s);
    return { sketch: Buffer.from(sketch).toString("base64"), notes };
  } catch (error) {
    return { error: error.message };
  }
});
console.log(JSON.stringify(found));
"""


@pytest.fixture(scope="module")
def program(tmp_path_factory) -> pathlib.Path:
    """Node takes files for modules only where a package says so."""
    if not shutil.which("node"):
        pytest.skip("needs Node")
    folder = tmp_path_factory.mktemp("web")
    for script in WEB.glob("*.js"):
        shutil.copy(script, folder)
    (folder / "package.json").write_text('{"type": "module"}', encoding="utf-8")
    (folder / "read.js").write_text(READ % FILL, encoding="utf-8")
    return folder / "read.js"


def test_lines_are_those_that_python_finds(program, tmp_path):
    drawn = {
        name: page
        for name, page in {**pages.drawings(), **pages.others()}.items()
        if min(page.size) >= sketch_files.MIN_SIDE  # told from the file, before the lines
    }
    for number, page in enumerate(drawn.values()):
        size = np.array(page.size, "<u4").tobytes()
        (tmp_path / f"{number}.rgba").write_bytes(size + page.convert("RGBA").tobytes())
    names = [str(tmp_path / f"{number}.rgba") for number in range(len(drawn))]
    done = subprocess.run(["node", program, *names], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for (name, page), found in zip(drawn.items(), json.loads(done.stdout), strict=True):
        path = tmp_path / "page.png"
        page.save(path)
        try:
            sketch = sketch_files.read_sketch(str(path), fill=FILL)
        except UserError as error:
            assert found == {"error": str(error).removeprefix(f"{path}: ")}, name
            continue
        assert found["notes"] == list(sketch.notes), name
        pixels = np.frombuffer(base64.b64decode(found["sketch"]), np.uint8).reshape(256, 256)
        expected = np.asarray(Image.open(io.BytesIO(sketch.png)))
        assert np.abs(pixels.astype(int) - expected).max() <= TOLERANCE, name
