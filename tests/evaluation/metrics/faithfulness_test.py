"""Edges against lines, on pictures whose edges are known."""

from __future__ import annotations

import numpy as np
import pytest

from sketch2img_tf.evaluation.metrics.faithfulness import faithfulness, strongest_edges

SIDE = 64
TOP, BOTTOM, LEFT, RIGHT = 16, 47, 20, 50


def square(top=TOP, left=LEFT, grey=200, background=60):
    """A light square on a darker ground, uint8 [64, 64, 3]."""
    picture = np.full([SIDE, SIDE, 3], background, np.uint8)
    picture[top : top + BOTTOM - TOP, left : left + RIGHT - LEFT] = grey
    return picture


def outline(top=TOP, left=LEFT):
    """The square's border, black on white, uint8 [64, 64, 1]."""
    sketch = np.full([SIDE, SIDE, 1], 255, np.uint8)
    bottom, right = top + BOTTOM - TOP, left + RIGHT - LEFT
    sketch[top:bottom, [left, right - 1]] = 0
    sketch[[top, bottom - 1], left:right] = 0
    return sketch


def measured(picture, sketch):
    """Its own lines and, as those of the next, a single dot in the corner."""
    dot = np.full([SIDE, SIDE, 1], 255, np.uint8)
    dot[:2, :2] = 0
    found = faithfulness(np.stack([picture, picture]), np.stack([sketch, dot]))
    return {name: values[0] for name, values in found.items()}


def test_a_square_has_its_edges_where_its_outline_is():
    found = measured(square(), outline())
    assert found["edge_recall"] > 0.97 and found["edge_precision"] == 1
    assert found["edge_recall_by_chance"] == found["edge_precision_by_chance"] == 0


@pytest.mark.parametrize("grey", [61, 100, 128, 200, 255])
def test_a_sharp_edge_is_one_pixel_wide_on_its_later_side(grey):
    """The pixels on both of its sides have the same gradient, but for rounding."""
    edges = strongest_edges(square(grey=grey, background=0), 10_000)
    middle = edges[TOP + 6 : BOTTOM - 6], edges.T[LEFT + 6 : RIGHT - 6]  # corners bend the gradient
    for rows, sides in zip(middle, [(LEFT, RIGHT), (TOP, BOTTOM)]):
        np.testing.assert_array_equal(rows.nonzero()[1].reshape(-1, 2), [sides] * len(rows))


@pytest.mark.parametrize("shift, met", [(-3, 0), (-2, 1), (0, 1), (2, 1), (3, 0)])
def test_two_pixels_beside_are_near_and_three_are_not(shift, met):
    picture = np.zeros([SIDE, SIDE, 3], np.uint8)
    picture[:, 32:] = 255
    picture[:, 31] = 128  # the edge
    # Without the frame
    (column,) = np.flatnonzero(strongest_edges(picture, SIDE).sum(0) >= SIDE - 2)
    line = np.full([SIDE, SIDE, 1], 255, np.uint8)
    line[5:-5, column + shift] = 0
    found = measured(picture, line)
    # The edge is longer than the line, and not all of its pixels count.
    shares = found["edge_recall"], found["edge_precision"]
    assert min(shares) > 0.9 if met else max(shares) == 0


@pytest.mark.parametrize(
    "down, right, met", [(0, 2, 1), (1, 1, 1), (2, 0, 1), (2, 1, 0), (2, 2, 0)]
)
def test_near_is_a_circle(down, right, met):
    picture = np.zeros([SIDE, SIDE, 3], np.uint8)
    picture[30:40, 30:40] = 255
    ((row,), (column,)) = np.nonzero(strongest_edges(picture, 1))
    dot = np.full([SIDE, SIDE, 1], 255, np.uint8)
    dot[row + down, column + right] = 0
    assert measured(picture, dot)["edge_recall"] == met


def test_larger_pictures_are_averaged_down():
    """The same picture and sketch in twice the pixels a side are as
    faithful, even where single pixels flicker.
    """
    picture = np.random.default_rng(0).integers(20, 236, [SIDE, SIDE, 3]).astype(np.uint8)
    large, large_sketch = (values.repeat(2, 0).repeat(2, 1) for values in (picture, outline()))
    large[::2] += 20
    large[1::2] -= 20
    found = measured(picture, outline())
    assert faithfulness(large[np.newaxis], large_sketch[np.newaxis])["edge_recall"] == [
        found["edge_recall"]
    ]
    assert 0.1 < found["edge_recall"] < 0.9


def test_half_a_drawing_has_half_the_recall():
    sketch = outline()
    other = np.flip(outline(), axis=1).copy()
    both = np.minimum(sketch, np.roll(other, (30, 0), (0, 1)))
    found = measured(square(), both)
    assert 0.4 < found["edge_recall"] < 0.8 < found["edge_precision"]


def test_noise_everywhere_does_not_meet_every_line():
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, [SIDE, SIDE, 3]).astype(np.uint8)
    found = measured(noise, outline())
    assert found["edge_recall"] < 0.8 and found["edge_precision"] < 0.4
    assert strongest_edges(noise, 100).sum() == 100


def test_one_colour_has_no_edges_and_a_blank_page_no_lines():
    flat = np.full([SIDE, SIDE, 3], 128, np.uint8)
    assert set(measured(flat, outline()).values()) == {0}
    blank = np.full([SIDE, SIDE, 1], 255, np.uint8)
    assert (
        measured(square(), blank)["edge_recall"] == measured(square(), blank)["edge_precision"] == 0
    )


def test_the_strongest_edges_come_first():
    picture = square(grey=90)
    picture[4:12, 4:60] = 255  # a bar with a stronger edge
    edges = strongest_edges(picture, 80)
    assert edges.sum() == 80 and not edges[14:].any()
    assert strongest_edges(picture, 10_000)[14:].any()
