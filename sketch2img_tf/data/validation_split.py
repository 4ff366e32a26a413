"""The validation part of the training photos: flags are chosen by it, not by the test part.

A hash of a photo's name decides whether the photo, with all its sketches, belongs to this part. So
all runs with the same share have the same photos in it, whatever the seed and the classes.
"""

from __future__ import annotations

import tensorflow as tf

_BUCKETS = 1000


def is_held_back(photo_id: tf.Tensor, share: float) -> tf.Tensor:
    """Whether a photo with this name, string [], is in the validation part; bool []."""
    # TensorFlow promises that this hash never changes.
    return tf.strings.to_hash_bucket_fast(photo_id, _BUCKETS) < round(share * _BUCKETS)
