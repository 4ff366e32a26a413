"""The build command: what it writes, says, refuses and survives."""

import json
import pathlib
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import tensorflow_datasets as tfds
from PIL import Image

from datasets.sketchy.records import build, dataset_dir
from sketch2img_tf.errors import UserError

pytestmark = pytest.mark.ci

ROOT = pathlib.Path(__file__).parents[2]
RENDERINGS = ("tx_000100000000", "tx_000000000010")
APPLE = "n90000001_100"


def folder(data_dir):
    return dataset_dir(str(data_dir), *RENDERINGS)


@pytest.fixture
def data_dir(tmp_path):
    return tmp_path / "data"


def python(*arguments):
    """Runs a Python process in the project's folder."""
    return subprocess.run(
        [sys.executable, *arguments], check=False, capture_output=True, text=True, cwd=ROOT
    )


def read(data_dir, split):
    """The examples as their bytes, by sketch ID."""
    undecoded = {"photo": tfds.decode.SkipDecoding()}
    records = tfds.builder_from_directory(str(folder(data_dir))).as_dataset(
        split=split, decoders=undecoded
    )
    return {example["sketch_id"].decode(): example for example in tfds.as_numpy(records)}


def test_builds_what_is_there(release_dir, data_dir):
    built = build(str(release_dir), str(data_dir), *RENDERINGS)
    assert (built["train"], built["test"], built["classes"]) == (12, 6, 3)
    assert {kind: count for kind, count in built["skipped"].items() if count} == {
        "rows_without_file": 2
    }
    train, test = read(data_dir, "train"), read(data_dir, "test")
    assert train.keys() | test.keys() == {path.stem for path in release_dir.rglob("*.png")}
    assert {sketch_id for sketch_id in test} == {
        f"n9000000{c}_101-{k}" for c in (1, 2, 3) for k in (1, 2)
    }


def test_an_example_is_the_files_and_their_rows(release_dir, data_dir):
    build(str(release_dir), str(data_dir), *RENDERINGS)
    example = read(data_dir, "train")[f"{APPLE}-2"]
    (photo,), (sketch,) = release_dir.rglob(f"{APPLE}.jpg"), release_dir.rglob(f"{APPLE}-2.png")
    assert example["photo"] == photo.read_bytes()
    np.testing.assert_array_equal(
        example["sketch"][..., 0], np.asarray(Image.open(sketch).convert("L"))
    )
    assert (example["label"], example["photo_id"]) == (0, APPLE.encode())
    assert [bool(example[flag]) for flag in ("error", "ambiguous", "pose", "context")] == [
        True,
        True,
        False,
        False,
    ]
    assert (example["difficulty"], example["stroke_count"]) == (3, 5)


def test_a_transparent_page_is_white(release_dir, data_dir):
    (path,) = [path for path in release_dir.rglob("*.png") if Image.open(path).mode == "RGBA"]
    assert np.asarray(Image.open(path)).min(axis=(0, 1)).tolist() == [0, 0, 0, 0]
    build(str(release_dir), str(data_dir), *RENDERINGS)
    sketch = read(data_dir, "train")[path.stem]["sketch"]
    assert sketch[0, 0] == 255
    assert 0.9 < np.mean(sketch == 255) < 1


def test_metadata_say_what_a_reader_needs(release_dir, data_dir):
    built = build(str(release_dir), str(data_dir), *RENDERINGS)
    metadata = json.loads((folder(data_dir) / "metadata.json").read_text())
    records = tfds.builder_from_directory(str(folder(data_dir)))
    assert metadata["class_names"] == records.info.features["label"].names
    assert metadata["class_names"] == ["apple", "car_(sedan)", "hot-air_balloon"]
    assert metadata["examples"]["train"] == {
        "apple": {"": 3, "error,ambiguous": 1},
        "car_(sedan)": {"": 3, "error,pose": 1},
        "hot-air_balloon": {"": 3, "pose": 1},
    }
    assert (metadata["photo_variant"], metadata["sketch_variant"]) == RENDERINGS
    assert metadata["manual_dir"] == str(release_dir)
    assert "testset.txt: apple/n90000001_9.jpg" in metadata["skipped"]["rows_without_file"]
    assert all(
        metadata[key] == built[key]
        for key in ("photo_mean", "photo_scale", "sketch_mean", "sketch_scale")
    )


