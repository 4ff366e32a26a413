"""The miniature: the release's layout, the same pictures every
time, sketches that fit their photos.
"""

from __future__ import annotations

import csv
import hashlib
import pathlib

import numpy as np
import pytest
from PIL import Image

from datasets.miniature import release as miniature
from datasets.miniature import scenes
from sketch2img_tf.data.names import PHOTO_VARIANTS, SKETCH_VARIANTS
from sketch2img_tf.errors import UserError

CLASSES = ("apple", "hot-air_balloon")


@pytest.fixture(scope="module")
def directory(tmp_path_factory) -> pathlib.Path:
    path = tmp_path_factory.mktemp("miniature") / "sketchy"
    miniature.write(str(path), photos_per_class=3, sketches_per_photo=2, classes=CLASSES, workers=1)
    return path


def test_layout_is_that_of_the_release(directory):
    for kind, variants, suffix, number in (
        ("photo", PHOTO_VARIANTS, "jpg", 3),
        ("sketch", SKETCH_VARIANTS, "png", 6),
    ):
        for variant in variants:
            for name in CLASSES:
                files = sorted((directory / "256x256" / kind / variant / name).iterdir())
                assert len(files) == number and all(file.suffix == f".{suffix}" for file in files)
                assert (
                    Image.open(files[0]).size == (256, 256) and Image.open(files[0]).mode == "RGB"
                )


def test_classes_are_those_of_the_release():
    assert len(miniature.CLASSES) >= 10
    assert set(miniature.CLASSES) <= set(miniature.release_classes())


def test_the_same_pictures_with_any_number_of_workers(directory, tmp_path):
    again = tmp_path / "again"
    miniature.write(
        str(again), photos_per_class=3, sketches_per_photo=2, classes=CLASSES, workers=2
    )
    assert _digests(again) == _digests(directory)


def test_another_seed_gives_other_pictures(directory, tmp_path):
    other = tmp_path / "other"
    miniature.write(
        str(other), photos_per_class=3, sketches_per_photo=2, classes=CLASSES, seed=1, workers=1
    )
    pictures = [path for path in _digests(directory) if path.endswith(("jpg", "png"))]
    assert all(_digests(other)[path] != _digests(directory)[path] for path in pictures)


def test_renderings_place_the_sketch_as_the_release_does(directory):
    box = {variant: _boxes(directory, variant) for variant in SKETCH_VARIANTS}
    # That one is stretched to the object's bounding box
    half_a_pen, target = 2, box["tx_000000001110"]
    sides = {variant: low_high[:, 1] - low_high[:, 0] for variant, low_high in box.items()}
    np.testing.assert_allclose(sides["tx_000100000000"].max(-1), 0.78 * 256, atol=2 * half_a_pen)
    np.testing.assert_allclose(box["tx_000100000000"].mean(1), 128, atol=half_a_pen)
    np.testing.assert_allclose(target[:, 1].max(-1) - target[:, 0].min(-1), 256 / 1.2, rtol=0.2)
    for variant in ("tx_000000000010", "tx_000000000110", "tx_000000001010"):
        np.testing.assert_allclose(box[variant].mean(1), target.mean(1), atol=half_a_pen)
    for variant in ("tx_000000000110", "tx_000000001010"):  # one side fits, and the form is kept
        assert (np.abs(sides[variant] - sides["tx_000000001110"]).min(-1) <= 2 * half_a_pen).all()
        ratio = sides[variant] / sides["tx_000000000010"]
        np.testing.assert_allclose(ratio[:, 0], ratio[:, 1], atol=0.05)


def test_lists_name_what_is_there(directory):
    info = directory / "info-06-04" / "info"
    rows = list(csv.DictReader((info / "stats.csv").open(encoding="utf-8")))
    sketches = {path.stem for path in (directory / "256x256/sketch/tx_000000000000").rglob("*.png")}
    assert {f"{row['ImageNetID']}-{row['SketchID']}" for row in rows} == sketches
    tests = (info / "testset.txt").read_text().split()
    assert sorted(row.split("/")[0] for row in tests) == sorted(CLASSES)
    assert all((directory / "256x256/photo/tx_000000000000" / row).is_file() for row in tests)
    for flag, column in (("error", "Error?"), ("pose", "WrongPose?")):
        listed = set((info / f"invalid-{flag}.txt").read_text().split())
        assert listed == {
            f"{row['ImageNetID']}-{row['SketchID']}" for row in rows if row[column] == "1"
        }


@pytest.mark.parametrize("name", miniature.CLASSES)
def test_sketch_lies_on_the_object(name):
    """Most of the outline's pixels are where the photo has an edge or next
    to one: the lines are the object's.
    """
    scene = scenes.paint(name, np.random.default_rng(3), 256)
    low, high = scene.box
    assert (low >= 0).all() and (high <= 256).all()
    assert (high - low).max() > 256 * 0.35
    grey = scene.photo.mean(-1)
    steep = np.hypot(*np.gradient(grey))
    near = np.stack(
        [np.roll(steep, (dy, dx), (0, 1)) for dy in range(-3, 4) for dx in range(-3, 4)]
    ).max(0)
    x, y = np.clip(np.concatenate(scene.lines).round().astype(int), 0, 255).T
    assert np.median(near[y, x]) > 2 * np.median(near)


def test_a_folder_in_use_is_refused(directory):
    with pytest.raises(UserError, match="is not empty"):
        miniature.write(str(directory), classes=CLASSES)


def test_an_unknown_class_is_named(tmp_path):
    with pytest.raises(UserError, match="^--classes=aple: should be some of"):
        miniature.write(str(tmp_path / "new"), classes=("aple",))


def _boxes(directory: pathlib.Path, variant: str) -> np.ndarray:
    """Upper left and lower right corner of what is drawn in each
    sketch that has no flag, [N, 2, 2].
    """
    lists = (directory / "info-06-04/info").glob("invalid-*.txt")
    flagged = {row for path in lists for row in path.read_text().split()}
    files = sorted((directory / "256x256/sketch" / variant).rglob("*.png"))
    drawn = [
        np.argwhere(np.asarray(Image.open(file).convert("L")) < 128)
        for file in files
        if file.stem not in flagged
    ]
    return np.array([[points.min(0), points.max(0) + 1] for points in drawn])


def _digests(directory: pathlib.Path) -> dict[str, str]:
    files = (path for path in directory.rglob("*") if path.is_file())
    return {
        str(path.relative_to(directory)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
    }
