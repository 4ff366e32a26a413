"""A validation part of the training photos: recipes are chosen by it, so that the test part is read once, at the end.

A photo falls to it by a hash of its name, with all its sketches: the same photos in every run of the same share,
whatever its seed and its classes.
"""

from __future__ import annotations

import tensorflow as tf

_BUCKETS = 1000


def is_held_back(photo_id: tf.Tensor, share: float) -> tf.Tensor:
    """Whether a photo falls to the validation part, bool [], given its name, string [], and the part's share."""
    # Of all of TensorFlow's hashes the one that is promised never to change.
    return tf.strings.to_hash_bucket_fast(photo_id, _BUCKETS) < round(share * _BUCKETS)
