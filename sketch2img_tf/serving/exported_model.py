"""The exported generator: a SavedModel that needs TensorFlow's standard ops and nothing of ours.

Axes: B batch.
"""

from __future__ import annotations

import os
import uuid

import tensorflow as tf

from sketch2img_tf.card import Card
from sketch2img_tf.data import preprocessing
from sketch2img_tf.data.preprocessing import IMAGE_SIZE
from sketch2img_tf.errors import UserError
from sketch2img_tf.networks.generator import Generator
from sketch2img_tf.serving.export_folder import CARD_PATH


class ExportedModel(tf.Module):
    """The averaged generator between its preprocessing and its inverse, with the classes and statistics inside."""

    def __init__(self, generator: Generator, card: Card):
        super().__init__(name="sketch2img")
        # The weights are tracked and the Keras objects are not: an export holds its signatures and no more to call.
        self.weights = generator.variables
        self.draw = generator.draw
        self.statistics = card.statistics
        self.class_names = tf.constant(card.class_names)
        self.labels = tf.lookup.StaticHashTable(
            tf.lookup.KeyValueTensorInitializer(self.class_names, tf.range(len(card.class_names), dtype=tf.int64)), -1
        )

    @tf.function(
        input_signature=[
            tf.TensorSpec([None], tf.string, "sketch_bytes"),
            tf.TensorSpec([None], tf.string, "label"),
            tf.TensorSpec([None], tf.int64, "seed"),
        ]
    )
    def from_bytes(self, sketch_bytes: tf.Tensor, label: tf.Tensor, seed: tf.Tensor) -> dict[str, tf.Tensor]:
        """PNG or JPEG sketches of any size, class names and seeds to PNG photos, all [B]; an unknown class fails."""
        label_id = self.labels.lookup(label)
        unknown = tf.boolean_mask(label, label_id < 0)
        with tf.control_dependencies([tf.Assert(tf.size(unknown) == 0, ["unknown class:", unknown], summarize=10)]):
            label_id = tf.identity(label_id)
        sketches = tf.map_fn(_read_sketch, sketch_bytes, fn_output_signature=_SKETCH)
        photos = self._photos(sketches, label_id, seed)
        return {"photo_bytes": tf.map_fn(tf.io.encode_png, photos, fn_output_signature=tf.string)}

    @tf.function(
        input_signature=[
            tf.TensorSpec([None, IMAGE_SIZE, IMAGE_SIZE, 1], tf.uint8, "sketch"),
            tf.TensorSpec([None], tf.int64, "label_id"),
            tf.TensorSpec([None], tf.int64, "seed"),
        ]
    )
    def from_tensors(self, sketch: tf.Tensor, label_id: tf.Tensor, seed: tf.Tensor) -> dict[str, tf.Tensor]:
        """Sketches as black lines on white, uint8 [B, 64, 64, 1], to photos, uint8 [B, 64, 64, 3]."""
        number = tf.size(self.class_names, tf.int64)
        valid = tf.reduce_all((label_id >= 0) & (label_id < number))
        with tf.control_dependencies([tf.Assert(valid, ["label_id out of range:", label_id, "classes:", number])]):
            label_id = tf.identity(label_id)
        return {"photo": self._photos(preprocessing.sketch_intensities(sketch), label_id, seed)}

    def _photos(self, sketches: tf.Tensor, label_id: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        """Sketches as intensities, float32 [B, 64, 64, 1], to photos as pixels, uint8 [B, 64, 64, 3]."""
        normalized = preprocessing.normalize_sketches(sketches, self.statistics)
        photos = self.draw(normalized, label_id, seed)
        return preprocessing.to_pixels(preprocessing.photo_intensities(photos, self.statistics))


_SKETCH = tf.TensorSpec([IMAGE_SIZE, IMAGE_SIZE, 1], tf.float32)


def _read_sketch(encoded: tf.Tensor) -> tf.Tensor:
    return preprocessing.resize(preprocessing.decode_sketch(encoded))


def export(generator: Generator, card: Card, step: int, export_dir: str) -> str:
    """Writes `export_dir/<step>/`: the SavedModel and, under assets.extra, its card as JSON.

    The folder gets its number, by which TensorFlow Serving would load it, only when it is complete.

    Returns:
      The folder's path.

    Raises:
      UserError: there is such a folder already, or `export_dir` cannot be written.
    """
    final = os.path.join(export_dir, str(step))
    if os.path.exists(final):
        raise UserError(f"{final} exists: delete it, or give another --export_dir")
    temporary = os.path.join(export_dir, f"unfinished-{step}-{uuid.uuid4().hex[:8]}")
    try:
        os.makedirs(temporary)
    except OSError as error:
        raise UserError(f"--export_dir={export_dir}: cannot be written ({error})") from error
    model = ExportedModel(generator, card)
    signatures = {
        "serving_default": model.from_bytes.get_concrete_function(),
        "tensors": model.from_tensors.get_concrete_function(),
    }
    tf.saved_model.save(model, temporary, signatures)
    card_path = os.path.join(temporary, CARD_PATH)
    os.makedirs(os.path.dirname(card_path))
    with open(card_path, "w", encoding="utf-8") as file:
        file.write(card.to_json() + "\n")
    os.rename(temporary, final)
    return final
