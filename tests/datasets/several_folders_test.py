"""Several folders in one data set: what is in two of them counts once, and what
one holds out is trained on nowhere.
"""

from __future__ import annotations

import json
import pathlib
import shutil
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from datasets.edge_maps import records as edge_maps_records
from datasets.miniature import scenes
from datasets.sketchy import records as sketchy_records
from sketch2img_tf.config import DataConfig
from sketch2img_tf.data import sources
from sketch2img_tf.data.input_pipeline import training_batches
from sketch2img_tf.errors import UserError

pytestmark = pytest.mark.ci
ROOT = pathlib.Path(__file__).parents[2]
BOX = ("tx_000100000000", "tx_000000000010")
WHOLE = ("tx_000000000000", "tx_000000000000")
MORE = "n90000009"  # the other folder's own photos


def painted(seed, scene="apple"):
    """A photo that is in no folder yet."""
    photo = scenes.paint(scene, np.random.default_rng(seed), 256).photo
    return Image.fromarray((255 * photo).astype(np.uint8))


@pytest.fixture
def other_dir(tmp_path, release_dir):
    """Apples in other renderings: one that the release trains on, a new one, and a copy of one that
    it holds out.

    Its testset.txt names a balloon of the release.
    """
    other = tmp_path / "other"
    (other / "info-06-04").mkdir(parents=True)
    shutil.copytree(release_dir / "info-06-04/info", other / "info-06-04/info")
    (other / "info-06-04/info/testset.txt").write_text("hot-air_balloon/n90000003_100.jpg\n")
    photos, sketches = (
        release_dir / "256x256" / part for part in ("photo/" + BOX[0], "sketch/" + BOX[1])
    )
    to_photos, to_sketches = (
        other / "256x256" / part / WHOLE[0] / "apple" for part in ("photo", "sketch")
    )
    to_photos.mkdir(parents=True)
    to_sketches.mkdir(parents=True)
    shutil.copy(photos / "apple/n90000001_100.jpg", to_photos)
    painted(0).save(to_photos / f"{MORE}_1.jpg")
    Image.open(photos / "apple/n90000001_101.jpg").save(to_photos / f"{MORE}_2.jpg", quality=50)
    for name in ("n90000001_100-1", "n90000001_100-8", f"{MORE}_1-1", f"{MORE}_1-2", f"{MORE}_2-1"):
        shutil.copy(sketches / "apple/n90000001_102-1.png", to_sketches / f"{name}.png")
    return other


def metadata(data_dir, variants):
    return json.loads(
        (sketchy_records.dataset_dir(str(data_dir), *variants) / "metadata.json").read_text()
    )


def test_releases_in_renderings_of_their_own(release_dir, other_dir, tmp_path, capfd):
    variants = [list(pair) for pair in zip(BOX, WHOLE)]
    built = sketchy_records.build(
        [str(release_dir), str(other_dir)], str(tmp_path / "data"), *variants
    )
    # A photo per class is held out, and the balloon of the other list
    of_release = {"found": 9, "train": 5, "test": 4}
    of_other = {"found": 3, "train": 1, "test": 0}
    assert [source["photos"] for source in built["sources"]] == [of_release, of_other]
    assert (built["train"], built["test"]) == (12 - 2 + 2, 6 + 2)
    skipped = built["skipped"]
    assert skipped["pictures_in_two_folders"] == 2  # the photo and one of its sketches
    assert skipped["photos_alike_in_two_folders"] == 1
    assert skipped["sketches_of_skipped_photos"] == 2
    report = capfd.readouterr().err
    copy, original = (
        f"photo/{r[0]}/apple/{n}.jpg" for r, n in ((WHOLE, f"{MORE}_2"), (BOX, "n90000001_101"))
    )
    assert f"other/{copy} looks like sketchy/{original}, which is held out" in report
    assert (
        f"{other_dir} (tx_000000000000-tx_000000000000): 3 photos, 1 to train on, 0 held out, 2"
        " left out" in report
    )
    described = metadata(tmp_path / "data", variants)
    assert set(described["held_out_photos"]) >= {"n90000001_101", "n90000003_100"}
    assert (
        f"{MORE}_1" in described["training_photos"]
        and "n90000003_100" not in described["training_photos"]
    )


def test_the_copy_that_is_held_out_stays_whatever_the_order(release_dir, other_dir, tmp_path):
    variants = [list(pair) for pair in zip(WHOLE, BOX)]
    built = sketchy_records.build(
        [str(other_dir), str(release_dir)], str(tmp_path / "data"), *variants
    )
    assert [source["photos"]["train"] for source in built["sources"]] == [2, 4]
    described = metadata(tmp_path / "data", variants)
    assert (
        f"{MORE}_2" not in described["training_photos"]
        and "n90000001_101" in described["held_out_photos"]
    )


def test_parts_of_one_rendering_are_one_release(release_dir, tmp_path):
    """A sketch that lies in the one folder belongs to its photo in the other."""
    other = shutil.copytree(release_dir, tmp_path / "other")
    (sketch,) = release_dir.rglob("n90000001_100-2.png")
    sketch.unlink()
    (photo,) = other.rglob("n90000002_101.jpg")
    photo.unlink()
    built = sketchy_records.build([str(release_dir), str(other)], str(tmp_path / "data"), *BOX)
    assert (built["train"], built["test"]) == (12, 6)
    assert built["skipped"]["pictures_in_two_folders"] == 9 + 18 - 2


