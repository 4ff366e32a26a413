"""Files of sketches to files of pictures.

Finds everything that can be wrong with flags and files before it loads a model, which takes seconds
with TensorFlow.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Generator, Iterable
from concurrent import futures
from typing import TYPE_CHECKING

from tqdm import tqdm

from sketch2img_tf.data import choices, drawing_size
from sketch2img_tf.errors import UserError
from sketch2img_tf.export.export_folder import read_card
from sketch2img_tf.inference import gallery, models, picture_files, sketch_files
from sketch2img_tf.surroundings import file_names, progress

if TYPE_CHECKING:
    from sketch2img_tf.inference.sketch_files import Sketch


def generate(
    model: str,
    sketch: str,
    label: str,
    seeds: str,
    output: str,
    polarity: str = "auto",
    crop: bool = True,
    size: int | None = None,
    gallery_path: str = "",
    show_input: str = "",
    jobs: int = 1,
) -> None:
    """Draws every sketch once per seed and writes the pictures; prints assumptions on each sketch.

    Args:
      model: folder of the export; empty: the model that ships with the project.
      sketch: a picture file, or a folder of them.
      label: the class of what is drawn.
      seeds: as `choices.parse_seeds` reads them.
      output: a .png file for one picture, or a folder.
      polarity: one of `data.names.POLARITIES`.
      crop: whether to move and scale the drawing to the place and size of drawings in training, or
        else keep the page as it is.
      size: pixels of the pictures' side; None: as the model draws them.
      gallery_path: a .html or .png file for all sketches and pictures; "": none.
      show_input: a .png file for one sketch as the model sees it, or a folder; "": none.
      jobs: how many sketches to read, and pictures to draw, at once.

    Raises:
      UserError: a flag is wrong, before anything is drawn; or at the end, if some of several
        sketches could not be used.
    """
    version = models.find(model)
    card = read_card(version)
    class_name = choices.find_class(label, card.class_names, "--label", "the model")
    seed_numbers = choices.parse_seeds(seeds)
    paths, passed_over = sketch_files.list_sketches(sketch)
    planned = picture_files.plan(output, paths, seed_numbers)
    if gallery_path:
        gallery.check_path(gallery_path)
        picture_files.keep([*paths, *planned.values()], "--gallery", [gallery_path])
    shown = picture_files.plan_inputs(show_input, paths) if show_input else {}
    others = [*planned.values(), gallery_path] if gallery_path else planned.values()
    picture_files.keep(others, "--show_input", shown.values())
    if passed_over:
        print(f"skipped in {sketch}: {file_names.some(passed_over)}", file=sys.stderr)
    fill = drawing_size.training_fill(card.config.data) if crop else None
    sketches = _read(paths, polarity, fill, jobs)
    if sketches:
        try:
            _show(sketches, shown, show_input)
            rows = _draw(version, sketches, class_name, seed_numbers, planned, size, jobs)
            _report(rows, class_name, output, gallery_path)
        except OSError as error:
            raise UserError(
                f"{error.filename or output}: cannot be written: {error.strerror or error}"
            ) from None
    if unused := len(paths) - len(sketches):
        raise UserError(
            f"{unused} of {len(paths)} sketches could not be used; the lines above say why"
        )


def _read(paths: list[str], polarity: str, fill: float | None, jobs: int) -> list[Sketch]:
    """The usable sketches; prints a line for each sketch, and for each that is not usable."""
    if len(paths) == 1:
        return [_told(sketch_files.read_sketch(paths[0], polarity, fill))]

    def read(path: str) -> Sketch | UserError:
        try:
            return sketch_files.read_sketch(path, polarity, fill)
        except UserError as error:
            return error

    sketches = []
    with contextlib.closing(_at_once(read, paths, jobs)) as read_ones:
        for found in _progress(read_ones, len(paths), "reading", "sketch"):
            if isinstance(found, UserError):
                tqdm.write(f"error: {found}", file=sys.stderr)
            else:
                sketches.append(_told(found))
    return sketches


def _told(sketch: Sketch) -> Sketch:
    tqdm.write(f"{sketch.path}: {'; '.join(sketch.notes)}")
    return sketch


def _show(sketches: list[Sketch], shown: dict[str, str], show_input: str) -> None:
    """Writes the sketches as the model sees them, before drawing, which may fail."""
    if not shown:
        return
    for sketch in sketches:
        picture_files.write(shown[sketch.path], sketch.png)
    print(f"the sketch as the model sees it: {show_input}")


def _draw(
    version: str,
    sketches: list[Sketch],
    class_name: str,
    seeds: list[int],
    planned: dict,
    size: int | None,
    jobs: int,
) -> list[gallery.Row]:
    model = models.open_model(version, jobs)
    names = [file_names.as_text(os.path.basename(sketch.path)) for sketch in sketches]
    rows = [gallery.Row(name, sketch.png, {}) for name, sketch in zip(names, sketches)]
    pictures = [(sketch, row, seed) for sketch, row in zip(sketches, rows) for seed in seeds]

    def draw(wanted: tuple[Sketch, gallery.Row, int]) -> bytes:
        # Each alone, so that the bytes of a picture cannot depend on the other pictures.
        [photo] = model.from_bytes([wanted[0].png], [class_name], [wanted[2]])
        return photo

    with contextlib.closing(_at_once(draw, pictures, jobs)) as drawn:
        shown = _progress(drawn, len(pictures), "drawing", "picture")
        for photo, (sketch, row, seed) in zip(shown, pictures):
            row.photos[seed] = photo
            picture_files.write(
                planned[sketch.path, seed], picture_files.enlarge(photo, size) if size else photo
            )
    return rows


def _at_once(act: Callable, items: list, jobs: int) -> Generator:
    """The results of `act`, in the order of the items, from as many threads as there are jobs.

    Threads are enough: NumPy, Pillow and LiteRT let other threads run while they compute.
    """
    executor = futures.ThreadPoolExecutor(jobs)
    try:
        yield from executor.map(act, items)
    finally:
        executor.shutdown(cancel_futures=True)  # after Ctrl-C, or where nothing can be written


def _progress(items: Iterable, total: int, verb: str, unit: str) -> tqdm:
    # Only on a terminal: a script that reads the lines about bad files needs no bar among them.
    return progress.bar(items, verb, total, unit=unit, leave=False, disable=None)


def _report(rows: list[gallery.Row], class_name: str, output: str, gallery_path: str) -> None:
    pictures = sum(len(row.photos) for row in rows)
    print(f"{pictures} {'picture' if pictures == 1 else 'pictures'}: {output}")
    if gallery_path:
        picture_files.make_folder(gallery_path)
        gallery.write(gallery_path, class_name, rows)
        print(f"sketches beside pictures: {gallery_path}")
