"""Logs of a run: TensorBoard events, the same scalars as JSON lines, and sample grids as PNG."""

from __future__ import annotations

import glob
import json
import os

import numpy as np
import tensorflow as tf
from PIL import Image

from sketch2img_tf.run_folder import event_files, json_lines

FOLDERS = ("samples", "as_drawn")
SCALARS_FILE = "scalars.jsonl"


class Summaries:
    """Writes into `workdir`: `tensorboard/`, `scalars.jsonl`, and sheets of pictures to `samples/`
    and `as_drawn/`.

    When a run continues after `step`, lines, events and samples of later steps are deleted, because
    the run will write them again. A new run has -1: everything is deleted.
    """

    def __init__(self, workdir: str, step: int):
        self.workdir = workdir
        os.makedirs(workdir, exist_ok=True)
        self._forget_after(step)
        event_files.forget_after(os.path.join(workdir, "tensorboard"), step)
        self.writer = tf.summary.create_file_writer(os.path.join(workdir, "tensorboard"))

    def scalars(self, step: int, values: dict[str, float]) -> None:
        """Adds one JSON line {"step": step, tag: value, ...} and the same values to TensorBoard."""
        json_lines.append(self._scalars_path(), {"step": step, **values})
        with self.writer.as_default(step):
            for tag, value in values.items():
                tf.summary.scalar(tag, value)
        self.writer.flush()

    def sheet(self, step: int, pictures: Image.Image, folder: str) -> str:
        """Writes a sheet as PNG to one of `FOLDERS`, and to TensorBoard
        under its name; returns the file's path.
        """
        path = os.path.join(self.workdir, folder, f"{step:08d}.png")
        os.makedirs(os.path.dirname(path), exist_ok=True)
        pictures.save(path)
        with self.writer.as_default(step):
            tf.summary.image(folder, np.asarray(pictures)[np.newaxis])
        self.writer.flush()
        return path

    def close(self) -> None:
        """Closes the event file."""
        self.writer.close()

    def _forget_after(self, step: int) -> None:
        kept = [line for line in read_scalars(self.workdir) if line["step"] <= step]
        temporary = self._scalars_path() + ".tmp"
        with open(temporary, "w", encoding="utf-8") as file:
            file.writelines(json.dumps(line) + "\n" for line in kept)
        os.replace(temporary, self._scalars_path())
        for folder in FOLDERS:
            for path in glob.glob(os.path.join(glob.escape(self.workdir), folder, "*.png")):
                name = os.path.basename(path)[:-4]
                if name.isdigit() and int(name) > step:
                    os.remove(path)

    def _scalars_path(self) -> str:
        return os.path.join(self.workdir, SCALARS_FILE)


def read_scalars(workdir: str) -> list[dict]:
    """A run's lines of scalars, as `json_lines.read` gives them."""
    return json_lines.read(os.path.join(workdir, SCALARS_FILE))
