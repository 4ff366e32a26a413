"""Draws and writes a small Sketchy in the layout of the release; `build.py` is the command."""

from __future__ import annotations

import csv
import os
import pathlib
import shutil
from collections.abc import Callable, Sequence

import numpy as np
from PIL import Image

import datasets.sketchy
from datasets.miniature import scenes, strokes
from sketch2img_tf.data.names import PHOTO_VARIANTS, SKETCH_VARIANTS
from sketch2img_tf.errors import UserError
from sketch2img_tf.surroundings import processes, progress

SIZE = 256
CLASSES = tuple(sorted(scenes.SCENES))

_SCENE_SIZE = 320  # scenes are painted larger than photos, since a photo is a part of its scene
_MARGIN = 0.1  # of the object's side, at each edge of the photos tx_000100000000
_FILL = 0.78  # of the canvas' side, filled by the object in the sketches tx_000100000000
_FLAG_COLUMNS = {
    "error": "Error?",
    "context": "Context?",
    "ambiguous": "Ambiguous?",
    "pose": "WrongPose?",
}
_FLAG_SHARES = {"error": 0.02, "context": 0.015, "ambiguous": 0.02, "pose": 0.015, "": 0.93}
_COLUMNS = ("CategoryID", "Category", "ImageNetID", "SketchID", "Difficulty", "Stroke_Count",
            "Eraser_Count", *_FLAG_COLUMNS.values())  # fmt: skip

_Map = Callable[[np.ndarray], np.ndarray]


def write(
    directory: str,
    photos_per_class: int = 30,
    sketches_per_photo: int = 4,
    classes: Sequence[str] = CLASSES,
    seed: int = 0,
    workers: int | None = None,
) -> None:
    """Writes `directory/256x256/` and `directory/info-06-04/info/`.

    A tenth of the photos of each class is the test set.

    Args:
      directory: the folder to make; it may be there and empty. It is whole, or not there.
      photos_per_class: photos of each class.
      sketches_per_photo: sketches of each photo; about one in fifteen has a mark of invalidity.
      classes: some of `CLASSES`.
      seed: of all random numbers.
      workers: processes; by default one per core. Their number does not change the pictures.

    Raises:
      UserError: a class is unknown, or the directory is not empty.
    """
    unknown = sorted(set(classes) - set(CLASSES))
    if unknown:
        raise UserError(f"--classes={unknown[0]}: should be some of {', '.join(CLASSES)}")
    if os.path.isdir(directory) and os.listdir(directory):
        raise UserError(f"--output_dir={directory} is not empty: delete it, or give another")
    unfinished = f"{os.path.normpath(directory)}.unfinished"
    shutil.rmtree(unfinished, ignore_errors=True)
    for name in classes:
        for folder in [
            *_photo_folders(unfinished, name).values(),
            *_sketch_folders(unfinished, name).values(),
        ]:
            os.makedirs(folder)
    numbered = [(name, number) for name in classes for number in range(photos_per_class)]
    jobs = [(unfinished, name, number, sketches_per_photo, seed) for name, number in numbered]
    _write_info(
        os.path.join(unfinished, "info-06-04", "info"),
        _write_photos(jobs, workers),
        photos_per_class,
    )
    if os.path.isdir(directory):
        os.rmdir(directory)
    os.rename(unfinished, directory)


def _write_photos(jobs: list[tuple], workers: int | None) -> list[dict]:
    """Does all jobs, and returns the rows of stats.csv, one per sketch."""
    with processes.pool(workers) as pool:
        done = pool.map(_write_photo, jobs, chunksize=4)
        return [
            row for rows in progress.bar(done, "drawing", len(jobs), unit="photo") for row in rows
        ]


def _write_photo(job: tuple[str, str, int, int, int]) -> list[dict]:
    directory, name, number, sketches, seed = job
    category = release_classes().index(name)
    rng = np.random.default_rng([seed, category, number])
    scene = scenes.paint(name, rng, _SCENE_SIZE)
    photo_id = f"n{90000000 + category:08d}_{number}"
    crop = _crop(scene)
    image = Image.fromarray((scene.photo * 255).round().astype(np.uint8))
    for variant, box in {
        "tx_000000000000": (0, 0, _SCENE_SIZE, _SCENE_SIZE),
        "tx_000100000000": crop,
    }.items():
        path = os.path.join(_photo_folders(directory, name)[variant], f"{photo_id}.jpg")
        image.resize((SIZE, SIZE), Image.Resampling.LANCZOS, box).save(path, quality=92)
    return [
        _write_sketch(directory, name, f"{photo_id}-{i + 1}", scene, crop, rng)
        for i in range(sketches)
    ]


