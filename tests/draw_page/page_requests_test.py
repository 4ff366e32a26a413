"""What the page's buttons ask for, with a model that remembers what it was asked."""

from __future__ import annotations

import base64
import io

import numpy as np
import pytest
from PIL import Image

from sketch2img_tf.draw_page import page_requests
from sketch2img_tf.errors import UserError
from tests.inference import drawn_pages

CREEPING = ("ant", "bat", "bee", "beetle", "butterfly", "frog", "lizard", "snail")


class Remembering:
    """A model whose pictures are its requests, numbered."""

    class_names = ("apple", "car_(sedan)")

    def __init__(self):
        self.asked = []

    def from_bytes(self, sketches, labels, seeds):
        """Tells nothing but how many there were."""
        self.asked.append((sketches, labels, seeds))
        return [b"picture %d" % seed for seed in seeds]

    def blended(self, sketch, label, seeds, others, share):
        """Likewise."""
        self.asked.append((sketch, label, seeds, others, share))
        return [b"picture %d-%d" % pair for pair in zip(seeds, others)]


def png(picture: Image.Image, form: str = "PNG") -> bytes:
    file = io.BytesIO()
    picture.save(file, form)
    return file.getvalue()


def url(content: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(content).decode()


def canvas(ink: int) -> Image.Image:
    """As the browser sends it: 512x512, opaque RGBA."""
    picture = Image.new("RGBA", (512, 512), "white")
    picture.putpixel((100, 200), (ink, ink, ink, 255))
    return picture


def test_variations_have_seeds_in_a_row_and_the_same_drawing():
    model, drawing = Remembering(), png(canvas(0))
    found = page_requests.pictures(model, url(drawing), "car_(sedan)", 5, 3)
    assert model.asked == [([drawing] * 3, ["car_(sedan)"] * 3, [5, 6, 7])]
    assert found == [
        {"seed": seed, "src": url(b"picture %d" % seed), "name": f"car_(sedan)-{seed}.png"}
        for seed in (5, 6, 7)
    ]


def test_an_emptied_seed_is_0():
    found = page_requests.pictures(Remembering(), url(png(canvas(0))), "apple", None, 2)
    assert [each["seed"] for each in found] == [0, 1]


@pytest.mark.parametrize(
    "drawing", [None, "", url(png(canvas(255)))], ids=["nothing", "empty", "white"]
)
def test_a_blank_page_costs_no_picture(drawing):
    model = Remembering()
    assert page_requests.pictures(model, drawing, "apple", 0, 4) == []
    assert model.asked == []


def test_the_faintest_line_is_no_blank_page():
    assert len(page_requests.pictures(Remembering(), url(png(canvas(254))), "apple", 0, 1)) == 1


@pytest.mark.parametrize(
    ("drawing", "says"),
    [
        ("a cat", "is no PNG"),
        (url(b"")[:-1] + "*", "is no PNG"),
        (url(png(canvas(0), "TIFF")), "is damaged"),
        (url(png(canvas(0))[:60]), "is damaged"),
        (url(png(canvas(0))[:-400]), "is damaged"),
        (url(png(Image.new("1", (1025, 10)))), "more than 1024x1024 pixels"),
        (url(b"\0" * page_requests.MAX_BYTES + b"\0"), "more than 4 MB"),
    ],
    ids=["text", "no base 64", "TIFF", "header cut off", "end cut off", "wide", "heavy"],
)
def test_what_is_no_drawing_is_refused(drawing, says):
    model = Remembering()
    with pytest.raises(UserError, match=f"^the drawing .*{says}"):
        page_requests.pictures(model, drawing, "apple", 0, 1)
    assert model.asked == []


def test_an_upload_is_cropped_told_about_and_removed(tmp_path):
    path = tmp_path / "kite.png"
    drawn_pages.kite(ink=255, paper=0).save(path)
    drawing, said = page_requests.uploaded(str(path), fill=0.5)
    ink = np.argwhere(
        np.asarray(Image.open(io.BytesIO(base64.b64decode(drawing.split(",")[1])))) < 128
    )
    assert np.ptp(ink, 0).max() + 1 == pytest.approx(128, abs=2)  # half of the sketch's 256
    assert "white on black" in said and "cropped to the drawing, 160x250 of 600x400 pixels" in said
    assert not path.exists()


def test_an_upload_that_cannot_be_used_is_named_without_its_folder_and_removed(tmp_path):
    path = tmp_path / "text.png"
    path.write_text("a cat")
    with pytest.raises(UserError, match="^text.png: is not a PNG"):
        page_requests.uploaded(str(path), fill=0.8)
    assert not path.exists()


def test_an_upload_that_another_removed_is_one_line(tmp_path):
    with pytest.raises(UserError, match="^gone.png: cannot be read"):
        page_requests.uploaded(str(tmp_path / "gone.png"), fill=0.8)


def test_pictures_on_the_way_to_other_seeds():
    model, drawing = Remembering(), png(canvas(0))
    found = page_requests.pictures(model, url(drawing), "apple", 5, 2, 9, 40)
    assert model.asked == [(drawing, "apple", [5, 6], [9, 10], 0.4)]
    assert found[1] == {
        "seed": "6-40%-10",
        "src": url(b"picture 6-10"),
        "name": "apple-6-40%-10.png",
    }


def test_enlarged_is_four_times_as_large_by_lanczos():
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8))
    large = page_requests.enlarged(url(png(noise)))
    pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(large.split(",")[1]))))
    np.testing.assert_array_equal(pixels, noise.resize((256, 256), Image.Resampling.LANCZOS))
    with pytest.raises(UserError, match="^the drawing is no PNG$"):
        page_requests.enlarged("data:text/html,hello")


