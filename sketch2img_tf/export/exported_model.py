"""The exported generator: a SavedModel that needs only TensorFlow's standard ops.

Axes: B batch, S the picture's side, K classes.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import tensorflow as tf

from sketch2img_tf.data import preprocessing
from sketch2img_tf.devices import hardware
from sketch2img_tf.export import class_lookup, encoded_sketches, model_card, warm_up
from sketch2img_tf.export.new_version import new_version

if TYPE_CHECKING:
    from sketch2img_tf.networks.generator import Generator
    from sketch2img_tf.run_folder.run_card import Card

_FILES = [
    tf.TensorSpec([None], tf.string, "sketch_bytes"),
    tf.TensorSpec([None], tf.string, "label"),
    tf.TensorSpec([None], tf.int64, "seed"),
]


class ExportedModel(tf.Module):
    """The averaged generator between preprocessing and its inverse, with classes and statistics."""

    def __init__(self, generator: Generator, card: Card):
        super().__init__(name="sketch2img")
        # TensorFlow tracks the weights but not the Keras objects: an export has its signatures, and
        # nothing else to call. The weights stay variables. As constants they would be copied into
        # the graph of every signature several times: gigabytes and a slow start, to save a fourth
        # of the time of a batch of one.
        self.weights = generator.variables
        self.draw = generator.draw
        self.image_size = generator.image_size
        self.statistics = card.statistics
        self.class_names = tf.constant(card.class_names)
        self.labels = class_lookup.ClassLookup(card.class_names)

    @tf.function(autograph=False, input_signature=_FILES)
    def from_bytes(
        self, sketch_bytes: tf.Tensor, label: tf.Tensor, seed: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        """PNG or JPEG sketches, class names and seeds to PNG photos, [B]; a bad item fails all."""
        sketches, label_id, problems = self._read(sketch_bytes, label)
        bad = tf.where(problems != "")[:, 0]
        told = tf.strings.join(["item ", tf.strings.as_string(bad), ": ", tf.gather(problems, bad)])
        with tf.control_dependencies(
            [tf.Assert(tf.size(bad) == 0, [tf.strings.reduce_join(told, separator="; ")])]
        ):
            sketches = tf.identity(sketches)
        return {"photo_bytes": self._photo_files(sketches, label_id, seed)}

    @tf.function(autograph=False, input_signature=_FILES)
    def each_from_bytes(
        self, sketch_bytes: tf.Tensor, label: tf.Tensor, seed: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        """The same, but a bad item gets an `error` and no bytes, and the others get photos; [B]."""
        sketches, label_id, problems = self._read(sketch_bytes, label)
        photo_files = self._photo_files(sketches, label_id, seed)
        return {"photo_bytes": tf.where(problems == "", photo_files, ""), "error": problems}

    @tf.function(autograph=False)
    def from_tensors(
        self, sketch: tf.Tensor, label_id: tf.Tensor, seed: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        """Sketches as black lines on white, uint8 [B, S, S, 1], to photos, uint8 [B, S, S, 3]."""
        number = tf.size(self.class_names, tf.int64)
        valid = tf.reduce_all((label_id >= 0) & (label_id < number))
        with tf.control_dependencies(
            [tf.Assert(valid, ["label_id out of range:", label_id, "classes:", number])]
        ):
            label_id = tf.identity(label_id)
        return {"photo": self._photos(preprocessing.sketch_intensities(sketch), label_id, seed)}

    @tf.function(autograph=False, input_signature=_FILES[1:2])
    def known_classes(self, label: tf.Tensor) -> dict[str, tf.Tensor]:
        """Class names [B] to ids, int64 [B], -1 if unknown; and all classes, string [B, K]."""
        names = tf.repeat(self.class_names[tf.newaxis], tf.size(label), axis=0)
        return {"label_id": self.labels(label), "class_names": names}

    def _read(
        self, sketch_bytes: tf.Tensor, label: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Sketches' intensities, label ids (always valid), and each item's problem or ""."""
        sketches, problems = encoded_sketches.read(sketch_bytes, self.image_size)
        label_id = self.labels(label)
        problems = tf.where(label_id < 0, class_lookup.unknown(label), problems)
        return sketches, tf.maximum(label_id, 0), problems

    def _photo_files(self, sketches: tf.Tensor, label_id: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        return tf.map_fn(
            tf.io.encode_png, self._photos(sketches, label_id, seed), fn_output_signature=tf.string
        )

    @tf.function(autograph=False)  # a function, so that the signatures share it
    def _photos(self, sketches: tf.Tensor, label_id: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        """Intensities of sketches, float32 [B, S, S, 1], to photos, uint8 [B, S, S, 3]."""
        counts = tf.stack([tf.shape(tensor)[0] for tensor in (sketches, label_id, seed)])
        equal = tf.reduce_all(counts == counts[0])
        with tf.control_dependencies(
            [tf.Assert(equal, ["sketches, labels and seeds differ in number:", counts])]
        ):
            normalized = preprocessing.normalize_sketches(sketches, self.statistics)
        photos = self.draw(normalized, label_id, seed)
        return preprocessing.to_pixels(preprocessing.photo_intensities(photos, self.statistics))


def export(generator: Generator, card: Card, step: int, export_dir: str) -> str:
    """Writes `export_dir/<step>/`: the SavedModel and, in assets.extra, its cards and warm-up.

    Returns:
      The folder's path.

    Raises:
      UserError: the folder exists already, or it cannot be written.
    """
    with new_version(export_dir, str(step)) as temporary:
        model = ExportedModel(generator, card)
        with hardware.for_accelerators():  # a graph without our gradients and CPU forms
            signatures = {
                "serving_default": model.from_bytes.get_concrete_function(),
                "each": model.each_from_bytes.get_concrete_function(),
                "tensors": model.from_tensors.get_concrete_function(
                    *_tensors(generator.image_size)
                ),
                "classes": model.known_classes.get_concrete_function(),
            }
            tf.saved_model.save(model, temporary, signatures)
        model_card.write(temporary, card, step)
        warm_up.write(temporary, card)
    return os.path.join(export_dir, str(step))


def _tensors(size: int) -> list[tf.TensorSpec]:
    return [
        tf.TensorSpec([None, size, size, 1], tf.uint8, "sketch"),
        tf.TensorSpec([None], tf.int64, "label_id"),
        tf.TensorSpec([None], tf.int64, "seed"),
    ]
