"""Draws from Python, with one call."""

from __future__ import annotations

import io
import os
from collections.abc import Iterable

from PIL import Image

from sketch2img_tf.data import choices, drawing_size
from sketch2img_tf.inference import models, sketch_files


class Drawer:
    """A model that draws files; `load` makes one. Threads may share it."""

    def __init__(self, model: models.Model):
        self._model = model

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes that it can draw."""
        return self._model.card.class_names

    def draw(
        self,
        sketch: str | os.PathLike,
        label: str,
        seeds: Iterable[int] = (0,),
        polarity: str = "auto",
        crop: bool = True,
    ) -> list[Image.Image]:
        """One RGB picture per seed; generate.py makes the same from the same file, class and seeds.

        Args:
          sketch: a picture file: any PNG, JPEG, WebP, GIF or BMP.
          label: the class of what is drawn, as people type it.
          seeds: one seed for each variation.
          polarity: one of `data.names.POLARITIES`.
          crop: whether to move and scale the drawing to the place and size of drawings in training,
            or else keep the page as it is.

        Raises:
          UserError: there is no such class, or the file cannot be used.
        """
        class_name = choices.find_class(label, self.class_names, "label", "the model")
        fill = drawing_size.training_fill(self._model.card.config.data) if crop else None
        png = sketch_files.read_sketch(os.fspath(sketch), polarity, fill).png
        # One at a time, so that a picture cannot depend on the other pictures.
        photos = [self._model.from_bytes([png], [class_name], [seed])[0] for seed in seeds]
        return [Image.open(io.BytesIO(photo)) for photo in photos]


def load(model: str | os.PathLike = "") -> Drawer:
    """The model of a folder, as from `models.find`; "": the one that ships with the project.

    Raises:
      UserError: there is no model, or it is damaged.
    """
    return Drawer(models.open_model(models.find(os.fspath(model))))
