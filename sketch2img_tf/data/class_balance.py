"""Classes sampled between as they come and all alike.

Of classes with n_c examples, N in all, an epoch reads N examples, n_c^(1-b) / sum(n^(1-b)) of them of class c, to whole
examples. Which they are: a class's examples, in the order of the files, follow each other in a row without end, each
time anew, and every epoch takes the next ones of that row. So over the epochs each example of a class is read as often
as any other of it, every epoch is as long, and where a run goes on is computed, with no counting.
"""

from __future__ import annotations

import numpy as np
import tensorflow as tf


def quotas(counts: np.ndarray, balance: float) -> np.ndarray:
    """How many examples of each class an epoch reads, int64 [classes], as many in all as there are.

    Args:
      counts: the examples that there are, int64 [classes].
      balance: b of the formula above: 0, as they come, to 1, all alike.
    """
    weights = np.where(counts > 0, np.maximum(counts, 1) ** (1.0 - balance), 0.0)
    exact = counts.sum() * weights / weights.sum()
    whole = np.floor(exact).astype(np.int64)
    largest_first = np.argsort(whole - exact, kind="stable")
    whole[largest_first[: counts.sum() - whole.sum()]] += 1
    return whole


def balanced(records: tf.data.Dataset, counts: np.ndarray, balance: float, epoch: tf.Tensor) -> tf.data.Dataset:
    """An epoch's examples, some of them several times in a row and some not at all.

    Args:
      records: all examples once, each with its `label`, int64 [].
      counts: how many of them each class has, int64 [classes].
      balance: as in `quotas`.
      epoch: its number, int64 [].
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
    """How often the example that is the `rank`-th of the `number` of its class is among an epoch's `quota` of it."""

    def before(place: tf.Tensor) -> tf.Tensor:
        return (place - rank + number - 1) // number

    return before((epoch + 1) * quota) - before(epoch * quota)
