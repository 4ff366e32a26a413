"""The sheet of pictures: every pixel where it belongs."""

from __future__ import annotations

import numpy as np

from sketch2img_tf.sheets.picture_grid import picture_grid

SIDE = 64


def pictures(count, channels, seed):
    return np.random.default_rng(seed).integers(
        0, 256, (count, SIDE, SIDE, channels), dtype=np.uint8
    )


def test_sets_stand_in_rows_every_pixel_twice_as_large():
    sketches, photos = pictures(5, 1, 0), pictures(5, 3, 1)
    sheet = np.asarray(picture_grid([sketches, photos], ["a", "b", "c", "d", "e"], sets_per_row=4))
    width, height = sheet.shape[1] // 4, (sheet.shape[0] - 6) // 2
    for index in range(5):
        top, left = index // 4 * height + 6, index % 4 * width + 6
        strip = sheet[top : top + 2 * SIDE : 2, left : left + 4 * SIDE : 2]
        np.testing.assert_array_equal(strip[:, :SIDE], np.repeat(sketches[index], 3, -1))
        np.testing.assert_array_equal(strip[:, SIDE:], photos[index])


def test_large_pictures_are_as_they_are():
    photos = np.random.default_rng(0).integers(0, 256, (1, 128, 128, 3), dtype=np.uint8)
    np.testing.assert_array_equal(np.asarray(picture_grid([photos], [""]))[6:134, 6:134], photos[0])


def test_captions_stand_under_their_pictures_and_the_rest_is_white():
    white = np.full((3, SIDE, SIDE, 3), 255, np.uint8)
    bare = np.asarray(picture_grid([white, white], ["", "", ""], sets_per_row=2))
    assert (bare == 255).all()
    named = np.asarray(picture_grid([white, white], ["", "x", ""], sets_per_row=2))
    dark_y, dark_x = np.nonzero(named.min(-1) < 128)
    assert 6 + 2 * SIDE <= dark_y.min() and dark_y.max() < len(named) // 2
    assert dark_x.min() > named.shape[1] // 2


def test_fewer_pictures_than_a_row_make_a_narrow_sheet():
    wide, narrow = (picture_grid([pictures(count, 3, 0)], [""] * count) for count in (4, 1))
    assert narrow.width * 4 == wide.width and narrow.height == wide.height
