"""Sketch files to picture files, through the command and its one call, with a small export."""

from __future__ import annotations

import io
import os
import pathlib
import shutil
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image, ImageDraw

from sketch2img_tf.config import Config, NetworkConfig
from sketch2img_tf.data.statistics import Statistics
from sketch2img_tf.errors import UserError
from sketch2img_tf.export import exported_model
from sketch2img_tf.inference.generation import generate
from sketch2img_tf.inference.sketch_files import read_sketch
from sketch2img_tf.networks.generator import make_generator
from sketch2img_tf.run_folder.run_card import Card

ROOT = pathlib.Path(__file__).resolve().parents[1]
CLASSES = ("apple", "pear", "umbrella")


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> str:
    """An untrained export whose pictures differ by sketch, class and seed.

    With larger weights nearly all values would be 0 or 255, and the few between them rounding's.
    """
    random = np.random.default_rng(0)
    config = Config(network=NetworkConfig(base_width=4))
    generator = make_generator(config, len(CLASSES))
    for variable in generator.trainable_variables:
        variable.assign(random.normal("gamma" in variable.name, 0.15, variable.shape))
    card = Card(config, CLASSES, Statistics((0.5, 0.5, 0.5), 0.5, (0.04,), 0.96))
    export_dir = tmp_path_factory.mktemp("generate") / "export"
    exported_model.export(generator, card, 7, str(export_dir))
    return str(export_dir)


@pytest.fixture
def sketch(tmp_path) -> str:
    path = tmp_path / "a pear.png"
    picture = Image.new("L", (300, 200), 255)
    ImageDraw.Draw(picture).ellipse((90, 40, 180, 160), outline=0, width=4)
    picture.save(path)
    return str(path)


@pytest.fixture
def folder(sketch, tmp_path) -> str:
    """Two good sketches among three bad ones."""
    (tmp_path / "in").mkdir()
    Image.open(sketch).save(tmp_path / "in" / "one.png")
    Image.open(sketch).rotate(90, expand=True).save(tmp_path / "in" / "two.bmp")
    Image.new("L", (100, 100), 255).save(tmp_path / "in" / "blank.png")
    Image.new("L", (1, 5000)).save(tmp_path / "in" / "thread.gif")
    (tmp_path / "in" / "text.jpg").write_text("a cat")
    return str(tmp_path / "in")


def command(**flags) -> subprocess.CompletedProcess:
    given = [f"--{name}={value}" for name, value in flags.items()]
    return subprocess.run(
        [sys.executable, "generate.py", *given], cwd=ROOT, capture_output=True, text=True
    )


def files(directory: pathlib.Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(directory.iterdir())}


def test_one_sketch_to_one_file(model, sketch, tmp_path):
    result = command(
        model=model, sketch=sketch, label="Pear", seeds=3, output=tmp_path / "new" / "pear.png"
    )
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    assumed, written = result.stdout.splitlines()
    assert assumed == f"{sketch}: black on white; cropped to the drawing, 91x121 of 300x200 pixels"
    assert written == f"1 picture: {tmp_path / 'new' / 'pear.png'}"
    generate(model, sketch, "pear", "3", str(tmp_path / "again.png"))
    # Of two processes
    assert (tmp_path / "again.png").read_bytes() == (tmp_path / "new" / "pear.png").read_bytes()
    # What the export's own signature says, in this process,
    # through the other loader and in a batch.
    png = read_sketch(sketch, fill=1 / 1.2).png
    draw = tf.saved_model.load(os.path.join(model, "7")).signatures["serving_default"]
    seeds = tf.constant([3, 3], tf.int64)
    expected = draw(
        sketch_bytes=tf.constant([png, png]), label=tf.constant(["apple", "pear"]), seed=seeds
    )
    pixels = [
        np.asarray(Image.open(io.BytesIO(photo)), int) for photo in expected["photo_bytes"].numpy()
    ]
    written = np.asarray(Image.open(tmp_path / "new" / "pear.png"), int)
    assert np.abs(written - pixels[1]).max() <= 1
    assert np.abs(written - pixels[0]).mean() > 1


def test_what_the_model_is_given_can_be_shown(model, sketch, folder, tmp_path):
    shown = tmp_path / "seen" / "given.png"
    result = command(
        model=model, sketch=sketch, label="pear", output=tmp_path / "pear.png", show_input=shown
    )
    assert (result.returncode, result.stderr) == (0, "")
    assert f"the sketch as the model sees it: {shown}" in result.stdout.splitlines()
    assert shown.read_bytes() == read_sketch(sketch, fill=1 / 1.2).png
    # The same bytes without a crop give the same picture: nothing else is done to them.
    generate(model, str(shown), "pear", "0", str(tmp_path / "again.png"), crop=False)
    assert (tmp_path / "again.png").read_bytes() == (tmp_path / "pear.png").read_bytes()
    with pytest.raises(UserError, match="^3 of 5 sketches"):
        generate(
            model, folder, "pear", "0-1", str(tmp_path / "out"), show_input=str(tmp_path / "given")
        )
    assert list(files(tmp_path / "given")) == ["one.png", "two.png"]


def test_a_folder_with_bad_files(model, folder, tmp_path):
    result = command(model=model, sketch=folder, label="pear", seeds="0-1", output=tmp_path / "out")
    assert result.returncode == 1
    errors = result.stderr.splitlines()
    bad = [f"{folder}/{name}" for name in ("blank.png", "text.jpg", "thread.gif")]
    assert [line.split(": ")[1] for line in errors[:-1]] == bad
    assert errors[-1] == "error: 3 of 5 sketches could not be used; the lines above say why"
    told = [line.split(":")[0] for line in result.stdout.splitlines()[:-1]]
    assert told == [f"{folder}/one.png", f"{folder}/two.bmp"]
    assert list(files(tmp_path / "out")) == ["one-0.png", "one-1.png", "two-0.png", "two-1.png"]


