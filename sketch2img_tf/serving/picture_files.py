"""Where generated pictures go, and how they get there."""

from __future__ import annotations

import collections
import io
import os

from PIL import Image

from sketch2img_tf.errors import UserError
from sketch2img_tf.serving import sketch_files

_NO_FOLDERS = (*sketch_files.EXTENSIONS, ".html", ".tif", ".tiff")


def plan(output: str, sketches: list[str], seeds: list[int]) -> dict[tuple[str, int], str]:
    """The file of every picture, by sketch and seed.

    One picture goes to `output` if that ends in .png; otherwise `output` is a folder and gets `<sketch>-<seed>.png`.

    Raises:
      UserError: several pictures for one file, another kind of file, or a sketch would be overwritten.
    """
    one = len(sketches) * len(seeds) == 1
    ending = os.path.splitext(output)[1].lower()
    if os.path.isdir(output) or ending not in _NO_FOLDERS:
        names = _names(sketches)
        paths = {(s, seed): os.path.join(output, f"{names[s]}-{seed}.png") for s in sketches for seed in seeds}
    elif ending != ".png":
        raise UserError(f"--output={output}: pictures are written as PNG; give a .png file or a folder")
    elif not one:
        raise UserError(f"--output={output}: is one file, for {len(sketches) * len(seeds)} pictures; give a folder")
    else:
        paths = {(sketches[0], seeds[0]): output}
    _keep_sketches(paths, sketches)
    return paths


def enlarge(png: bytes, size: int) -> bytes:
    """A square PNG at `size` pixels; the same bytes if it has that size."""
    picture = Image.open(io.BytesIO(png))
    if picture.width == size:
        return png
    enlarged = io.BytesIO()
    picture.resize((size, size), Image.Resampling.LANCZOS).save(enlarged, "PNG")
    return enlarged.getvalue()


def write(path: str, content: bytes) -> None:
    """Writes a file, and its folder where that is missing."""
    make_folder(path)
    with open(path, "wb") as file:
        file.write(content)


def make_folder(path: str) -> None:
    """Makes the folder in which the file `path` will lie."""
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)


def _names(sketches: list[str]) -> dict[str, str]:
    """A sketch's name without its ending, but with it where two sketches differ in nothing else."""
    stems = {path: os.path.splitext(os.path.basename(path))[0] for path in sketches}
    count = collections.Counter(stem.lower() for stem in stems.values())
    return {path: stem if count[stem.lower()] == 1 else os.path.basename(path) for path, stem in stems.items()}


def _keep_sketches(paths: dict[tuple[str, int], str], sketches: list[str]) -> None:
    folders = {os.path.realpath(os.path.dirname(path)) for path in paths.values()}
    if len(sketches) > 1 and os.path.realpath(os.path.dirname(sketches[0])) in folders:
        raise UserError("--output is the folder of the sketches: give another, lest pictures be taken for sketches")
    if {os.path.realpath(path) for path in paths.values()} & {os.path.realpath(path) for path in sketches}:
        raise UserError("--output would overwrite the sketch: give another file")