def test_stops_at_bad_files_and_lists_them_all(release_dir, data_dir, capfd):
    for path in release_dir.rglob(f"{APPLE}-*.png"):
        path.write_bytes(b"")
    with pytest.raises(UserError, match=r"bad files: 2.*--max_bad=2"):
        build(str(release_dir), str(data_dir), *RENDERINGS, max_bad=1)
    report = capfd.readouterr().err
    assert all(f"apple/{APPLE}-{k}.png: is empty" in report for k in (1, 2))
    assert not folder(data_dir).exists()
    built = build(str(release_dir), str(data_dir), *RENDERINGS, max_bad=2)
    assert (built["train"], built["skipped"]["unreadable_pictures"]) == (10, 2)


def test_builds_once(release_dir, data_dir, capfd):
    first = build(str(release_dir), str(data_dir), *RENDERINGS)
    capfd.readouterr()
    assert build(str(release_dir), str(data_dir), *RENDERINGS) == first
    assert build("", str(data_dir), *RENDERINGS) == first
    assert capfd.readouterr().out.count("already built") == 2


def test_refuses_records_of_another_release(release_dir, data_dir):
    build(str(release_dir), str(data_dir), *RENDERINGS)
    another = shutil.copytree(release_dir, release_dir.with_name("another"))
    with pytest.raises(
        UserError, match=r"was built from .*sketchy, not from --manual_dir=.*another"
    ):
        build(str(another), str(data_dir), *RENDERINGS)


def test_asks_for_the_release(data_dir):
    with pytest.raises(UserError, match="not built yet: give --manual_dir=DIR"):
        build("", str(data_dir), *RENDERINGS)


def test_refuses_an_empty_folder_in_one_line(tmp_path, data_dir):
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="it holds nothing"):
        build(str(tmp_path / "empty"), str(data_dir), *RENDERINGS)


def test_refuses_a_data_dir_that_is_a_file(release_dir, data_dir):
    data_dir.touch()
    with pytest.raises(UserError, match=f"--data_dir={data_dir}: "):
        build(str(release_dir), str(data_dir), *RENDERINGS)


_KILLED = """
import os, signal, sys
from datasets.common import pictures
from datasets.sketchy import records
read = pictures.read_sketch
def read_or_die(path, seen=[]):
    seen.append(path)
    return os.kill(os.getpid(), signal.SIGKILL) if len(seen) == 5 else read(path)
pictures.read_sketch = read_or_die
records.build(sys.argv[1], sys.argv[2])
"""


def test_a_killed_build_does_not_stand_in_the_way(release_dir, data_dir):
    killed = python("-c", _KILLED, str(release_dir), str(data_dir))
    assert killed.returncode == -signal.SIGKILL
    assert not folder(data_dir).exists()
    assert list(folder(data_dir).parent.glob("*incomplete*"))
    assert build(str(release_dir), str(data_dir), *RENDERINGS)["train"] == 12
    assert not list(data_dir.rglob("*incomplete*"))


@pytest.mark.slow
def test_builds_killed_at_random_moments_do_not_stand_in_the_way(release_dir, data_dir, tmp_path):
    undisturbed = tmp_path / "undisturbed"
    arguments = [sys.executable, "-m", "datasets.sketchy.build", f"--manual_dir={release_dir}"]
    start = time.monotonic()
    subprocess.run(
        [*arguments, f"--data_dir={undisturbed}"], check=True, capture_output=True, cwd=ROOT
    )
    seconds = time.monotonic() - start
    # Before, Python imports its libraries
    for moment in np.sort(np.random.default_rng().uniform(0.4, 1, 8)):
        with subprocess.Popen(
            [*arguments, f"--data_dir={data_dir}"], stderr=subprocess.DEVNULL, cwd=ROOT
        ) as process:
            time.sleep(moment * seconds)
            process.kill()
    build(str(release_dir), str(data_dir), *RENDERINGS)
    assert not list(data_dir.rglob("*incomplete*"))
    for split in ("train", "test"):
        assert read(data_dir, split).keys() == read(undisturbed, split).keys()


def command(*arguments):
    return python("-m", "datasets.sketchy.build", *arguments)


def test_the_command_ends_with_one_json_line(release_dir, data_dir):
    ended = command(f"--manual_dir={release_dir}", f"--data_dir={data_dir}")
    assert ended.returncode == 0
    assert json.loads(ended.stdout.splitlines()[-1]) == build(
        str(release_dir), str(data_dir), *RENDERINGS
    )
    assert "Checking pictures: 100%" in ended.stderr


def test_the_command_ends_with_one_line_of_error(release_dir, data_dir):
    next(release_dir.rglob("*.jpg")).write_bytes(b"")
    ended = command(f"--manual_dir={release_dir}", f"--data_dir={data_dir}")
    assert ended.returncode == 1
    assert ended.stderr.splitlines()[-1].startswith("error: bad files: 1, listed above")
    assert "Traceback" not in ended.stderr
