"""Lines found on clean, grey, dark, unevenly lit and cluttered pages."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, ImageDraw

from sketch2img_tf.inference import line_drawing
from tests.inference import pages
from tests.inference.drawn_pages import (
    BOTTOM,
    HEIGHT,
    LEFT,
    RIGHT,
    TOP,
    WIDTH,
    bent_page,
    even_drawings,
    kite,
    photographed,
)

FILL = 0.8


def page(picture: Image.Image) -> np.ndarray:
    return np.asarray(picture, np.float32) / 255


def box(pixels: np.ndarray) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of what is dark; the last two are past the end."""
    rows, columns = np.nonzero(pixels < 128)
    return columns.min(), rows.min(), columns.max() + 1, rows.max() + 1


def overlap(a: np.ndarray, b: np.ndarray) -> float:
    """Intersection over union of what is dark."""
    return np.sum((a < 128) & (b < 128)) / np.sum((a < 128) | (b < 128))


@pytest.fixture(scope="module")
def clean() -> np.ndarray:
    return line_drawing.extract(page(kite()), fill=FILL)[0]


@pytest.mark.parametrize("fill", [0.5, 0.66, 0.8, 1.0])
def test_the_drawing_is_centred_and_fills_its_share(fill):
    pixels, _ = line_drawing.extract(page(kite()), fill=fill)
    height, width = fill * 256, fill * 256 * (RIGHT + 1 - LEFT) / (BOTTOM + 1 - TOP)
    expected = [128 - width / 2, 128 - height / 2, 128 + width / 2, 128 + height / 2]
    np.testing.assert_allclose(box(pixels), expected, atol=2.5)


def test_without_a_crop_the_page_is_letterboxed():
    pixels, _ = line_drawing.extract(page(kite()))
    scale, above = 256 / WIDTH, (WIDTH - HEIGHT) / 2
    expected = np.array([LEFT, TOP + above, RIGHT + 1, BOTTOM + 1 + above]) * scale
    np.testing.assert_allclose(box(pixels), expected, atol=1.5)


def test_a_sketch_of_256_pixels_is_not_changed():
    square = kite().crop((140, 70, 396, 326))
    pixels, notes = line_drawing.extract(page(square))
    np.testing.assert_array_equal(pixels, np.asarray(square))
    assert notes == ["black on white"]


@pytest.mark.parametrize(("ink", "paper"), [(60, 150), (120, 255), (200, 255), (0, 60)])
def test_lines_become_black_and_paper_white(clean, ink, paper):
    pixels, _ = line_drawing.extract(page(kite(ink, paper)), fill=FILL)
    assert overlap(pixels, clean) > 0.98
    np.testing.assert_array_equal(pixels[0], 255)
    assert pixels.min() == 0


@pytest.mark.parametrize(("ink", "paper"), [(255, 0), (200, 90), (110, 20)])
def test_white_on_black_is_told_by_the_border(clean, ink, paper):
    pixels, notes = line_drawing.extract(page(kite(ink, paper)), fill=FILL)
    assert overlap(pixels, clean) > 0.98
    assert notes[0] == "white on black, turned to black on white"


def test_polarity_can_be_forced():
    """A dark frame all around is what the border cannot tell from a dark page."""
    framed = page(kite())
    framed[:40], framed[-40:], framed[:, :100], framed[:, -100:] = 0, 0, 0, 0
    dark = 1 - framed
    assert "though its border is dark" in line_drawing.extract(framed)[1][0]
    np.testing.assert_array_equal(
        line_drawing.extract(dark, "white_on_black")[0],
        line_drawing.extract(framed, "black_on_white")[0],
    )


def test_a_photographed_page(clean):
    pixels, notes = line_drawing.extract(photographed(kite()), fill=FILL)
    assert "uneven light evened out" in notes
    assert overlap(pixels, clean) > 0.75
    assert np.mean(pixels[clean == 255] > 230) > 0.98


def test_a_photographed_blackboard(clean):
    pixels, notes = line_drawing.extract(1 - photographed(kite()), fill=FILL)
    assert notes[0] == "white on black, turned to black on white"
    assert overlap(pixels, clean) > 0.75


def test_a_sheet_on_a_dark_table(clean):
    table = np.full((HEIGHT, WIDTH), 0.1, np.float32) + photographed(kite()) * 0.05
    table[30:-30, 100:-100] = photographed(kite())[30:-30, 100:-100]
    pixels, notes = line_drawing.extract(table, fill=FILL)
    assert notes[0] == "black on white, though its border is dark"
    assert overlap(pixels, clean) > 0.7


