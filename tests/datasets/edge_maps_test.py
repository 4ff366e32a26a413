"""Edge maps: any photo in, an outline of what it shows out; what the build
writes, says, refuses and survives.
"""

from __future__ import annotations

import dataclasses
import io
import itertools
import json
import pathlib
import shutil
import signal
import subprocess
import sys
import unicodedata

import numpy as np
import pytest
import tensorflow_datasets as tfds
from PIL import Image, ImageDraw
from scipy import ndimage

import datasets.edge_maps
from datasets.common.listing import Picture
from datasets.edge_maps import inspection, outlines, photos
from datasets.edge_maps.records import build, dataset_dir
from sketch2img_tf.config import DataConfig
from sketch2img_tf.data.input_pipeline import open_paired_dataset
from sketch2img_tf.errors import UserError
from tests.paired import paired

pytestmark = pytest.mark.ci

ROOT = pathlib.Path(__file__).parents[2]
DUMMY_DATA = pathlib.Path(datasets.edge_maps.__file__).parent / "dummy_data"
PHOTOS = {f"{path.parent.name}/{path.name}" for path in DUMMY_DATA.rglob("*.*")}


@pytest.fixture
def photos_dir(tmp_path):
    """Three classes of four photos; one's own copy."""
    return pathlib.Path(shutil.copytree(DUMMY_DATA, tmp_path / "photos"))


@pytest.fixture
def data_dir(tmp_path):
    return tmp_path / "data"


def python(*arguments):
    """Runs a Python process in the project's folder."""
    return subprocess.run(
        [sys.executable, *arguments], check=False, capture_output=True, text=True, cwd=ROOT
    )


def read(data_dir, split):
    """The examples by class and photo ID."""
    builder = tfds.builder_from_directory(str(dataset_dir(data_dir)))
    examples = tfds.as_numpy(builder.as_dataset(split=split))
    names = builder.info.features["label"].names
    return {
        f"{names[example['label']]}/{example['photo_id'].decode()}": example for example in examples
    }


def stems(keys):
    return {str(pathlib.PurePosixPath(key).with_suffix("")) for key in keys}


def encoded(picture, kind, **options):
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def disc(background, colour, texture=0.0):
    """A photo of a disc with radius 70 in the middle, on noise of so much deviation."""
    picture = Image.new("RGB", (256, 256), background)
    ImageDraw.Draw(picture).ellipse((58, 58, 198, 198), fill=colour)
    noise = np.random.default_rng(0).normal(0, 255 * texture, (256, 256, 1))
    return np.clip(np.asarray(picture) + noise, 0, 255).astype(np.uint8)


ROWS, COLUMNS = np.mgrid[:256, :256] - 128
FROM_CIRCLE = np.abs(np.hypot(ROWS, COLUMNS) - 70)


@pytest.mark.parametrize("texture", [0.0, 0.05, 0.1])
def test_an_outline_is_that_of_the_thing_and_not_of_its_texture(texture):
    lines = outlines.outline(disc("white", (90, 60, 40), texture))[..., 0] == 0
    assert FROM_CIRCLE[lines].max() < 6  # pixels: nothing else is drawn
    to_line = ndimage.distance_transform_edt(~lines)
    assert (to_line[FROM_CIRCLE < 0.5] < 6).mean() > 0.9  # and nearly all of it


@pytest.mark.parametrize(
    "photo", [np.full([256, 256, 3], 90, np.uint8), disc((90, 90, 90), (91, 91, 91), 0.02)]
)
def test_nothing_to_see_is_a_blank_page(photo):
    assert outlines.outline(photo).min() == 255


def test_lines_are_three_pixels_wide_and_specks_are_none():
    photo = disc("white", "black")
    photo[20:24, 20:24] = 0
    lines = outlines.outline(photo)[..., 0] == 0
    assert not lines[:40, :40].any()
    area, length = lines.sum(), 2 * np.pi * 70
    assert 2.5 < area / length < 4.5