def test_what_is_passed_over_is_told_and_any_jpeg_is_drawn(model, sketch, tmp_path, capsys):
    (tmp_path / "in").mkdir()
    Image.open(sketch).save(tmp_path / "in" / "one.png")
    Image.open(sketch).save(tmp_path / "in" / "two.jfif", "JPEG")
    Image.open(sketch).save(tmp_path / "in" / "three.tif")
    (tmp_path / "in" / "four.heic").touch()
    generate(model, str(tmp_path / "in"), "pear", "0", str(tmp_path / "out"))
    assert list(files(tmp_path / "out")) == ["one-0.png", "two-0.png"]
    assert capsys.readouterr().err == f"skipped in {tmp_path / 'in'}: four.heic, three.tif\n"


def test_a_name_that_is_no_utf8(model, sketch, tmp_path, no_utf8):
    folder = tmp_path / "in" / no_utf8
    folder.mkdir(parents=True)
    Image.open(sketch).save(folder / f"{no_utf8}.png")
    flags = dict(model=model, sketch=folder, label="pear", output=folder / no_utf8)
    result = command(**flags, gallery=folder / "all.html")
    assert (result.returncode, result.stderr) == (0, "")
    assert [path.name for path in (folder / no_utf8).iterdir()] == [f"{no_utf8}-0.png"]
    assert r"caf\xe9.png" in (folder / "all.html").read_text()


def test_the_same_bytes_whatever_else_is_asked_for(model, folder, tmp_path):
    with pytest.raises(UserError, match="^3 of 5 sketches"):
        generate(model, folder, "pear", "0-3", str(tmp_path / "all"))
    generate(model, f"{folder}/two.bmp", "pear", "2", str(tmp_path / "one.png"))
    together = files(tmp_path / "all")
    assert (tmp_path / "one.png").read_bytes() == together["two-2.png"]
    assert len(set(together.values())) == 8


def test_size_and_gallery(model, sketch, tmp_path, capsys):
    galleries = tmp_path / "galleries" / "all.html", tmp_path / "galleries" / "all.png"
    for path in galleries:
        generate(
            model, sketch, "pear", "0-2", str(tmp_path / "out"), size=200, gallery_path=str(path)
        )
    assert {Image.open(io.BytesIO(png)).size for png in files(tmp_path / "out").values()} == {
        (200, 200)
    }
    assert galleries[0].read_text().count("<img ") == 4
    assert Image.open(galleries[1]).width > 4 * 64
    assert capsys.readouterr().out.splitlines()[-2:] == [
        f"3 pictures: {tmp_path / 'out'}",
        f"sketches beside pictures: {galleries[1]}",
    ]


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"label": "paer"}, "--label=paer: the model has no such class; nearest: pear"),
        ({"seeds": "7-0"}, "--seeds=7-0: "),
        ({"output": "x.jpg"}, "--output=x.jpg: "),
        ({"gallery_path": "x.pdf"}, "--gallery=x.pdf: "),
        ({"show_input": "x.jpg"}, "--show_input=x.jpg: pictures are written as PNG"),
        ({"gallery_path": "{output}"}, "--gallery would overwrite {output}: give another"),
        ({"model": "nowhere"}, "--model=nowhere: no exported model there"),
        ({"sketch": "nothing.png"}, "nothing.png: cannot be read: No such file"),
    ],
)
def test_mistakes_are_told_before_anything_is_written(model, sketch, tmp_path, changed, says):
    given = dict(
        model=model,
        sketch=sketch,
        label="pear",
        seeds="0",
        output=str(tmp_path / "out" / "pear.png"),
    )
    with pytest.raises(UserError) as error:
        generate(**{**given, **{flag: value.format(**given) for flag, value in changed.items()}})
    assert str(error.value).startswith(says.format(**given))
    assert not (tmp_path / "out").exists()


def test_a_place_that_cannot_be_written_to(model, sketch):
    with pytest.raises(UserError, match="cannot be written: Not a directory"):
        generate(model, sketch, "pear", "0", os.path.join(sketch, "inside", "pear.png"))


def test_a_damaged_export(model, sketch, tmp_path):
    version = tmp_path / "export" / "7"
    (version / "assets.extra").mkdir(parents=True)
    (version / "saved_model.pb").write_bytes(b"\xff\xff")
    with pytest.raises(UserError, match="card.json: missing or damaged"):
        generate(str(version), sketch, "pear", "0", str(tmp_path / "pear.png"))
    card = pathlib.Path(model, "7", "assets.extra", "card.json").read_bytes()
    (version / "assets.extra" / "card.json").write_bytes(card)
    with pytest.raises(UserError, match="^--model=.*damaged"):
        generate(str(version), sketch, "pear", "0", str(tmp_path / "pear.png"))


def test_mistakes_are_told_without_importing_tensorflow():
    """Its import takes seconds, and so does that of TensorFlow Datasets, which no picture needs."""
    program = "import sys, generate; print([m for m in sys.modules if m.startswith('tensorflow')])"
    result = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert result.stdout == "[]\n"


def test_a_model_and_pictures_in_folders_that_tensorflow_takes_for_patterns(
    model, sketch, tmp_path
):
    shutil.copytree(model, tmp_path / "export[1]*")
    paths = [str(tmp_path / name) for name in ("plain.png", "what?[2].png")]
    generate(model, sketch, "pear", "0", paths[0])
    generate(str(tmp_path / "export[1]*"), sketch, "pear", "0", paths[1])
    plain, other = (pathlib.Path(path).read_bytes() for path in paths)
    assert plain == other
