"""A look is the same for copies of a photo and another for other photos; the
nearest is found as by counting bits.
"""

from __future__ import annotations

import io
import pathlib

import numpy as np
import pytest
from PIL import Image, ImageEnhance

from datasets.common import looks
from datasets.miniature import scenes


def differing(look: bytes, other: bytes) -> int:
    return bin(int.from_bytes(look, "big") ^ int.from_bytes(other, "big")).count("1")


@pytest.fixture(scope="module")
def photos():
    """Of every class of the miniature two."""
    drawn = [
        (name, np.random.default_rng(seed)) for name in sorted(scenes.SCENES) for seed in (0, 1)
    ]
    painted = [scenes.paint(name, generator, 128).photo for name, generator in drawn]
    return [Image.fromarray((255 * photo).astype(np.uint8)) for photo in painted]


def _encoded(photo, quality):
    file = io.BytesIO()
    photo.save(file, "JPEG", quality=quality)
    return Image.open(file)


def _cropped(photo, pixels):
    return photo.crop((pixels, pixels, photo.width - pixels, photo.height - pixels))


@pytest.mark.parametrize(
    "change",
    [
        lambda photo: _encoded(photo.resize((64, 64), Image.Resampling.BILINEAR), 60),
        lambda photo: photo.resize((500, 300), Image.Resampling.BICUBIC),
        lambda photo: ImageEnhance.Brightness(photo).enhance(0.8),
        lambda photo: photo.convert("L"),
        lambda photo: _cropped(photo, 1),
    ],
    ids=["small and coarse", "large and stretched", "darker", "grey", "cropped"],
)
def test_copies_are_alike(photos, change):
    assert (
        max(differing(looks.look(photo), looks.look(change(photo))) for photo in photos)
        <= looks.MOST_DIFFERENT
    )


def test_other_photos_are_not(photos):
    all_looks = [looks.look(photo) for photo in photos]
    of_pairs = [differing(a, b) for i, a in enumerate(all_looks) for b in all_looks[:i]]
    assert min(of_pairs) > looks.MOST_DIFFERENT
    mirrored = [looks.look(photo.transpose(Image.Transpose.FLIP_LEFT_RIGHT)) for photo in photos]
    assert min(map(differing, all_looks, mirrored)) > looks.MOST_DIFFERENT


def test_the_first_that_is_alike():
    generator = np.random.default_rng(0)
    others = [generator.bytes(32) for _ in range(300)] * 2
    wanted = [generator.bytes(32) for _ in range(20)]
    for position, flipped in ((7, 0), (299, looks.MOST_DIFFERENT), (5, looks.MOST_DIFFERENT + 1)):
        bits = np.unpackbits(np.frombuffer(others[position], np.uint8))
        bits[generator.choice(256, flipped, replace=False)] ^= 1
        wanted.append(np.packbits(bits).tobytes())
    assert looks.first_alike(wanted, others) == [-1] * 20 + [7, 299, -1]
    assert looks.first_alike(wanted, []) == [-1] * 23 and looks.first_alike([], others) == []


def test_real_photos(shared_dir):
    """Photos at 128 pixels are those of their names at 256, in far fewer bits
    than allowed, and no others are near.
    """
    small = {path.stem: path for path in (shared_dir / "photos_128").glob("*/*.jpg")}
    large = [
        path
        for folder in ("sketchy", "sketchy_more")
        for path in sorted((shared_dir / folder / "256x256/photo/tx_000000000000").glob("*/*.jpg"))
    ]
    names = [path.stem for path in large]
    some = {
        name: small[name]
        for name in sorted(small)
        if name in names or small[name].parent.name == "airplane"
    }
    of_small, of_large = ([_look(path) for path in paths] for paths in (some.values(), large))
    found = dict(zip(some, looks.first_alike(of_small, of_large)))
    assert {name: names[position] for name, position in found.items() if position >= 0} == {
        name: name for name in some if name in names
    }
    same = [
        differing(look, of_large[position])
        for look, position in zip(of_small, found.values())
        if position >= 0
    ]
    assert len(same) > 50 and max(same) <= 8
    others = [
        differing(a, b)
        for a, name in zip(of_small, some)
        for b, other in zip(of_large, names)
        if name != other
    ]
    assert min(others) > 48


def _look(path: pathlib.Path) -> bytes:
    return looks.look(Image.open(path))