def test_dots_are_no_outline():
    photo = np.full([256, 256, 3], 255, np.uint8)
    for row, column in itertools.product(range(16, 256, 24), repeat=2):
        photo[row : row + 3, column : column + 3] = 0
    assert outlines.outline(photo).min() == 255


def test_lines_are_no_more_than_people_draw():
    """A photo full of things gives about as much line as
    `_LENGTH` says, and those in the middle.
    """
    picture = Image.new("L", (256, 256), "white")
    for x in range(8, 256, 40):
        for y in range(8, 256, 40):
            ImageDraw.Draw(picture).rectangle((x, y, x + 24, y + 24), fill="black")
    lines = outlines.outline(np.asarray(picture.convert("RGB")))[..., 0] == 0
    assert 0.02 < lines.mean() < 0.06
    assert np.hypot(ROWS, COLUMNS)[lines].max() < 140


def test_many_photos_in_processes_give_what_few_give_here(photos_dir, monkeypatch):
    (photos_dir / "cut.jpg").write_bytes(b"")
    found = [Picture(path) for path in sorted(photos_dir.rglob("*.*"))]
    here = inspection.check_all_here(found)
    assert any(checked.problem for checked in here) and any(checked.outline for checked in here)
    monkeypatch.setattr(inspection, "_FEW", 2)
    for in_process, checked in paired(inspection.check_all_here(found), here):
        np.testing.assert_equal(dataclasses.asdict(in_process), dataclasses.asdict(checked))


FIELDS = np.random.default_rng(0).integers(0, 256, (4, 4, 3), np.uint8)
PHOTO = Image.fromarray(np.kron(FIELDS, np.ones((40, 40, 1), np.uint8)))
GREY = PHOTO.convert("L")
SIXTEEN_BITS = Image.fromarray(np.asarray(GREY).astype(np.uint16) * 257)


@pytest.mark.parametrize(
    "picture, kind, expected",
    [
        (PHOTO, "PNG", PHOTO),
        (PHOTO, "JPEG", PHOTO),
        (PHOTO, "WEBP", PHOTO),
        (PHOTO.quantize(16), "PNG", PHOTO),
        (PHOTO.convert("RGBA"), "PNG", PHOTO),
        (PHOTO.convert("CMYK"), "JPEG", PHOTO),
        (GREY, "JPEG", GREY.convert("RGB")),
        (GREY.convert("LA"), "PNG", GREY.convert("RGB")),
        (SIXTEEN_BITS, "PNG", GREY.convert("RGB")),
    ],
    ids=lambda value: getattr(value, "mode", value),
)
def test_the_same_photo_in_every_kind_of_file(picture, kind, expected):
    pixels = photos.decode(
        encoded(picture, kind, **({"quality": 95} if kind != "PNG" else {}))
    ).astype(int)
    assert pixels.shape == (256, 256, 3)
    # In the middle of each field.
    np.testing.assert_allclose(pixels[32::64, 32::64], np.asarray(expected)[20::40, 20::40], atol=6)


def test_transparent_is_white_and_phones_are_held_upright():
    page = Image.new("RGBA", (100, 100), (0, 0, 0, 0))
    assert photos.decode(encoded(page, "PNG")).min() == 255
    sideways = Image.new("RGB", (100, 100), "white")
    sideways.paste("black", (0, 0, 100, 50))  # the upper half, which EXIF says is the right
    exif = Image.Exif()
    exif[0x0112] = 6
    upright = photos.decode(encoded(sideways, "JPEG", exif=exif))
    assert upright[:, 140:].max() < 30 and upright[:, :116].min() > 225


def test_the_middle_square_is_taken():
    wide = Image.new("RGB", (300, 100), "black")
    wide.paste("white", (100, 0, 200, 100))
    assert photos.decode(encoded(wide, "PNG"))[2:-2, 4:-4].min() > 225


