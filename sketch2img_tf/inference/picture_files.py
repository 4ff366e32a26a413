"""Chooses the files of generated pictures, and writes them."""

from __future__ import annotations

import collections
import io
import os
from collections.abc import Iterable

from PIL import Image

from sketch2img_tf.errors import UserError
from sketch2img_tf.surroundings import file_names

_PAGES = (".html", ".htm")


def plan(output: str, sketches: list[str], seeds: list[int]) -> dict[tuple[str, int], str]:
    """The file of every picture, by sketch and seed.

    One picture goes to `output` if that ends in .png; otherwise `output` is a folder and gets
    `<sketch>-<seed>.png`.

    Raises:
      UserError: several pictures would go to one file, the file is of another kind, or a sketch
        would be overwritten.
    """
    names = _names(sketches)
    return _plan(
        output,
        "--output",
        {(s, seed): f"{names[s]}-{seed}.png" for s in sketches for seed in seeds},
    )


def plan_inputs(show_input: str, sketches: list[str]) -> dict[str, str]:
    """The file for each sketch as the model sees it: like `plan`, in a folder as `<sketch>.png`."""
    names = _names(sketches)
    planned = _plan(show_input, "--show_input", {(s, None): f"{names[s]}.png" for s in sketches})
    return {sketch: path for (sketch, _), path in planned.items()}


def _plan(
    output: str, flag: str, names: dict[tuple[str, int | None], str]
) -> dict[tuple[str, int | None], str]:
    ending = os.path.splitext(output)[1].lower()
    if os.path.isdir(output) or not (file_names.is_picture(output) or ending in _PAGES):
        paths = {key: os.path.join(output, name) for key, name in names.items()}
    elif ending != ".png":
        raise UserError(
            f"{flag}={output}: pictures are written as PNG; give a .png file or a folder"
        )
    elif len(names) > 1:
        raise UserError(f"{flag}={output}: is one file, for {len(names)} pictures; give a folder")
    else:
        paths = dict.fromkeys(names, output)
    _tell_apart(paths)
    _keep_sketches(paths, flag)
    return paths


def keep(files: Iterable[str], flag: str, outputs: Iterable[str]) -> None:
    """Raises a UserError if writing `outputs` of the flag would overwrite one of `files`."""
    kept = {_identity(path): path for path in files}
    for output in outputs:
        if path := kept.get(_identity(output)):
            raise UserError(f"{flag} would overwrite {path}: give another")


def enlarge(png: bytes, size: int) -> bytes:
    """A square PNG at `size` pixels; the same bytes if it has that size."""
    picture = Image.open(io.BytesIO(png))
    if picture.width == size:
        return png
    enlarged = io.BytesIO()
    picture.resize((size, size), Image.Resampling.LANCZOS).save(enlarged, "PNG")
    return enlarged.getvalue()


def write(path: str, content: bytes) -> None:
    """Writes a file, and makes its folder if it is missing."""
    make_folder(path)
    with open(path, "wb") as file:
        file.write(content)


def make_folder(path: str) -> None:
    """Makes the folder of the file `path`."""
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)


def _names(sketches: list[str]) -> dict[str, str]:
    """Each sketch's name, without its ending unless two sketches differ only in the ending."""
    stems = {path: os.path.splitext(os.path.basename(path))[0] for path in sketches}
    count = collections.Counter(map(_folded, stems.values()))
    alone = {path for path, stem in stems.items() if count[_folded(stem)] == 1}
    return {path: stems[path] if path in alone else os.path.basename(path) for path in sketches}


def _tell_apart(paths: dict[tuple[str, int | None], str]) -> None:
    sketch_of = {}
    for (sketch, _), path in paths.items():
        other = sketch_of.setdefault(_identity(path), sketch)
        if other != sketch:
            raise UserError(f"{other} and {sketch} would both become {path}: rename one of them")


def _keep_sketches(paths: dict[tuple[str, int | None], str], flag: str) -> None:
    sketches = list(dict.fromkeys(sketch for sketch, _ in paths))
    folders = {os.path.realpath(os.path.dirname(path)) for path in paths.values()}
    if len(sketches) > 1 and os.path.realpath(os.path.dirname(sketches[0])) in folders:
        raise UserError(
            f"{flag} is the folder of the sketches: give another, so that no picture is taken for a"
            " sketch"
        )
    keep(sketches, flag, paths.values())


def _identity(path: str) -> object:
    """Equal for all paths of a file, and for all names that a system may take for a future file."""
    try:
        status = os.stat(path)
    except OSError:
        return _folded(os.path.realpath(path))
    return status.st_dev, status.st_ino


def _folded(name: str) -> str:
    """The name without what macOS and Windows ignore: case, and how accents are encoded."""
    return file_names.as_text(name).casefold()
