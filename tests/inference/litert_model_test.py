"""A LiteRT model, against the SavedModel of the same weights, and without TensorFlow."""

from __future__ import annotations

import itertools
import pathlib
import shutil
import subprocess

import numpy as np
import pytest

from sketch2img_tf import inference
from sketch2img_tf.errors import UserError
from sketch2img_tf.export import lite_model
from sketch2img_tf.inference import models
from sketch2img_tf.inference.generation import generate
from sketch2img_tf.inference.litert_model import LiteRTModel
from sketch2img_tf.inference.local_model import LocalModel
from tests.export import exports
from tests.paired import paired

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOLERANCE = 2  # levels of 255: what serving/README.md promises


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> pathlib.Path:
    export_dir = tmp_path_factory.mktemp("litert")
    generator = exports.untrained_generator()
    return pathlib.Path(lite_model.export(generator, exports.CARD, exports.STEP, str(export_dir)))


def test_it_draws_the_pictures_of_the_saved_model(folder, exported):
    asked = [list(values) for values in exports.files(6).values()]
    asked[0][3:] = [exports.encoded(exports.drawing(number, 256)) for number in range(3)]
    asked[1] = [label.decode() for label in asked[1]]
    drawn = LiteRTModel(str(folder)).from_bytes(*asked)
    expected = LocalModel(str(exported)).from_bytes(*asked)
    for ours, theirs in paired(drawn, expected):
        difference = np.abs(exports.pixels(ours).astype(int) - exports.pixels(theirs))
        assert difference.max() <= TOLERANCE


def test_several_at_once_are_the_same_pictures(folder, tmp_path, capsys):
    sketches = [exports.encoded(exports.drawing(number, 256)) for number in range(3)]
    (tmp_path / "in").mkdir()
    for number, sketch in enumerate(sketches):
        (tmp_path / "in" / f"{number}.png").write_bytes(sketch)
    (tmp_path / "in" / "cat.png").write_text("a cat")
    said = []
    for jobs in (1, 3):
        output = str(tmp_path / f"out{jobs}")
        with pytest.raises(UserError, match="^1 of 4 sketches"):
            generate(
                str(folder), str(tmp_path / "in"), "apple", "0-2", output, crop=False, jobs=jobs
            )
        said.append(capsys.readouterr().out.replace(output, ""))
    alone = LiteRTModel(str(folder))
    for number, seed in itertools.product(range(3), range(3)):
        [expected] = alone.from_bytes([sketches[number]], ["apple"], [seed])
        for jobs in (1, 3):
            written = tmp_path / f"out{jobs}" / f"{number}-{seed}.png"
            assert written.read_bytes() == expected
    assert said[0] == said[1] and said[0].count("black on white") == 3


def test_what_is_damaged_is_one_line(folder, tmp_path):
    shutil.copytree(folder, tmp_path / "tflite-3")
    (tmp_path / "tflite-3" / lite_model.MODEL_FILE).write_bytes(b"cat" * 99)
    with pytest.raises(UserError, match=r"model\.tflite: damaged \(.*export it again"):
        models.open_model(models.find(str(tmp_path)))


def test_which_of_two_models_draws(folder, exported, tmp_path, monkeypatch):
    """The one of the later step; of two of one step, the one that starts sooner here."""
    for source, name in (
        (exported, "9"),
        (exported, "10"),
        (folder, "tflite-9"),
        (folder, "tflite-10"),
    ):
        (tmp_path / name).symlink_to(source)
    for runtime, name in ((True, "tflite-10"), (False, "10")):
        monkeypatch.setattr(
            "sketch2img_tf.inference.litert_model.runtime_is_installed", lambda is_it=runtime: is_it
        )
        assert models.find(str(tmp_path)) == str(tmp_path / name)
    (tmp_path / "10").unlink()
    assert models.find(str(tmp_path)) == str(tmp_path / "tflite-10")


def test_without_a_model_one_line_says_how_to_get_one(monkeypatch, tmp_path):
    monkeypatch.setattr(models, "PRETRAINED", str(tmp_path / "pretrained"))
    with pytest.raises(UserError, match="`make quickstart` makes one to draw with"):
        models.find()


# What runs after it finds no TensorFlow; at its end it says what it has imported that is slow to
# import.
_WITHOUT_TENSORFLOW = """
import atexit, runpy, sys
sys.modules["tensorflow"] = None
sys.argv[:1], sys.path[:0] = [], [""]
heavy = "scipy", "keras", "tensorflow.python", "gradio"
atexit.register(lambda: print([name for name in heavy if name in sys.modules]))
"""


def run(python: str, program: str, *arguments: str) -> list[str]:
    """The lines of what it prints."""
    command = [python, "-c", f"{_WITHOUT_TENSORFLOW}\n{program}", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    *lines, heavy = done.stdout.splitlines()
    assert heavy == "[]"
    return lines


def test_a_script_draws_without_tensorflow(folder, drawing_python, tmp_path):
    exports.drawing(1, 256).save(tmp_path / "pear.png")
    program = (
        "import sketch2img_tf.inference as s2i; folder, sketch, out = sys.argv;"
        "first, second = s2i.load(folder).draw(sketch, label='Apple', seeds=range(2));"
        "first.save(out + '/0.png'); second.save(out + '/1.png')"
    )
    assert (
        run(drawing_python, program, str(folder), str(tmp_path / "pear.png"), str(tmp_path)) == []
    )
    expected = inference.load(folder).draw(tmp_path / "pear.png", "apple", [0, 1])
    for number, picture in enumerate(expected):
        drawn = exports.pixels((tmp_path / f"{number}.png").read_bytes())
        assert np.abs(drawn.astype(int) - np.asarray(picture)).max() <= 1
    assert np.abs(np.asarray(expected[0]).astype(int) - np.asarray(expected[1])).max() > TOLERANCE


def test_generate_draws_without_tensorflow(folder, drawing_python, tmp_path):
    exports.drawing(1, 256).save(tmp_path / "pear.png")
    out = tmp_path / "out"
    flags = [
        f"--model={folder}",
        f"--sketch={tmp_path / 'pear.png'}",
        "--label=apple",
        "--seeds=0-1",
    ]
    program = "runpy.run_path(sys.argv[0], run_name='__main__')"
    *_, last = run(drawing_python, program, "generate.py", *flags, f"--output={out}")
    assert last == f"2 pictures: {out}"
    assert sorted(path.name for path in out.iterdir()) == ["pear-0.png", "pear-1.png"]
