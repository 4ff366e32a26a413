"""The gallery holds the very pictures, as HTML that needs no other file and as PNG."""

from __future__ import annotations

import base64
import html.parser
import io

import numpy as np
import pytest
from PIL import Image

from sketch2img_tf.errors import UserError
from sketch2img_tf.inference import gallery
from tests.paired import paired


def png(side: int, colour) -> bytes:
    encoded = io.BytesIO()
    Image.new("L" if isinstance(colour, int) else "RGB", (side, side), colour).save(encoded, "PNG")
    return encoded.getvalue()


COLOURS = [(200, 0, 0), (0, 200, 0), (0, 0, 200), (200, 200, 0)]
ROWS = [
    gallery.Row("cat <1>.png", png(256, 250), {3: png(64, COLOURS[0]), 5: png(64, COLOURS[1])}),
    gallery.Row("dog.png", png(256, 240), {3: png(64, COLOURS[2]), 5: png(64, COLOURS[3])}),
]


class Images(html.parser.HTMLParser):
    """Collects what the page shows and what it would fetch."""

    def __init__(self, text: str):
        super().__init__()
        self.images, self.other, self.text = [], [], ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        for name, value in attrs:
            if name == "src" and value.startswith("data:image/png;base64,"):
                self.images.append(base64.b64decode(value.split(",")[1]))
            elif name in ("src", "href"):
                self.other.append(value)

    def handle_data(self, data):
        self.text += data + "\n"


def test_html_holds_sketches_beside_their_pictures(tmp_path):
    gallery.write(str(tmp_path / "all.HTML"), "car_(sedan) & co", ROWS)
    page = Images((tmp_path / "all.HTML").read_text(encoding="utf-8"))
    assert page.images == [
        picture for row in ROWS for picture in (row.sketch, *row.photos.values())
    ]
    assert page.other == []
    for caption in ("car_(sedan) & co", "cat <1>.png", "dog.png", "seed 3", "seed 5"):
        assert caption in page.text


def test_png_holds_sketches_beside_their_pictures(tmp_path):
    gallery.write(str(tmp_path / "all.png"), "cat", ROWS)
    sheet = np.asarray(Image.open(tmp_path / "all.png").convert("RGB"))
    for colour, row, column in paired(COLOURS, (0, 0, 1, 1), (1, 2, 1, 2)):
        places = np.argwhere((sheet == colour).all(-1))
        assert len(places) == 128 * 128
        assert row == int(places[:, 0].mean() > sheet.shape[0] / 2)
        assert column == int(places[:, 1].mean() / sheet.shape[1] * 3)
    for level in (250, 240):  # of the sketches; the edges of captions may have it too
        assert np.sum((sheet == level).all(-1)) >= 128 * 128


def test_other_endings_are_refused():
    with pytest.raises(UserError, match="^--gallery=all.pdf: should end in .html or .png"):
        gallery.check_path("all.pdf")