@pytest.mark.parametrize("margin", [255, 235, 130, 0])
@pytest.mark.parametrize("turned", [0, 6])
def test_paper_in_a_margin(margin, turned):
    """A scanner's lid, a slide, a photo made square: what is around
    the sheet is not what it is drawn on.
    """
    sheet = kite(40, 200).rotate(turned, Image.Resampling.BICUBIC, expand=True, fillcolor=margin)
    around = Image.new("L", (900, 900), margin)
    around.paste(sheet, (100, 150))
    pixels, _ = line_drawing.extract(page(around), fill=FILL)
    alone = kite().rotate(turned, Image.Resampling.BICUBIC, fillcolor=255)
    assert overlap(pixels, line_drawing.extract(page(alone), fill=FILL)[0]) > 0.85


@pytest.mark.parametrize(("sheet", "ink"), [(235, 104), (226, 98), (240, 60), (140, 30)])
@pytest.mark.parametrize("nearly", [-8, 0, 8])
def test_a_sheet_on_a_table_as_dark_as_the_ink(sheet, ink, nearly, clean):
    """Beside the table paper is far brighter than the darker side: that is no noise."""
    pixels, _ = line_drawing.extract(page(pages.on_table(ink, sheet, ink + nearly)), fill=FILL)
    assert overlap(pixels, clean) > 0.85


@pytest.mark.parametrize("share", [0.05, 0.12, 0.3])
@pytest.mark.parametrize(("sheet", "ink"), [(128, 20), (190, 30), (100, 10)])
def test_toned_paper_with_something_white_on_it(sheet, ink, share, clean):
    """A label, a highlight or the next sheet is no noise of the paper."""
    pixels, _ = line_drawing.extract(page(pages.beside_white(ink, sheet, share)), fill=FILL)
    assert overlap(pixels, clean) > 0.9


@pytest.mark.parametrize("paper", [(84, 104, 104), (70, 70, 70), (95, 95, 60)])
def test_dark_paper_in_a_white_margin_is_no_table(paper, clean):
    """It is darker than tables are beside white paper, but the lines are on it."""
    pixels, notes = line_drawing.extract(page(pages.in_white_margin((0, 0, 8), paper)), fill=FILL)
    assert notes[0] == "black on white"
    assert overlap(pixels, clean) > 0.9


def test_a_blackboard_in_a_white_margin(clean):
    around = Image.new("L", (900, 700), 255)
    around.paste(kite(230, 60), (150, 150))
    pixels, notes = line_drawing.extract(page(around), fill=FILL)
    assert notes[0] == "white on black, turned to black on white"
    assert overlap(pixels, clean) > 0.9


@pytest.mark.parametrize("tone", [100, 127, 140, 185])
def test_a_highlight_on_toned_paper_is_no_line(tone, clean):
    """White and black are as far from the paper, and there is about as much of both."""
    toned = kite(30, tone)
    ImageDraw.Draw(toned).line([(230, 180), (300, 240), (240, 300)], fill=255, width=9)
    without = kite(30, tone)
    ImageDraw.Draw(without).line([(230, 180), (300, 240), (240, 300)], fill=tone, width=9)
    pixels, _ = line_drawing.extract(page(toned), fill=FILL)
    assert overlap(pixels, line_drawing.extract(page(without), fill=FILL)[0]) > 0.95
    assert overlap(pixels, clean) > 0.85


@pytest.mark.parametrize(
    ("ink", "sheet"),
    [
        ((255, 255, 102), (255, 255, 255)),
        ((255, 0, 0), (0, 128, 0)),
        ((255, 255, 0), (180, 40, 40)),
        ((255, 240, 170), (250, 245, 235)),
    ],
    ids=["pale yellow on white", "red on green", "yellow on red", "cream"],
)
def test_lines_that_colour_alone_shows(ink, sheet, clean):
    pixels, notes = line_drawing.extract(page(kite(ink, sheet, "RGB")), fill=FILL)
    assert "lines told by their colour" in notes
    assert overlap(pixels, clean) > 0.9


def test_lines_that_are_darker_in_one_channel_and_lighter_in_another(clean):
    """Yellow on a greyish blue. JPEG blurs colours, so that brightness shows the lines better."""
    jpeg = io.BytesIO()
    kite((230, 238, 22), (82, 124, 156), "RGB").save(jpeg, "JPEG", quality=92)
    pixels, notes = line_drawing.extract(page(Image.open(jpeg)), fill=FILL)
    assert notes[0] == "white on black, turned to black on white"
    assert overlap(pixels, clean) > 0.9


def test_a_pale_line_beside_black_ones(clean):
    """It was faint before it was lost."""
    drawn = kite((0, 0, 0), (255, 255, 255), "RGB")
    ImageDraw.Draw(drawn).line([(185, 240), (335, 240)], fill=(255, 255, 60), width=7)
    pixels, _ = line_drawing.extract(page(drawn), fill=FILL)
    row = pixels[round(128 + (240 - (TOP + BOTTOM) / 2) * FILL * 256 / (BOTTOM + 1 - TOP))]
    assert np.mean(row[80:176] < 200) > 0.95