def test_builds_what_is_there(photos_dir, data_dir):
    built = build(str(photos_dir), str(data_dir))
    assert (built["train"], built["test"], built["classes"]) == (10, 2, 3)
    assert set(built["skipped"].values()) == {0}
    train, test = read(data_dir, "train"), read(data_dir, "test")
    assert train.keys() | test.keys() == stems(PHOTOS)
    metadata = json.loads((dataset_dir(data_dir) / "metadata.json").read_text())
    assert sorted(metadata["training_photos"]) == sorted(key.split("/")[1] for key in train)
    for key in ("photo", "sketch"):
        inverted = [
            example[key] if key == "photo" else 255 - example[key] for example in train.values()
        ]
        np.testing.assert_allclose(
            np.mean(inverted, (0, 1, 2)) / 255, built[f"{key}_mean"], atol=2e-3
        )


def test_an_example_is_the_photo_and_its_outline(photos_dir, data_dir):
    build(str(photos_dir), str(data_dir))
    example = {**read(data_dir, "train"), **read(data_dir, "test")}["apple/one"]
    photo = photos.decode((photos_dir / "apple" / "one.jpg").read_bytes())
    np.testing.assert_array_equal(example["sketch"], outlines.outline(photo))
    assert np.abs(example["photo"].astype(int) - photo).mean() < 3  # JPEG again


