"""How large drawings are in training, so that others can be brought to that size."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from sketch2img_tf.config import DataConfig

# The longer side of the drawing, as a share of the canvas, in the
# sketches that the model was trained on.
_FILL = {
    "tx_000000000000": 0.66,  # where it was drawn: the median of the release's sketches
    "tx_000100000000": 0.78,  # by the release's own description
}
_FILL_OF_BOX = 1 / 1.2  # the other renderings: the object's bounding box with 10% more at each edge
_FILL_OF_PHOTO = 0.89  # edge maps, of whole photos: the median of Sketchy's


def training_fill(data: DataConfig) -> float:
    """The share of the canvas that the longer side of a drawing has in these training pictures.

    Of several renderings the mean of theirs.
    """
    if data.dataset == "edge_maps":
        return _FILL_OF_PHOTO
    return float(
        np.mean(
            [_FILL.get(variant, _FILL_OF_BOX) for variant in dict.fromkeys(data.sketch_variant)]
        )
    )
