"""How large drawings are in training, measured on the real pictures."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from datasets.edge_maps import outlines, photos
from sketch2img_tf.config import DataConfig
from sketch2img_tf.data import drawing_size


def longer_side(pixels: np.ndarray) -> float:
    """Of what is dark, as a share of the canvas."""
    rows, columns = np.nonzero(pixels < 128)
    return (max(np.ptp(rows), np.ptp(columns)) + 1) / len(pixels)


def test_fill_is_that_of_the_release(shared_dir):
    """Measured where the pictures are there; the two other shares
    follow from what the renderings are.
    """
    files = sorted((shared_dir / "sketchy/256x256/sketch/tx_000000000000").glob("*/*.png"))[::10]
    longer = [longer_side(np.asarray(Image.open(path).convert("L"))) for path in files]
    fill = drawing_size.training_fill(DataConfig(sketch_variant=("tx_000000000000",)))
    assert np.median(longer) == pytest.approx(fill, abs=0.02)


@pytest.mark.ci
def test_fill_of_edge_maps(shared_dir):
    files = sorted((shared_dir / "photos_128").glob("*/*.jpg"))[::40]
    outlined = [outlines.outline(photos.decode(path.read_bytes()))[..., 0] for path in files]
    fill = drawing_size.training_fill(DataConfig(dataset="edge_maps"))
    assert np.median(list(map(longer_side, outlined))) == pytest.approx(fill, abs=0.04)