def test_bad_files_are_listed_and_stop_the_build_unless_tolerated(photos_dir, data_dir, capfd):
    (photos_dir / "apple" / "empty.jpg").touch()
    whole = (photos_dir / "apple" / "one.jpg").read_bytes()
    (photos_dir / "apple" / "short.jpg").write_bytes(whole[: len(whole) // 2])
    Image.new("RGB", (20, 400)).save(photos_dir / "apple" / "thin.png")
    (photos_dir / "apple" / "text.png").write_text("no picture")
    with pytest.raises(
        UserError, match=r"^bad files: 4, listed above, and --max_bad=3: .*--max_bad=4"
    ):
        build(str(photos_dir), str(data_dir), max_bad=3)
    report = capfd.readouterr().err
    for line in (
        "empty.jpg: is empty",
        "thin.png: is 20x400, smaller than 64x64",
        "text.png: is not a picture",
    ):
        assert f"apple/{line}" in report
    assert "apple/short.jpg: " in report
    assert not dataset_dir(data_dir).exists()
    built = build(str(photos_dir), str(data_dir), max_bad=4)
    assert (built["train"] + built["test"], built["skipped"]["unreadable_pictures"]) == (12, 4)


def test_what_is_noted_and_left_out(photos_dir, data_dir, capfd):
    shutil.copy(photos_dir / "apple" / "one.jpg", photos_dir / "hot-air_balloon" / "copy.jpg")
    Image.new("RGB", (99, 99), "grey").save(photos_dir / "apple" / "grey.png")
    (photos_dir / "zebra").mkdir()
    for number in range(5):
        (photos_dir / "apple" / f"{number}.txt").touch()
    (photos_dir / "apple" / "six.HEIC").touch()
    (photos_dir / "lost.png").touch()
    built = build(str(photos_dir), str(data_dir))
    lines = capfd.readouterr().err.splitlines()
    assert {"other_pictures: 2", "  apple/six.HEIC", "  lost.png", "other_files: 5"} <= set(lines)
    assert (built["train"] + built["test"], built["classes"]) == (12, 3)
    assert {kind: count for kind, count in built["skipped"].items() if count} == {
        **dict.fromkeys(("identical_pictures", "photos_without_lines", "empty_classes"), 1),
        **{"other_pictures": 2, "other_files": 5},
    }


def test_photos_of_every_ending_that_their_kinds_have(photos_dir, data_dir):
    (photos_dir / "apple" / "one.jpg").rename(photos_dir / "apple" / "one.jfif")
    assert build(str(photos_dir), str(data_dir))["train"] == 10
    kinds = {"JPEG", "MPO", "PNG", "WEBP"}
    known = {ending for ending, kind in Image.registered_extensions().items() if kind in kinds}
    assert set(photos.SUFFIXES) == known


def test_a_list_says_what_is_held_out(photos_dir, data_dir, tmp_path):
    (tmp_path / "testset.txt").write_text("apple/one.png\ncar_(sedan)/two.png\nzebra/three.jpg\n")
    built = build(str(photos_dir), str(data_dir), testset=str(tmp_path / "testset.txt"))
    assert read(data_dir, "test").keys() == {"apple/one", "car_(sedan)/two"}
    assert built["skipped"]["rows_without_file"] == 1


def test_renaming_a_photo_does_not_move_it_to_the_other_split(photos_dir, data_dir, tmp_path):
    build(str(photos_dir), str(data_dir))
    held_out = read(data_dir, "test")
    for path in list(photos_dir.rglob("*.*")):
        path.rename(path.with_name(f"my {path.name}"))
    build(str(photos_dir), str(tmp_path / "other"))
    again = read(tmp_path / "other", "test")
    assert again.keys() == {key.replace("/", "/my ") for key in held_out}


def test_class_folders_as_macos_writes_their_names(photos_dir, data_dir, tmp_path):
    """Decomposed; a keyboard composes, and so do lists and flags that people write."""
    (photos_dir / "apple").rename(photos_dir / unicodedata.normalize("NFD", "café"))
    (tmp_path / "testset.txt").write_text("café/one.png\n", encoding="utf-8")
    build(str(photos_dir), str(data_dir), testset=str(tmp_path / "testset.txt"))
    assert read(data_dir, "test").keys() == {"café/one"}
    typed = unicodedata.normalize("NFD", "Café")
    sketchy = open_paired_dataset(str(dataset_dir(data_dir)), DataConfig(classes=(typed,)))
    assert (sketchy.class_names, sketchy.examples) == (("café",), {"train": 3, "test": 1})


def test_two_folders_of_one_name_written_in_two_ways(photos_dir, data_dir):
    """Both with a one.jpg, of which each is another record."""
    (photos_dir / "apple").rename(photos_dir / unicodedata.normalize("NFD", "café"))
    (photos_dir / "hot-air_balloon").rename(photos_dir / unicodedata.normalize("NFC", "café"))
    with pytest.raises(UserError, match="^bad files: 1, listed above"):
        build(str(photos_dir), str(data_dir))
    built = build(str(photos_dir), str(data_dir), max_bad=1)
    assert (built["train"] + built["test"], built["classes"]) == (12, 2)
    assert built["skipped"]["classes_alike"] == 1


def test_names_that_are_no_utf8(photos_dir, data_dir, no_utf8, capfd):
    """Found out after all photos were read, they would cost hours."""
    (photos_dir / "apple").rename(photos_dir / no_utf8)
    (photos_dir / no_utf8 / "one.jpg").rename(photos_dir / no_utf8 / f"{no_utf8}.jpg")
    (photos_dir / no_utf8 / f"{no_utf8}.txt").touch()
    photos_dir = photos_dir.rename(photos_dir.with_name(no_utf8))
    built = build(str(photos_dir), str(data_dir))
    assert r"  caf\xe9/caf\xe9.txt" in capfd.readouterr().err.splitlines()
    assert r"caf\xe9/caf\xe9" in read(data_dir, "train").keys() | read(data_dir, "test").keys()
    assert build(str(photos_dir), str(data_dir)) == built
    sketchy = open_paired_dataset(str(dataset_dir(data_dir)), DataConfig(classes=(r"caf\xe9",)))
    assert sum(sketchy.examples.values()) == 4


@pytest.mark.parametrize(
    "given, message",
    [
        (dict(photos_dir=""), "is not built yet: give --photos_dir=DIR"),
        (dict(photos_dir="nowhere"), "^--photos_dir=nowhere: no such folder"),
        (dict(photos_dir="{empty}"), "^--photos_dir=.*/empty: is empty; put photos into it"),
        (dict(photos_dir=str(ROOT / "configs")), "no photo in it but README.md, .* more; put"),
        (dict(testset="nowhere.txt"), "^--testset=nowhere.txt: cannot be read"),
    ],
)
def test_refuses_in_one_line(photos_dir, data_dir, tmp_path, given, message):
    (tmp_path / "empty").mkdir()
    given = {flag: value.format(empty=tmp_path / "empty") for flag, value in given.items()}
    with pytest.raises(UserError, match=message) as raised:
        build(**{"photos_dir": str(photos_dir), "data_dir": str(data_dir), **given})
    assert "\n" not in str(raised.value)
    assert not dataset_dir(data_dir).exists()


def test_builds_once_and_refuses_records_of_another_folder(photos_dir, data_dir, capfd):
    first = build(str(photos_dir), str(data_dir))
    assert build(str(photos_dir), str(data_dir)) == build("", str(data_dir)) == first
    assert capfd.readouterr().out.count("already built") == 2
    with pytest.raises(
        UserError, match=r"was built from .*photos, not from --photos_dir=.*another"
    ):
        build(str(shutil.copytree(photos_dir, photos_dir.with_name("another"))), str(data_dir))


_KILLED = """
import os, signal, sys
from datasets.edge_maps import photos, records
to_jpeg = photos.to_jpeg
def encode_or_die(photo, seen=[]):
    seen.append(photo)
    return os.kill(os.getpid(), signal.SIGKILL) if len(seen) == 5 else to_jpeg(photo)
photos.to_jpeg = encode_or_die
records.build(sys.argv[1], sys.argv[2])
"""


def test_a_killed_build_does_not_stand_in_the_way(photos_dir, data_dir):
    killed = python("-c", _KILLED, str(photos_dir), str(data_dir))
    assert killed.returncode == -signal.SIGKILL
    assert not dataset_dir(data_dir).exists()
    assert list(data_dir.rglob("*incomplete*"))
    assert build(str(photos_dir), str(data_dir))["train"] == 10
    assert not list(data_dir.rglob("*incomplete*"))


def test_the_command(photos_dir, data_dir):
    """Ends with one JSON line, or with one line of error."""
    command = [
        "-m",
        "datasets.edge_maps.build",
        f"--data_dir={data_dir}",
        f"--photos_dir={photos_dir}",
    ]
    (photos_dir / "apple" / "empty.jpg").touch()
    ended = python(*command)
    assert ended.returncode == 1
    assert ended.stderr.splitlines()[-1].startswith("error: bad files: 1, listed above")
    assert "Traceback" not in ended.stderr
    ended = python(*command, "--max_bad=1")
    assert ended.returncode == 0
    assert json.loads(ended.stdout.splitlines()[-1]) == build("", str(data_dir))
    assert "Drawing outlines: 100%" in ended.stderr


def test_beam_builds_the_same(photos_dir, data_dir, tmp_path):
    pytest.importorskip("apache_beam", reason="needs requirements-beam.txt")
    options = ["runner=DirectRunner", "direct_num_workers=2", "direct_running_mode=multi_threading"]
    by_beam = build(str(photos_dir), str(tmp_path / "beam"), beam=True, beam_options=options)
    assert by_beam == build(str(photos_dir), str(data_dir))
    for split in ("train", "test"):
        expected, examples = read(data_dir, split), read(tmp_path / "beam", split)
        assert examples.keys() == expected.keys()
        for key, example in examples.items():
            for name, value in example.items():
                np.testing.assert_array_equal(value, expected[key][name], err_msg=f"{key} {name}")
    assert not list((tmp_path / "beam").rglob("*incomplete*"))


def test_without_beam_its_option_is_one_line(photos_dir, data_dir, monkeypatch):
    monkeypatch.setitem(sys.modules, "apache_beam", None)
    monkeypatch.delitem(sys.modules, "datasets.edge_maps.beam", raising=False)
    monkeypatch.delattr(datasets.edge_maps, "beam", raising=False)
    with pytest.raises(UserError, match="^--beam needs Apache Beam: .* -r requirements-beam.txt$"):
        build(str(photos_dir), str(data_dir), beam=True)