def test_a_pale_fill_is_no_line():
    """Of a coloured drawing the outline is wanted."""
    drawn = Image.new("RGB", (400, 400), "white")
    ImageDraw.Draw(drawn).ellipse(
        (100, 100, 300, 300), fill=(255, 225, 40), outline=(0, 0, 0), width=6
    )
    pixels, _ = line_drawing.extract(page(drawn), fill=FILL)
    assert pixels[128, 128] > 220
    outline = Image.new("RGB", (400, 400), "white")
    ImageDraw.Draw(outline).ellipse((100, 100, 300, 300), outline=(0, 0, 0), width=6)
    assert overlap(pixels, line_drawing.extract(page(outline), fill=FILL)[0]) > 0.95


def speck(draw: ImageDraw.ImageDraw) -> None:
    draw.rectangle((10, 10, 13, 13), fill=0)


def punched(draw: ImageDraw.ImageDraw) -> None:
    for top in (60, 190, 320):
        draw.ellipse((15, top, 33, top + 18), fill=40)


def spiral(draw: ImageDraw.ImageDraw) -> None:
    for top in range(5, 390, 18):
        draw.ellipse((6, top, 14, top + 8), fill=90)


@pytest.mark.parametrize(("dirt", "count"), [(speck, 1), (punched, 3), (spiral, 22)])
def test_specks_beside_the_drawing_are_left_out(dirt, count, clean):
    dirty = kite()
    dirt(ImageDraw.Draw(dirty))
    pixels, notes = line_drawing.extract(page(dirty), fill=FILL)
    np.testing.assert_array_equal(pixels, clean)
    assert f"{count} {'speck' if count == 1 else 'specks'} beside the drawing left out" in notes


def test_dust_beside_the_lines_does_not_move_the_drawing(clean):
    pixels, _ = line_drawing.extract(page(pages.with_dust()), fill=FILL)
    assert overlap(pixels, clean) > 0.99


def test_small_parts_of_a_drawing_are_kept():
    """An eye within it, dashes that lead away from it; and a drawing of dots alone."""
    drawn = kite()
    draw = ImageDraw.Draw(drawn)
    draw.ellipse((215, 200, 223, 208), fill=0)
    for left in range(350, 500, 18):
        draw.line([(left, 200), (left + 9, 200)], fill=0, width=5)
    pixels, notes = line_drawing.extract(page(drawn), fill=None)
    whole, _ = line_drawing.extract(page(drawn), fill=1.0)
    assert not any("speck" in note for note in notes)
    assert box(whole)[0] <= 1 and box(whole)[2] >= 255  # as wide as all of it
    dotted = Image.new("L", (600, 400), 255)
    for left in range(100, 500, 50):
        ImageDraw.Draw(dotted).ellipse((left, 200, left + 8, 208), fill=0)
    left, _, right, _ = box(line_drawing.extract(page(dotted), fill=1.0)[0])
    assert left <= 1 and right >= 255


def ruled(spacing: int, upright: bool, margin: bool, slope: float, ink: int) -> Image.Image:
    """The kite on lined or graph paper of the same size."""
    paper = Image.new("RGB", (WIDTH, HEIGHT), (252, 250, 245))
    draw = ImageDraw.Draw(paper)
    for row in range(-20, HEIGHT + 20, spacing):
        draw.line((0, row, WIDTH, row + slope * WIDTH), fill=(170, 190, 230), width=1)
    for column in range(-20, WIDTH + 20, spacing) if upright else ():
        draw.line((column, 0, column - slope * HEIGHT, HEIGHT), fill=(170, 190, 230), width=1)
    if margin:
        draw.line((60, 0, 60 - slope * HEIGHT, HEIGHT), fill=(230, 130, 130), width=1)
    drawn = Image.fromarray(255 - np.asarray(kite()))
    paper.paste((ink,) * 3, mask=drawn)
    return paper


@pytest.mark.parametrize("ink", [20, 100])
@pytest.mark.parametrize("slope", [0, 0.02])
@pytest.mark.parametrize(
    ("upright", "margin", "kind"),
    [(False, False, "lined"), (False, True, "lined"), (True, False, "graph")],
)
def test_the_rules_of_paper_are_left_out(upright, margin, kind, slope, ink, clean):
    pixels, notes = line_drawing.extract(page(ruled(24, upright, margin, slope, ink)), fill=FILL)
    assert f"{kind} paper: its rules left out" in notes
    assert overlap(pixels, clean) > 0.85


