"""Sampling of classes, from their natural frequency (balance 0) to all equally often (1).

Class c has n_c examples, and there are N in all. An epoch reads N examples; the share of class c is
n_c^(1-b) / sum(n^(1-b)), rounded to whole examples. The examples of a class, in the order of the
files, are repeated forever, and every epoch takes the next ones of this sequence. So over the
epochs all examples of a class are read equally often, all epochs have the same length, and the
position where a run continues is computed without counting.
"""

from __future__ import annotations

import numpy as np
import tensorflow as tf


def quotas(counts: np.ndarray, balance: float) -> np.ndarray:
    """How many examples of each class an epoch reads, int64 [classes]; the sum is that of `counts`.

    Args:
      counts: the number of examples of each class, int64 [classes].
      balance: b of the formula above, in [0, 1].
    """
    weights = np.where(counts > 0, np.maximum(counts, 1) ** (1.0 - balance), 0.0)
    exact = counts.sum() * weights / weights.sum()
    whole = np.floor(exact).astype(np.int64)
    largest_first = np.argsort(whole - exact, kind="stable")
    whole[largest_first[: counts.sum() - whole.sum()]] += 1
    return whole


def balanced(
    records: tf.data.Dataset, counts: np.ndarray, balance: float, epoch: tf.Tensor
) -> tf.data.Dataset:
    """An epoch's examples; some of them come several times in a row, and some do not come at all.

    Args:
      records: all examples once, each with its `label`, int64 [].
      counts: how many of them each class has, int64 [classes].
      balance: as in `quotas`.
      epoch: the number of the epoch, int64 [].
    """
    quota = tf.constant(quotas(counts, balance))
    number = tf.constant(counts)

    def with_copies(seen: tf.Tensor, record: dict[str, tf.Tensor]):
        label = record["label"]
        copies = _copies(seen[label], number[label], quota[label], epoch)
        return tf.tensor_scatter_nd_add(seen, [[label]], [np.int64(1)]), (record, copies)

    def repeated(record: dict[str, tf.Tensor], copies: tf.Tensor) -> tf.data.Dataset:
        return tf.data.Dataset.from_tensors(record).repeat(copies)

    return records.scan(tf.zeros_like(number), with_copies).flat_map(repeated)


def _copies(rank: tf.Tensor, number: tf.Tensor, quota: tf.Tensor, epoch: tf.Tensor) -> tf.Tensor:
    """How often an epoch reads example `rank` of a class of `number` examples with this `quota`."""

    def before(place: tf.Tensor) -> tf.Tensor:
        return (place - rank + number - 1) // number

    return before((epoch + 1) * quota) - before(epoch * quota)
