"""The validation part of the training photos: for choosing flags, so that the test part is read
once.

A hash of a photo's name decides whether the photo, with all its sketches, belongs to it. So it has
the same photos in every run with the same share, for every seed and choice of classes.
"""

from __future__ import annotations

import tensorflow as tf

_BUCKETS = 1000


def is_held_back(photo_id: tf.Tensor, share: float) -> tf.Tensor:
    """Whether a photo with this name, string [], is in the
    validation part of this share; bool [].
    """
    # TensorFlow promises that this hash never changes.
    return tf.strings.to_hash_bucket_fast(photo_id, _BUCKETS) < round(share * _BUCKETS)
