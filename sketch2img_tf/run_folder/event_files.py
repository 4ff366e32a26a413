"""Removes from TensorBoard's event files the steps that a continued run will repeat."""

from __future__ import annotations

import os

import tensorflow as tf


def forget_after(folder: str, step: int) -> None:
    """Removes the events of steps after `step` from the event files in `folder`.

    It also removes a record that a killed process wrote halfway, and all records after it: no
    reader can read them.
    """
    for name in os.listdir(folder) if os.path.isdir(folder) else ():
        if ".tfevents." in name and not name.endswith(".tmp"):
            _rewrite(os.path.join(folder, name), step)


def _rewrite(path: str, step: int) -> None:
    records, whole = _records(path)
    kept = [record for record in records if tf.compat.v1.Event.FromString(record).step <= step]
    if whole and len(kept) == len(records):
        return
    if len(kept) <= 1:  # the first record is the format's version
        os.remove(path)
        return
    with tf.io.TFRecordWriter(path + ".tmp") as writer:
        for record in kept:
            writer.write(record)
    os.replace(path + ".tmp", path)


def _records(path: str) -> tuple[list[bytes], bool]:
    """The readable records, and whether these are all records."""
    records = []
    try:
        for record in tf.data.TFRecordDataset(path).as_numpy_iterator():
            records.append(record)
    except tf.errors.DataLossError:
        return records, False
    return records, True