@pytest.mark.parametrize(("sag", "slant"), [(0, 0), (0.03, 0), (0, 0.1), (-0.02, -0.06)])
@pytest.mark.parametrize("kind", ["lined", "graph", "dotted"])
def test_bent_rules_and_dots_of_paper_are_left_out(kind, sag, slant, clean):
    pixels, notes = line_drawing.extract(page(bent_page(kind, sag, slant)), fill=FILL)
    what = "dots" if kind == "dotted" else "rules"
    assert f"{kind} paper: its {what} left out" in notes
    assert overlap(pixels, clean) > 0.95
    assert np.mean(pixels[clean == 255] > 200) > 0.99


def test_rules_of_a_photographed_page_are_left_out(clean):
    bent = bent_page("lined", sag=0.02, slant=0.05)
    pixels, notes = line_drawing.extract(photographed(bent, noise=0.01), fill=FILL)
    assert "lined paper: its rules left out" in notes
    assert overlap(pixels, clean) > 0.75
    assert np.mean(pixels[clean == 255] > 200) > 0.98


@pytest.mark.parametrize("name", even_drawings())
def test_what_somebody_drew_evenly_stays_whole(name):
    drawing = even_drawings()[name]
    pixels, notes = line_drawing.extract(page(drawing))
    np.testing.assert_array_equal(pixels, np.asarray(drawing))
    kind = "dots as of dotted" if name == "dots" else "lines as of ruled"
    assert f"even {kind} paper kept: nothing darker is drawn on them" in notes
    # As a pencil and a camera show it
    shown, _ = line_drawing.extract(photographed(drawing.resize((768, 768)), noise=0.01))
    inside = np.zeros([256, 256], bool)
    inside[14:-14, 14:-14] = True  # nothing is looked for at a photograph's edges
    assert np.mean(shown[(np.asarray(drawing) == 0) & inside] < 128) > 0.9


def test_stripes_that_somebody_drew_are_no_rules():
    drawn = kite()
    for row in range(100, 320, 20):
        ImageDraw.Draw(drawn).line([(LEFT, row), (RIGHT, row)], fill=0, width=3)
    _, notes = line_drawing.extract(page(drawn))
    assert notes == ["black on white"]


def test_a_strip_along_an_edge_is_no_line(clean):
    strip = page(kite())
    strip[:, -4:] = 0.2
    strip[:2] = 0.1
    assert overlap(line_drawing.extract(strip, fill=FILL)[0], clean) > 0.95


def test_thin_lines_are_made_as_strong_as_in_training():
    thin, notes = line_drawing.extract(page(kite(pen=1)), fill=FILL)
    assert "thin lines made thicker" in notes
    assert thin.min() == 0
    assert 2 < line_drawing.line_width(1 - thin / 255) < 4.5


@pytest.mark.parametrize("width", [1, 3, 8])
def test_line_width_of_a_diagonal_and_a_ring(width):
    canvas = np.hypot(*(np.mgrid[:300, :300] - 150)) - 100
    ring = (np.abs(canvas) < width / 2).astype(np.float32)
    assert line_drawing.line_width(ring) == pytest.approx(width, rel=0.12)


def test_a_silhouette_is_kept_and_doubted():
    disc = (np.hypot(*(np.mgrid[:300, :300] - 150)) > 115).astype(np.float32)
    pixels, notes = line_drawing.extract(disc)
    assert notes[-1] == "46% of it is ink: is it a line drawing?"
    assert np.mean(pixels < 128) == pytest.approx(np.pi * 115**2 / 300**2, abs=0.01)


@pytest.mark.parametrize(
    "blank",
    [
        np.full((300, 300), 1.0, np.float32),
        np.full((300, 300), 0.0, np.float32),
        np.full((300, 300), 0.5, np.float32),
        photographed(Image.new("L", (600, 400), 255)),
    ],
    ids=["white", "black", "grey", "photographed"],
)
def test_blank_pages(blank):
    with pytest.raises(ValueError, match="^is blank"):
        line_drawing.extract(blank, fill=FILL)


def test_a_speck_is_no_drawing():
    speck = np.ones((1000, 1000), np.float32)
    speck[500:512, 500:512] = 0
    with pytest.raises(ValueError, match="no more than a speck"):
        line_drawing.extract(speck, fill=FILL)


def test_otsu_parts_two_tones():
    values = np.concatenate([np.full(900, 0.1), np.full(100, 0.7)])
    assert 0.1 < line_drawing._otsu(values) < 0.7


def test_sketches_of_the_release_are_not_changed(shared_dir):
    for path in sorted((shared_dir / "sketchy/256x256/sketch/tx_000000000000").glob("*/*.png"))[
        ::45
    ]:
        sketch = Image.open(path).convert("L")
        pixels, notes = line_drawing.extract(page(sketch))
        assert np.abs(pixels - np.asarray(sketch, float)).mean() < 0.1, path
        assert notes == ["black on white"], path