def test_what_does_not_go_together(release_dir, other_dir, tmp_path):
    folders, data_dir = [str(release_dir), str(other_dir)], str(tmp_path / "data")
    with pytest.raises(
        UserError, match="^--photo_variant has 2 values and --sketch_variant 3: give one for all"
    ):
        sketchy_records.build(folders, data_dir, [BOX[0], WHOLE[0]], [BOX[1]] * 3)
    with pytest.raises(
        UserError,
        match="^--manual_dir has 2 folders and --photo_variant or --sketch_variant 3 values",
    ):
        sketchy_records.build(folders, data_dir, [BOX[0]] * 3, BOX[1])
    with pytest.raises(
        UserError, match="^--photo_variant=tx_1: should be one of tx_000000000000, "
    ):
        sketchy_records.build(folders, data_dir, "tx_1", BOX[1])
    variants = [list(pair) for pair in zip(BOX, WHOLE)]
    sketchy_records.build(folders, data_dir, *variants)
    with pytest.raises(
        UserError, match="was built from .*sketchy,.*other, not from --manual_dir=.*sketchy: give"
    ):
        sketchy_records.build(folders[0], data_dir, *variants)
    with pytest.raises(
        UserError, match="was built with the renderings .*-tx_000000000010, .* of its folders, not "
    ):
        sketchy_records.build(folders, data_dir, *(each[::-1] for each in variants))


@pytest.fixture
def photo_folders(tmp_path, release_dir):
    """Photos; and others, of which some are copies of these and some are the release's."""
    first, second = tmp_path / "photos", tmp_path / "more"
    for class_name, scene in (
        ("apple", "apple"),
        ("car_(sedan)", "sailboat"),
        ("hot-air_balloon", "tree"),
    ):
        for folder in (first, second):
            (folder / class_name).mkdir(parents=True)
        for number in range(4):
            painted(10 + number, scene).save(first / class_name / f"{number}.png")
    release_photos = release_dir / "256x256/photo" / BOX[0]
    # Held out, by its name
    shutil.copy(release_photos / "apple/n90000001_101.jpg", second / "apple")
    Image.open(release_photos / "car_(sedan)/n90000002_101.jpg").resize((100, 100)).save(
        second / "car_(sedan)/held_out.png"
    )
    Image.open(release_photos / "apple/n90000001_100.jpg").save(
        second / "apple/trained_on.jpg", quality=60
    )
    painted(10).resize((128, 128)).save(second / "apple/copy.jpg")
    painted(1).save(second / "apple/0.png")
    return [str(first), str(second)]


def test_photos_beside_sketches(photo_folders, release_dir, tmp_path):
    """By train.py's own way: the sketches are built, and then the
    photos that do not contradict them.
    """
    data = DataConfig(
        data_dir=str(tmp_path / "data"),
        manual_dir=(str(release_dir),),
        photos_dir=tuple(photo_folders),
        edge_maps_share=0.5,
        edge_maps_share_end=0.5,
    )
    opened = sources.open_data(data)
    built = edge_maps_records.build(photo_folders, data.data_dir)
    assert [source["photos"] for source in built["sources"]] == [
        {"found": 12, "train": 12, "test": 0},
        {"found": 5, "train": 1, "test": 2},
    ]
    kinds = ("held_out_by_the_sketches", "photos_of_the_sketches", "photos_alike_in_two_folders")
    assert [built["skipped"][kind] for kind in kinds] == [2, 1, 1]
    described = json.loads(
        (edge_maps_records.dataset_dir(data.data_dir) / "metadata.json").read_text()
    )
    assert described["skipped"]["held_out_by_the_sketches"] == [
        "more/apple/n90000001_101.jpg, by its name",
        "more/car_(sedan)/held_out.png, by its look",
    ]
    assert described["skipped"]["photos_of_the_sketches"] == [
        "more/apple/trained_on.jpg, by its look"
    ]
    (noted,) = described["skipped"]["photos_alike_in_two_folders"]
    assert noted == "more/apple/copy.jpg looks like photos/apple/0.png"
    assert opened.edge_maps.examples["train"] == 13
    lines = sources.describe(opened)
    assert [line.split(":")[0].split(" ")[0] for line in lines] == [
        str(release_dir),
        *photo_folders,
    ]
    batches = training_batches(opened, 4, seed=0).take(3)
    assert [batch["photos"].shape for batch in batches] == [(4, 64, 64, 3)] * 3


def test_photos_that_the_sketches_hold_out_by_their_look(photo_folders, release_dir, tmp_path):
    """Built without a word of the sketches, and found when both are opened."""
    sketchy_records.build(str(release_dir), str(tmp_path / "data"))
    (pathlib.Path(photo_folders[1]) / "apple/n90000001_101.jpg").unlink()
    testset = tmp_path / "testset.txt"
    testset.write_text("apple/3\n")
    edge_maps_records.build(
        photo_folders[1:] + photo_folders[:1], str(tmp_path / "data"), testset=str(testset)
    )
    with pytest.raises(
        UserError,
        match="would train on 1 photos that the sketches hold out, such as held_out: .*--sk",
    ):
        sources.open_data(DataConfig(data_dir=str(tmp_path / "data"), edge_maps_share=0.5))


def test_sketches_that_are_not_there(photo_folders, tmp_path):
    with pytest.raises(UserError, match="^--sketches_dir=nowhere: has no metadata.json; "):
        edge_maps_records.build(photo_folders, str(tmp_path / "data"), sketches_dir="nowhere")


@pytest.mark.slow
def test_the_command(release_dir, other_dir, tmp_path):
    arguments = [
        f"--manual_dir={release_dir},{other_dir}",
        f"--data_dir={tmp_path / 'data'}",
        f"--photo_variant={BOX[0]},{WHOLE[0]}",
        f"--sketch_variant={BOX[1]},{WHOLE[1]}",
    ]
    command = [sys.executable, "-m", "datasets.sketchy.build", *arguments]
    ended = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT)
    assert json.loads(ended.stdout.splitlines()[-1])["train"] == 12
