"""Class names as people type them, looked up inside the exported graph.

A server does by this what the commands do by `choices.find_class`.

Axes: B batch.
"""

from __future__ import annotations

import unicodedata

import tensorflow as tf

_FORMS = ("NFC", "NFD")  # the two ways to encode an accented letter
_SHOWN = 100  # letters of an unknown name


class ClassLookup(tf.Module):
    """From names to labels; `class_names` are in the order of their labels."""

    def __init__(self, class_names: tuple[str, ...]):
        super().__init__()
        self._exact = _table({name.encode(): label for label, name in enumerate(class_names)})
        plain = {}
        for form in _FORMS:
            names = [unicodedata.normalize(form, name) for name in class_names]
            for label, name in enumerate(_plain(tf.constant(names)).numpy()):
                plain.setdefault(name, label)
        self._plain = _table(plain)

    def __call__(self, names: tf.Tensor) -> tf.Tensor:
        """Class names [B] to labels, int64 [B]; -1 for an unknown one."""
        exact = self._exact.lookup(names)
        return tf.where(exact >= 0, exact, self._plain.lookup(_plain(names)))


def unknown(names: tf.Tensor) -> tf.Tensor:
    """The error for names [B] that are no class; it has only whole letters of the names."""
    shown = tf.strings.substr(_readable(names), 0, _SHOWN, unit="UTF8_CHAR")
    return tf.strings.join(["unknown class: ", shown])


def _table(labels: dict[bytes, int]) -> tf.lookup.StaticHashTable:
    keys, values = tf.constant(list(labels)), tf.constant(list(labels.values()), tf.int64)
    return tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer(keys, values), -1)


def _plain(names: tf.Tensor) -> tf.Tensor:
    """`choices.plain`, but accents stay as they are."""
    words = tf.strings.regex_replace(_readable(names), r"^[\s\pZ]+|[\s\pZ]+$", "")
    return tf.strings.lower(tf.strings.regex_replace(words, r"[\s\pZ_-]+", "_"), encoding="utf-8")


def _readable(names: tf.Tensor) -> tf.Tensor:
    """Replaces bytes that are not UTF-8 by U+FFFD: a REST server puts the names into its JSON."""
    return tf.strings.unicode_transcode(names, "UTF-8", "UTF-8", errors="replace")
