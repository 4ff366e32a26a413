"""Files that anybody may send, read in a graph: the good ones as
`preprocessing` reads them, the bad ones by name.
"""

from __future__ import annotations

import functools
import pathlib
import struct
import zlib

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from sketch2img_tf.data import preprocessing
from sketch2img_tf.export import encoded_sketches
from sketch2img_tf.export.encoded_sketches import MAX_BYTES, MAX_SIDE
from tests.export.exports import drawing, encoded

PNG, JPEG = encoded(drawing(0, 256)), encoded(drawing(0, 256), "JPEG")
TOO_LARGE = (
    f"the sketch should be at most {MAX_SIDE}x{MAX_SIDE} pixels,"
    " and at most 64 times as long as wide"
)
DAMAGED, UNKNOWN = "the PNG or JPEG is damaged", "the sketch is neither PNG nor JPEG"

GOOD = {
    "png": PNG,
    "jpeg": JPEG,
    "colour jpeg": encoded(drawing(0, 256).convert("RGB"), "JPEG"),
    "one pixel": encoded(Image.new("L", (1, 1), 255)),
    "blank": encoded(Image.new("L", (300, 200), 255)),
    "transparent": encoded(Image.new("RGBA", (100, 100))),
    "16 bits": encoded(Image.fromarray(np.full((30, 30), 40000, np.uint16))),
    "1 bit": encoded(drawing(0).convert("1")),
    "CMYK": encoded(drawing(0).convert("CMYK"), "JPEG"),
    "largest": encoded(Image.new("1", (MAX_SIDE, MAX_SIDE), 1)),
    "narrowest": encoded(Image.new("L", (MAX_SIDE, MAX_SIDE // 64), 255)),
}


def png(width: int, height: int, data: bytes = b"") -> bytes:
    """A PNG of one bit a pixel."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content))
            + kind
            + content
            + struct.pack(">I", zlib.crc32(kind + content))
        )

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", data) + chunk(b"IEND", b"")


BAD = {
    "nothing": (b"", UNKNOWN),
    "text": (b"I am no picture at all", UNKNOWN),
    "gif": (encoded(drawing(0), "GIF"), UNKNOWN),
    "bmp": (encoded(drawing(0), "BMP"), UNKNOWN),
    "webp": (encoded(drawing(0), "WEBP"), UNKNOWN),
    "png cut in its first chunk": (PNG[:20], DAMAGED),
    "png cut after its size": (PNG[:24], DAMAGED),
    "png cut in its pixels": (PNG[: len(PNG) // 2], DAMAGED),
    "png with a wrong byte": (PNG[:60] + bytes([PNG[60] ^ 255]) + PNG[61:], DAMAGED),
    "jpeg of three bytes": (JPEG[:3], DAMAGED),
    "jpeg cut in its header": (JPEG[:100], DAMAGED),
    "jpeg cut in its pixels": (JPEG[: len(JPEG) // 2], DAMAGED),
    "too many bytes": (PNG + bytes(MAX_BYTES), f"the sketch has more than {MAX_BYTES} bytes"),
    "too wide": (encoded(Image.new("L", (MAX_SIDE + 1, 500))), TOO_LARGE),
    "too high, jpeg": (encoded(Image.new("L", (500, MAX_SIDE + 1)), "JPEG"), TOO_LARGE),
    "a thread": (encoded(Image.new("L", (1, MAX_SIDE))), TOO_LARGE),
    "no pixels": (png(0, 10), TOO_LARGE),
    "sides beyond 31 bits": (png(2**32 - 1, 2**31), TOO_LARGE),
}


@pytest.fixture(scope="module")
def read():
    """In a graph, as in an export."""
    return reader(64)


def reader(size):
    read = functools.partial(encoded_sketches.read, size=size)
    return tf.function(read, input_signature=[tf.TensorSpec([None], tf.string)])


def test_good_files_are_read_as_in_training(read):
    sketches, problems = read(list(GOOD.values()))
    assert not any(problems.numpy())
    expected = [
        preprocessing.resize(preprocessing.decode_sketch(file), 64) for file in GOOD.values()
    ]
    np.testing.assert_array_equal(sketches, np.stack(expected))


def test_a_model_of_larger_pictures_reads_them_larger_and_takes_thinner_ones():
    thread = encoded(Image.new("L", (10, 900), 0))
    sketches, problems = reader(128)([PNG, thread])
    assert not any(problems.numpy())
    np.testing.assert_array_equal(
        sketches[0], preprocessing.resize(preprocessing.decode_sketch(PNG), 128)
    )
    assert reader(64)([thread])[1] == [TOO_LARGE.encode()]


def test_bad_files_are_blank_and_named_one_by_one(read):
    sketches, problems = read([file for file, _ in BAD.values()])
    found = dict(zip(BAD, (problem.decode() for problem in problems.numpy())))
    assert found == {name: problem for name, (_, problem) in BAD.items()}
    np.testing.assert_array_equal(sketches, np.zeros([len(BAD), 64, 64, 1]))


def test_bad_files_do_not_touch_good_ones_beside_them(read):
    alone, _ = read([PNG])
    mixed, problems = read([BAD["gif"][0], PNG, BAD["png cut in its pixels"][0]])
    assert problems.numpy().tolist() == [UNKNOWN.encode(), b"", DAMAGED.encode()]
    np.testing.assert_array_equal(mixed[1], alone[0])


def test_no_files(read):
    assert read(tf.zeros([0], tf.string))[0].shape == (0, 64, 64, 1)


def peak_memory(call) -> int:
    """Bytes that the process has more at the highest point of the call than before it."""
    process = pathlib.Path("/proc/self")
    if not process.is_dir():
        pytest.skip("needs Linux's /proc to see the peak of memory")
    (process / "clear_refs").write_text("5")  # the peak so far is forgotten

    def resident(name: str) -> int:
        line = next(
            line for line in (process / "status").read_text().splitlines() if line.startswith(name)
        )
        return 1024 * int(line.split()[1])

    before = resident("VmRSS")
    call()
    return resident("VmHWM") - before


def test_bombs_are_not_decoded(read):
    """20000x20000 pixels in 50 kB, which would be 6 GB in this graph."""
    bomb = png(20000, 20000, zlib.compress(bytes(20000 * 2501), 9))
    assert len(bomb) < 60_000
    read([PNG])
    assert peak_memory(lambda: read([bomb] * 8)) < 50e6


def test_a_batch_of_the_largest_sketches_takes_bounded_memory(read):
    largest = encoded(Image.new("RGBA", (MAX_SIDE, MAX_SIDE), (0, 0, 0, 128)))
    assert peak_memory(lambda: read([largest] * 8)) < 2e9