def _write_sketch(
    directory: str, name: str, sketch_id: str, scene: scenes.Scene, crop: tuple, rng
) -> dict:
    """Draws one sketch in all renderings and returns its row of stats.csv."""
    flag = rng.choice(list(_FLAG_SHARES), p=list(_FLAG_SHARES.values()))
    lines = _drawn(scene, flag, rng)
    for variant, folder in _sketch_folders(directory, name).items():
        moved = [_rendering(variant, lines, scene, crop)(line) for line in lines]
        strokes.draw(moved, SIZE).save(os.path.join(folder, f"{sketch_id}.png"), compress_level=3)
    photo_id, sketch_number = sketch_id.split("-")
    return {
        "CategoryID": photo_id.split("_")[0],
        "Category": name.replace("_", " "),
        "ImageNetID": photo_id,
        "SketchID": sketch_number,
        "Difficulty": int(rng.integers(1, 5)),
        "Stroke_Count": len(lines),
        "Eraser_Count": int(rng.integers(0, 3)),
        **{column: int(key == flag) for key, column in _FLAG_COLUMNS.items()},
    }


def _drawn(scene: scenes.Scene, flag: str, rng: np.random.Generator) -> list[np.ndarray]:
    """The lines of one sketch in the scene's pixels, with the fault that its flag says."""
    lines = scene.lines + _some(scene.details, rng)
    if flag == "error":
        return strokes.squiggle(rng, _SCENE_SIZE)
    if flag == "pose":
        low, high = scene.box
        # Mirrored, so that the thing faces the other way
        lines = [line * np.array([-1, 1]) + np.array([low[0] + high[0], 0]) for line in lines]
    if flag == "ambiguous":
        lines = [max(scene.lines, key=lambda line: np.ptp(line, 0).max())]
    drawn = strokes.sketch(lines, rng, _SCENE_SIZE)
    return drawn + strokes.ripples(rng, *scene.box) if flag == "context" else drawn


def _some(details: list[np.ndarray], rng: np.random.Generator) -> list[np.ndarray]:
    """Many people leave the details out, and some draw most of them."""
    care = rng.choice([0, 0.3, 0.8])
    return [line for line in details if rng.random() < care]


def _crop(scene: scenes.Scene) -> tuple[float, float, float, float]:
    """The square that the photo tx_000100000000 shows: left, upper, right and lower edge."""
    low, high = scene.box
    side = min((high - low).max() * (1 + 2 * _MARGIN), _SCENE_SIZE)
    corner = np.clip((low + high - side) / 2, 0, _SCENE_SIZE - side)
    return (*corner, *(corner + side))


def _rendering(variant: str, lines: list[np.ndarray], scene: scenes.Scene, crop: tuple) -> _Map:
    """A map from the scene's pixels to those of a rendering of sketches; see `SKETCH_VARIANTS`."""
    if variant == "tx_000000000000":
        return lambda points: points * SIZE / _SCENE_SIZE
    points = np.concatenate(lines)
    middle, sides = (points.min(0) + points.max(0)) / 2, np.maximum(np.ptp(points, 0), 1.0)
    if variant == "tx_000100000000":
        return lambda points: (points - middle) * _FILL * SIZE / sides.max() + SIZE / 2
    scale = SIZE / (crop[2] - crop[0])
    low, high = scene.box
    target = ((low + high) / 2 - np.array(crop[:2])) * scale
    fits = (high - low) / sides
    stretch = {
        "tx_000000000010": np.ones(2),
        "tx_000000000110": fits[np.argmin(np.abs(np.log(fits)))],
        "tx_000000001010": fits[np.argmax(np.abs(np.log(fits)))],
        "tx_000000001110": fits,
    }[variant]
    return lambda points: (points - middle) * stretch * scale + target


def _photo_folders(directory: str, name: str) -> dict[str, str]:
    return {v: os.path.join(directory, "256x256", "photo", v, name) for v in PHOTO_VARIANTS}


def _sketch_folders(directory: str, name: str) -> dict[str, str]:
    return {v: os.path.join(directory, "256x256", "sketch", v, name) for v in SKETCH_VARIANTS}


def _write_info(folder: str, rows: list[dict], photos_per_class: int) -> None:
    os.makedirs(folder)
    with open(os.path.join(folder, "stats.csv"), "w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, _COLUMNS)
        table.writeheader()
        table.writerows(rows)
    for flag, column in _FLAG_COLUMNS.items():
        invalid = [f"{row['ImageNetID']}-{row['SketchID']}" for row in rows if row[column]]
        _write_lines(os.path.join(folder, f"invalid-{flag}.txt"), invalid)
    held_out = range(photos_per_class - max(1, photos_per_class // 10), photos_per_class)
    names = {row["Category"].replace(" ", "_"): row["CategoryID"] for row in rows}
    tests = [
        f"{name}/{wnid}_{number}.jpg" for name, wnid in sorted(names.items()) for number in held_out
    ]
    _write_lines(os.path.join(folder, "testset.txt"), tests)


def _write_lines(path: str, lines: list[str]) -> None:
    with open(path, "w", encoding="utf-8") as file:
        file.writelines(line + "\n" for line in lines)


def release_classes() -> list[str]:
    """The release's 125 classes, in order."""
    return (
        pathlib.Path(datasets.sketchy.__file__)
        .with_name("labels.txt")
        .read_text(encoding="utf-8")
        .split()
    )