def test_a_contact_sheet_has_the_drawing_and_the_pictures():
    photos = [Image.new("RGB", (64, 64), colour) for colour in ("red", "lime", "blue")]
    shown = [
        {"seed": seed, "src": url(png(photo)), "name": "x"} for seed, photo in enumerate(photos)
    ]
    sheet = page_requests.contact_sheet(url(png(canvas(0))), shown, "apple")
    pixels = np.asarray(
        Image.open(io.BytesIO(base64.b64decode(sheet.split(",")[1]))).convert("RGB")
    )
    middle = pixels[70]
    colours = [tuple(middle[6 + 128 * column + 64].tolist()) for column in range(4)]
    assert colours == [(255, 255, 255), (255, 0, 0), (0, 255, 0), (0, 0, 255)]
    with pytest.raises(UserError, match="^there are no pictures yet$"):
        page_requests.contact_sheet(url(png(canvas(0))), [], "apple")


@pytest.mark.parametrize(
    ("names", "label", "offered"),
    [
        (("apple", "banana", "cat", "pear"), "banana", ["pear", "apple"]),
        (("apple", "cat", "unicorn"), "cat", ["unicorn", "apple"]),
        (("apple",), "apple", []),
        (CREEPING, "bee", ["beetle", "butterfly", "frog", "lizard", "snail", "ant"]),
    ],
)
def test_what_else_a_drawing_could_be(names, label, offered):
    assert page_requests.others(names, label) == offered


def test_what_is_kept_is_the_newest_first_and_each_once():
    shown = [{"seed": 7, "src": url(b"a picture"), "name": "x"}]
    first = page_requests.kept([], url(b"1"), shown, "apple", 7)
    both = page_requests.kept(first, url(b"2"), shown, "apple", None)
    assert [each["drawing"] for each in both] == [url(b"2"), url(b"1")]
    assert {**both[0], "id": ""} == dict(
        drawing=url(b"2"), src=url(b"a picture"), label="apple", seed=0, id=""
    )
    again = page_requests.kept(both, url(b"1"), shown, "apple", 7)
    assert [each["id"] for each in again] == [both[1]["id"], both[0]["id"]]
    many = []
    for number in range(30):
        many = page_requests.kept(many, url(b"%d" % number), shown, "apple", 7)
    assert len(many) == 24 and many[0]["drawing"] == url(b"29")
    with pytest.raises(UserError, match="^there are no pictures yet$"):
        page_requests.kept([], url(b"1"), [], "apple", 0)
