"""Which file each picture goes to."""

from __future__ import annotations

import io
import os
import unicodedata

import numpy as np
import pytest
from PIL import Image

from sketch2img_tf.errors import UserError
from sketch2img_tf.inference import picture_files

OTHER_KINDS = ("jpg", "jfif", "pdf", "svg", "avif", "heic", "jp2", "tif", "htm", "psd", "webp")


def test_one_picture_goes_to_the_file():
    assert picture_files.plan("new/cat.png", ["cat.jpg"], [3]) == {("cat.jpg", 3): "new/cat.png"}


def test_one_picture_goes_into_a_folder(tmp_path):
    for folder in (str(tmp_path), "new/folder", "version.2"):
        assert picture_files.plan(folder, ["in/cat.jpg"], [3]) == {
            ("in/cat.jpg", 3): os.path.join(folder, "cat-3.png")
        }


def test_several_pictures_go_into_a_folder():
    planned = picture_files.plan("out", ["in/cat.jpg", "in/dog.png"], [0, 1])
    assert sorted(planned.values()) == [
        "out/cat-0.png",
        "out/cat-1.png",
        "out/dog-0.png",
        "out/dog-1.png",
    ]
    assert planned["in/dog.png", 1] == "out/dog-1.png"


def test_sketches_that_differ_in_their_ending_alone_do_not_share_a_file():
    planned = picture_files.plan("out", ["in/cat.jpg", "in/Cat.png", "in/dog.png"], [0])
    assert sorted(planned.values()) == ["out/Cat.png-0.png", "out/cat.jpg-0.png", "out/dog-0.png"]


@pytest.mark.parametrize(
    ("output", "sketches", "seeds", "says"),
    [
        ("out.png", ["a.png", "b.png"], [0], "is one file, for 2 pictures"),
        ("out.png", ["a.png"], [0, 1, 2], "is one file, for 3 pictures"),
        ("out.jpg", ["a.png"], [0], "pictures are written as PNG"),
        ("out.html", ["a.png"], [0], "pictures are written as PNG"),
        *((f"apple.{kind}", ["a.png"], [0], "pictures are written as PNG") for kind in OTHER_KINDS),
        ("apple.SVG", ["a.png", "b.png"], [0], "pictures are written as PNG"),
        ("a.png", ["a.png"], [0], "would overwrite a.png"),
        ("./in/../a.png", ["a.png"], [0], "would overwrite a.png"),
        ("in", ["in/a.png", "in/b.png"], [0], "is the folder of the sketches"),
    ],
)
def test_outputs_that_cannot_be(output, sketches, seeds, says):
    with pytest.raises(UserError, match=f"^--output.*{says}"):
        picture_files.plan(output, sketches, seeds)


def test_a_folder_that_is_there_may_have_any_name(tmp_path):
    (tmp_path / "apple.pdf").mkdir()
    planned = picture_files.plan(str(tmp_path / "apple.pdf"), ["cat.jpg"], [3])
    assert planned == {("cat.jpg", 3): str(tmp_path / "apple.pdf" / "cat-3.png")}


@pytest.mark.parametrize(
    "sketches",
    [
        ["in/cat.png", "in/cat.jpg", "in/cat.png.bmp"],
        ["in/cat.png", "in/cat.PNG"],
        [f"in/{unicodedata.normalize(form, 'café.png')}" for form in ("NFC", "NFD")],
    ],
)
def test_two_sketches_never_share_a_file(sketches):
    """Not on a file system, either, that takes two names for one."""
    with pytest.raises(UserError, match="would both become out/.*: rename one of them"):
        picture_files.plan("out", sketches, [0])


def test_a_sketch_is_kept_whatever_its_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cat.png").touch()
    os.link("cat.png", "other.png")
    (tmp_path / "link.png").symlink_to("cat.png")
    for output in ("./cat.png", "other.png", "link.png", str(tmp_path / "cat.png")):
        with pytest.raises(UserError, match="^--output would overwrite cat.png: give another$"):
            picture_files.plan(output, ["cat.png"], [0])
        with pytest.raises(UserError, match="^--gallery would overwrite cat.png: give another$"):
            picture_files.keep(["cat.png", "out/cat-0.png"], "--gallery", [output])
    picture_files.keep(["cat.png", "out/cat-0.png"], "--gallery", ["out/all.png"])


def test_enlarging_keeps_the_picture():
    pixels = np.stack([*np.mgrid[:64, :64] * 4, np.full((64, 64), 90)], -1).astype(np.uint8)
    png = io.BytesIO()
    Image.fromarray(pixels).save(png, "PNG")
    assert picture_files.enlarge(png.getvalue(), 64) == png.getvalue()
    enlarged = np.asarray(Image.open(io.BytesIO(picture_files.enlarge(png.getvalue(), 256))), float)
    np.testing.assert_allclose(enlarged.reshape(64, 4, 64, 4, 3).mean((1, 3)), pixels, atol=2)
