"""Connected parts, against SciPy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from sketch2img_tf.inference import connected_parts

TOUCHING = np.ones([3, 3])


def pages():
    random = np.random.default_rng(0)
    for density in (0.02, 0.2, 0.4, 0.6, 0.95):
        yield random.random((40, 57)) < density
    spiral = np.zeros([33, 33], bool)
    for ring in range(0, 16, 2):
        spiral[ring, ring : -ring or None] = spiral[-ring - 1, ring : -ring or None] = True
        spiral[ring : -ring or None, ring] = spiral[ring : -ring or None, -ring - 1] = True
        spiral[ring + 1, ring] = False
    yield spiral
    yield np.zeros([5, 9], bool)
    yield np.ones([1, 1], bool)
    yield np.eye(12, dtype=bool)[:, ::-1]


@pytest.mark.parametrize("drawn", list(pages()))
def test_parts_and_extents(drawn):
    numbered, (expected, count) = connected_parts.parts(drawn), ndimage.label(drawn, TOUCHING)
    assert numbered.max() == count
    assert len(np.unique(np.stack([numbered, expected]).reshape(2, -1), axis=1).T) == len(
        np.unique(expected)
    )
    assert (numbered[~drawn] == 0).all() and (numbered[drawn] > 0).all()
    extents = connected_parts.extents(numbered)
    boxes = ndimage.find_objects(numbered)
    assert extents.tolist() == [0, *(max(side.stop - side.start for side in box) for box in boxes)]


@pytest.mark.parametrize("drawn", list(pages()))
@pytest.mark.parametrize("places", [1, 5])
def test_widened(drawn, places):
    expected = ndimage.binary_dilation(drawn, TOUCHING, places)
    np.testing.assert_array_equal(connected_parts.widened(drawn, places), expected)
