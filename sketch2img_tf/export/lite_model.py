"""The generator as a TensorFlow Lite model, for tablets and browsers.

It draws one picture at a time; its weights are float16.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import tensorflow as tf

from sketch2img_tf.data import preprocessing
from sketch2img_tf.devices import hardware
from sketch2img_tf.export import model_card
from sketch2img_tf.export.export_folder import LITE_MODEL_FILE, version_name
from sketch2img_tf.export.new_version import new_version
from sketch2img_tf.surroundings import standard_streams

if TYPE_CHECKING:
    from sketch2img_tf.data.statistics import Statistics
    from sketch2img_tf.networks.generator import Generator
    from sketch2img_tf.run_folder.run_card import Card

MODEL_FILE = LITE_MODEL_FILE
LABELS_FILE = "labels.txt"


class LiteModel(tf.Module):
    """One sketch, its class and its noise to one photo.

    The caller gives the noise: TensorFlow Lite has no random numbers from a seed. Any N(0, 1) will
    do; `tf.random.stateless_normal(shape, [seed, 0], alg="philox")` gives the picture that a
    SavedModel draws for `seed`.
    """

    def __init__(self, generator: Generator, statistics: Statistics, batch_size: int = 1):
        super().__init__(name="sketch2img")
        # TensorFlow tracks the weights but not the Keras objects, whose calls the converter would
        # trace.
        self.weights = generator.variables
        self.generate = generator.draw_from_noise
        self.statistics = statistics
        size = generator.image_size
        self.signature = [
            tf.TensorSpec([batch_size, size, size, 1], tf.uint8, "sketch"),
            tf.TensorSpec([batch_size], tf.int32, "label_id"),
            tf.TensorSpec([batch_size, *generator.noise_shape], tf.float32, "noise"),
        ]

    @tf.function(autograph=False)
    def draw(
        self, sketch: tf.Tensor, label_id: tf.Tensor, noise: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        """A sketch as black lines on white, uint8 [1, S, S, 1], to a photo, uint8 [1, S, S, 3]."""
        normalized = preprocessing.normalize_sketches(
            preprocessing.sketch_intensities(sketch), self.statistics
        )
        photo = self.generate(normalized, label_id, noise)
        return {
            "photo": preprocessing.to_pixels(
                preprocessing.photo_intensities(photo, self.statistics)
            )
        }


def convert(generator: Generator, statistics: Statistics, batch_size: int = 1) -> bytes:
    """The model's file for batches of one size; it has only ops of TensorFlow Lite."""
    model = LiteModel(generator, statistics, batch_size)
    # Not traced for this computer: its tile convolutions are functions in the graph, which the
    # converter does not accept. The converter prints a summary that calls constants
    # "non-converted", as if it had failed.
    with hardware.for_accelerators(), standard_streams.silenced_stderr():
        concrete = model.draw.get_concrete_function(*model.signature)
        converter = tf.lite.TFLiteConverter.from_concrete_functions([concrete], model)
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.target_spec.supported_types = [tf.float16]
        return converter.convert()


def export(generator: Generator, card: Card, step: int, export_dir: str) -> str:
    """Writes `export_dir/tflite-<step>/`: the model, its classes one per line, and its cards.

    Returns:
      The folder's path.

    Raises:
      UserError: the folder exists already, or it cannot be written.
    """
    name = version_name(MODEL_FILE, step)
    with new_version(export_dir, name) as temporary:
        write(generator, card, temporary)
        model_card.write(temporary, card, step)
    return os.path.join(export_dir, name)


def write(generator: Generator, card: Card, folder: str) -> None:
    """Writes the model and its classes, one per line, into a folder."""
    with open(os.path.join(folder, MODEL_FILE), "wb") as file:
        file.write(convert(generator, card.statistics))
    with open(os.path.join(folder, LABELS_FILE), "w", encoding="utf-8") as file:
        file.writelines(f"{label}\n" for label in card.class_names)
