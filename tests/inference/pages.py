"""Pages as people have them; both readers of pictures are tried with them."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from tests.inference import drawn_pages
from tests.inference.drawn_pages import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, kite


def drawings() -> dict[str, Image.Image]:
    """Pages with the kite of `drawn_pages`."""
    return {
        "black on white": kite(),
        "white on black": kite(255, 0),
        "grey on grey": kite(90, 200),
        "grey on black": kite(200, 90),
        "red on green": kite((200, 40, 40), (60, 140, 60), "RGB"),
        "blue on yellow": kite((40, 60, 200), (250, 230, 120), "RGB"),
        "photographed": Image.fromarray(
            np.round(255 * drawn_pages.photographed(kite())).astype(np.uint8)
        ),
        "noisy": _noisy(),
        "on nothing": _on_nothing((0, 0, 0, 255)),
        "white on nothing": _on_nothing((255, 255, 255, 255)),
        "with specks": _with_specks(),
        "with dust beside its lines": with_dust(),
        "in a dark frame": _framed(),
        "on a table as dark as the ink": on_table(40, 230, 48),
        "beside white paper": beside_white(40, 140),
        "on dark paper in a white margin": in_white_margin((0, 0, 44), (84, 104, 104)),
        "yellow on a greyish blue": kite((230, 238, 22), (82, 124, 156), "RGB"),
        "lined": _on_rules(upright=False),
        "graph": _on_rules(upright=True),
        **{
            f"{kind}, bent": drawn_pages.bent_page(kind, sag=0.02, slant=0.05)
            for kind in ("lined", "graph", "dotted")
        },
    }


def others() -> dict[str, Image.Image]:
    """Pages with what is no kite of the usual pen, or nothing at all."""
    speck, disc = Image.new("L", (WIDTH, HEIGHT), 255), Image.new("L", (WIDTH, HEIGHT), 255)
    ImageDraw.Draw(speck).rectangle((10, 10, 14, 14), fill=0)
    ImageDraw.Draw(disc).ellipse((150, 80, 450, 340), fill=0)
    return {
        "blank": Image.new("L", (300, 200), 250),
        "narrow": Image.new("L", (12, 300), 255),
        "a speck": speck,
        "a disc": disc,
        "thin": kite(pen=1),
        "thick": kite(pen=21),
        **drawn_pages.even_drawings(),
    }


def _noisy() -> Image.Image:
    grey = 25 + 0.8 * np.asarray(kite(), np.float64)
    noise = np.random.default_rng(0).normal(0, 8, grey.shape)
    return Image.fromarray(np.clip(grey + noise, 0, 255).astype(np.uint8))


def _on_nothing(ink: tuple[int, int, int, int]) -> Image.Image:
    drawn = np.asarray(kite())[..., np.newaxis] < 128
    return Image.fromarray(np.where(drawn, ink, (0, 0, 0, 0)).astype(np.uint8))


def _with_specks() -> Image.Image:
    page = kite()
    for x, y in ((30, 30), (560, 350), (40, 370)):
        ImageDraw.Draw(page).ellipse((x, y, x + 4, y + 4), fill=0)
    return page


def with_dust() -> Image.Image:
    """Single dark pixels a little beside the lines, as in what JPEG leaves of strong colours."""
    picture = kite()
    for place in ((LEFT - 9, TOP + 60), (RIGHT + 8, TOP + 90), (LEFT + 80, BOTTOM + 9)):
        picture.putpixel(place, 0)
    return picture


def _framed() -> Image.Image:
    page = kite()
    ImageDraw.Draw(page).rectangle((0, 0, WIDTH - 1, HEIGHT - 1), outline=0, width=12)
    return page


def on_table(ink: int, sheet: int, table: int) -> Image.Image:
    """A sheet, and around it a table of another tone."""
    around = Image.new("L", (WIDTH + 120, HEIGHT + 80), table)
    around.paste(kite(ink, sheet), (60, 40))
    return around


def beside_white(ink: int, sheet: int, share: float = 0.2) -> Image.Image:
    """Toned paper on which this share is white."""
    page = kite(ink, sheet)
    across = round(share * WIDTH * HEIGHT / (HEIGHT - 40))
    ImageDraw.Draw(page).rectangle((WIDTH - 20 - across, 20, WIDTH - 20, HEIGHT - 20), fill=255)
    return page


def in_white_margin(ink: tuple[int, int, int], paper: tuple[int, int, int]) -> Image.Image:
    """Paper less than 0.4 times as bright as what is around it."""
    around = Image.new("RGB", (WIDTH + 120, HEIGHT + 80), "white")
    around.paste(kite(ink, paper, "RGB"), (60, 40))
    return around


def _on_rules(upright: bool) -> Image.Image:
    page = Image.new("RGB", (WIDTH, WIDTH), "white")
    draw = ImageDraw.Draw(page)
    for place in range(20, WIDTH, 32):
        draw.line([(0, place), (WIDTH, place)], fill=(165, 195, 225), width=2)
        if upright:
            draw.line([(place, 0), (place, WIDTH)], fill=(165, 195, 225), width=2)
    pixels = np.array(page)
    pixels[100 : 100 + HEIGHT][np.asarray(kite()) < 128] = 30
    return Image.fromarray(pixels)
