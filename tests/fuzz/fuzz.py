"""Coverage-guided fuzzing of what reads files from strangers: each is read, or refused in one line,
and nothing else.

    pip install -r requirements.txt -r tests/fuzz/requirements.txt
    python -m tests.fuzz.fuzz TARGET CORPUS_DIR -max_total_time=900

TARGET is a function of `TARGETS`. What comes after it is libFuzzer's: CORPUS_DIR is a folder, in
which good files are put to begin with; a file that breaks the rule is kept as crash-* in the folder
of the call, and run again by its name in place of CORPUS_DIR. Only Python's instructions count as
covered, Pillow's own among them, none in C.
"""

from __future__ import annotations

import contextlib
import io
import os
import pathlib
import struct
import sys
import tempfile
import zlib

import atheris
import numpy as np
from PIL import Image

with atheris.instrument_imports(include=["PIL", "csv", "datasets", "sketch2img_tf"]):
    from PIL import GifImagePlugin, JpegImagePlugin, PngImagePlugin, WebPImagePlugin  # noqa: F401

    from datasets.common import pictures
    from datasets.edge_maps import photos
    from datasets.sketchy import release_lists
    from sketch2img_tf.data.names import MARKS
    from sketch2img_tf.errors import UserError
    from sketch2img_tf.export import encoded_sketches
    from sketch2img_tf.inference import sketch_files

import tensorflow as tf

_PNG = b"\x89PNG\r\n\x1a\n"
_LISTS = ("testset.txt", "stats.csv", *(f"invalid-{flag}.txt" for flag in MARKS))
_HERE = pathlib.Path(tempfile.mkdtemp(dir="/dev/shm" if os.path.isdir("/dev/shm") else None))


@tf.function(input_signature=[tf.TensorSpec([1], tf.string)])
def _read_encoded(encoded: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    return encoded_sketches.read(encoded, 64)


def sketches(data: bytes) -> None:
    """What generate.py and the page are given."""
    path = _HERE / "sketch"
    path.write_bytes(data)
    for fill in (None, 0.8):
        try:
            sketch = sketch_files.read_sketch(str(path), fill=fill)
        except UserError as error:
            assert "\n" not in str(error), error
        else:
            picture = Image.open(io.BytesIO(sketch.png))
            assert (picture.mode, picture.size) == ("L", (256, 256))


def exported(data: bytes) -> None:
    """What a server is given. TensorFlow's decoders are no Python: Pillow
    reads it too, for its coverage alone.
    """
    with contextlib.suppress(Exception):
        Image.open(io.BytesIO(data)).load()
    ink, problems = _read_encoded([data])
    assert np.isfinite(ink).all() and (not problems.numpy()[0] or not ink.numpy().any())


def release(data: bytes) -> None:
    """What a build is given: `_check` turns every error of a decoder into a
    line, so that the rest is left to find.
    """
    path = _HERE / "picture"
    path.write_bytes(data)
    for check, channels in ((pictures.check_photo, 3), (pictures.check_sketch, 1)):
        checked = check(path)
        assert checked.problem or len(checked.totals) == channels
    if not checked.problem:
        assert pictures.read_sketch(path).shape == (256, 256, 1)
    try:
        assert photos.decode(data).shape == (256, 256, 3)
    except Exception as error:  # as the build, which names the photo
        assert not isinstance(error, AssertionError), error


def lists(data: bytes) -> None:
    """The release's lists: the first byte chooses which of them is the rest."""
    if not data:
        return
    for name in _LISTS:
        (_HERE / name).write_bytes(b"")
    (_HERE / "stats.csv").unlink()
    (_HERE / _LISTS[data[0] % len(_LISTS)]).write_bytes(data[1:])
    try:
        read = release_lists.read(_HERE)
    except UserError as error:
        assert "\n" not in str(error), error
        return
    for row in read.test_photos or ():
        release_lists.photo_id(row)
    for stats in read.stats.values():
        np.array([stats.difficulty, stats.stroke_count], np.int64)  # as the records hold them
    for text in (*read.stats, *(name for names in read.invalid.values() for name in names)):
        text.encode()


TARGETS = {function.__name__: function for function in (sketches, exported, release, lists)}


def _mutate(data: bytes, max_size: int, seed: int) -> bytes:
    """libFuzzer's own, with the checksums of a PNG's chunks set right: else
    nothing behind the first would be read.
    """
    return _with_checksums(atheris.Mutate(data, len(data) if len(data) > max_size else max_size))


def _with_checksums(data: bytes) -> bytes:
    if not data.startswith(_PNG):
        return data
    chunks, at = [_PNG], len(_PNG)
    while at + 12 <= len(data):
        end = at + 8 + struct.unpack(">I", data[at : at + 4])[0]
        chunks.append(data[at:end] + struct.pack(">I", zlib.crc32(data[at + 4 : end])))
        at = end + 4
    return b"".join(chunks)[: len(data)] if at <= len(data) else data


def _write_seeds(target: str, folder: pathlib.Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in (
        _seed_lists() if target == "lists" else _seed_pictures(256 if target == "release" else 48)
    ):
        (folder / name).write_bytes(content)


def _seed_lists():
    rows = {
        "testset.txt": "airplane/n02691156_10151.jpg\napple/n90000001_100.jpg\n",
        "stats.csv": "CategoryID,ImageNetID,SketchID,Difficulty,Stroke_Count\n"
        "0,n02691156_10151,1,2,13\n",
    }
    for number, name in enumerate(_LISTS):
        yield (
            name,
            bytes([number]) + rows.get(name, "n02691156_10151-1\nn90000001_100-2\n").encode(),
        )


def _seed_pictures(size: int):
    drawn = np.full([size, size], 255, np.uint8)
    drawn[size // 4 : -size // 4, size // 4 : size // 4 + 3] = drawn[
        size // 4 : size // 4 + 3, size // 4 :
    ] = 0
    exif = Image.Exif()
    exif[0x0112] = 6  # to be shown turned
    for mode in ("1", "L", "P", "RGB", "RGBA", "LA", "I;16", "CMYK"):
        grey = Image.fromarray(drawn)
        picture = (
            Image.fromarray(drawn.astype(np.uint16) * 257) if mode == "I;16" else grey.convert(mode)
        )
        for kind in ("PNG", "JPEG", "WEBP", "GIF", "BMP"):
            file = io.BytesIO()
            try:
                picture.save(
                    file, kind, **({"exif": exif} if kind in ("PNG", "JPEG", "WEBP") else {})
                )
            except (OSError, ValueError):  # that kind has no such mode
                continue
            yield f"{mode.replace(';', '_')}.{kind.lower()}", file.getvalue()


def _main() -> None:
    if len(sys.argv) < 3 or sys.argv[1] not in TARGETS:
        sys.exit(
            f"usage: python -m tests.fuzz.fuzz {'|'.join(TARGETS)} CORPUS_DIR [options of"
            " libFuzzer]"
        )
    target = sys.argv.pop(1)
    corpus = pathlib.Path(sys.argv[1])
    if not corpus.is_file():
        _write_seeds(target, corpus)
    mutator = {} if target == "lists" else {"custom_mutator": _mutate}
    atheris.Setup(sys.argv, TARGETS[target], **mutator)
    atheris.Fuzz()


if __name__ == "__main__":
    _main()
