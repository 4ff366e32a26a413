"""The sheet of our own drawings, as a training draws them: what the page
makes of them, and in their places.
"""

from __future__ import annotations

import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from sketch2img_tf.data import preprocessing
from sketch2img_tf.data.starter_sketches import STARTERS
from sketch2img_tf.evaluation import as_drawn
from sketch2img_tf.evaluation.as_drawn import AsDrawn
from sketch2img_tf.inference import sketch_files


@pytest.mark.parametrize("name", ["apple", "fish", "umbrella"])
@pytest.mark.parametrize("fill", [0.66, 0.83])
def test_a_drawing_is_what_the_page_gives_to_a_model(name, fill, tmp_path):
    as_drawn.drawn(STARTERS[name]).save(tmp_path / "page.png")
    given = sketch_files.read_sketch(str(tmp_path / "page.png"), fill=fill).png
    expected = np.asarray(Image.open(io.BytesIO(given)), float)
    page = np.asarray(as_drawn.drawn(STARTERS[name], fill), float)
    ink, wrong = (255 - expected).sum(), np.abs(page - expected).sum()
    # Of lines three pixels wide half a pixel's place is a third of their ink; those
    # of another size share next to none.
    assert wrong < 0.7 * ink
    moved = np.abs(np.roll(page, 3, 0) - expected).sum()
    assert wrong < 0.6 * moved


def test_the_sheet_has_the_drawings_of_the_runs_classes(sketchy, draw):
    own = AsDrawn(sketchy.class_names, sketchy.statistics, sketchy.config)
    assert own.names == ("apple", "car_(sedan)", "hot-air_balloon")
    sheet = np.asarray(own.sheet(draw))
    np.testing.assert_array_equal(sheet, np.asarray(own.sheet(draw)))
    side = 128  # pictures of 64 pixels are shown twice as large, below a margin of 6
    for number, name in enumerate(own.names):
        label = sketchy.class_names.index(name)
        left = number * (4 * side + 12) + 6
        assert left + 4 * side < sheet.shape[1]
        shown = [
            sheet[6 : 6 + side : 2, left + side * i : left + side * (i + 1) : 2] for i in range(4)
        ]
        lines, *photos = shown
        page = np.asarray(as_drawn.drawn(STARTERS[name], 1 / 1.2).reduce(4), float)
        assert np.abs(lines[..., 0] - page).mean() < 4
        ink = preprocessing.sketch_intensities(tf.constant(lines[..., :1]))
        sketch = preprocessing.normalize_sketches(ink, sketchy.statistics)
        for seed, photo in enumerate(photos):
            arguments = (
                sketch[tf.newaxis],
                tf.constant([label], tf.int64),
                tf.constant([seed], tf.int64),
            )
            expected = preprocessing.photo_pixels(draw(*arguments)[0], sketchy.statistics).numpy()
            # The lines' own rounding to pixels
            assert np.abs(photo.astype(int) - expected).max() <= 1


def test_a_run_without_any_of_their_classes_has_no_drawing(sketchy):
    assert AsDrawn(("geyser",), sketchy.statistics, sketchy.config).names == ()
