"""The order of the rooms, and what each of them may know, read from the
sources and compared with CONTRIBUTING.md.
"""

from __future__ import annotations

import ast
import graphlib
import re
import subprocess
import sys

import pytest

from tests import sources
from tests.sources import ROOT

MOST_LINES = 350
MOST_FILES_AT_THE_ROOT = 8

# Who reads or writes pictures as files have them, where white is 255. What the networks see,
# evaluation measures and exports are given is `preprocessing.py`'s business alone.
FILES_OF_PICTURES = {
    "datasets/common/pictures.py",
    "datasets/common/statistics.py",
    "datasets/edge_maps/drawing.py",
    "datasets/edge_maps/inspection.py",
    "datasets/edge_maps/outlines.py",
    "datasets/miniature/release.py",
    "datasets/miniature/painting.py",
    "datasets/miniature/strokes.py",
    "sketch2img_tf/draw_page/page_requests.py",
    "sketch2img_tf/export/warm_up.py",
    "sketch2img_tf/inference/line_drawing.py",
    "sketch2img_tf/inference/paper.py",
    "sketch2img_tf/inference/sketch_files.py",
    "sketch2img_tf/inference/sketch_pixels.py",
    "sketch2img_tf/surroundings/image_files.py",
}
PREPROCESSING = "sketch2img_tf/data/preprocessing.py"
PIXEL_RANGES = (255, 127.5, 65535)


def table(heading: str) -> list[list[str]]:
    """The cells of a table in CONTRIBUTING.md, row by row, which has
    this heading over its first column.
    """
    lines = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").splitlines()
    (start,) = [number for number, line in enumerate(lines) if line.startswith(f"| {heading} |")]
    rows = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split("|")])
    return rows


def names(cell: str) -> list[str]:
    """What stands in backquotes."""
    return re.findall(r"`([^`]+)`", cell)


ROOMS = [names(row[0]) for row in table("room")]
SEPARATE = [(names(row[0]), names(row[1])) for row in table("who")]


def room_of(path: str) -> int:
    """The number of the row whose place says most exactly where this file is."""
    places = [
        (len(place), number)
        for number, room in enumerate(ROOMS)
        for place in room
        if is_in(path, place)
    ]
    assert places, f"{path} is in no room of CONTRIBUTING.md"
    return max(places)[1]


def is_in(path: str, place: str) -> bool:
    return path.startswith(place) if place.endswith("/") else path == place


def test_every_file_is_in_a_room_and_every_room_has_files():
    found = {room_of(path) for path in sources.modules()}
    assert found == set(range(len(ROOMS))) and len(ROOMS) > 20
    for place in [place for room in ROOMS for place in room]:
        assert (ROOT / place).exists(), place


@pytest.mark.parametrize("path", sources.modules())
def test_imports_come_from_rooms_above(path):
    for one in sources.imports(path):
        if one.target.endswith(".py") and not one.for_types:
            where = (
                f"{path}:{one.line} imports {one.target}, which is further down in CONTRIBUTING.md"
            )
            assert room_of(one.target) <= room_of(path), where


def test_nobody_imports_what_imports_him():
    graph = {
        path: {one.target for one in sources.imports(path) if not one.for_types}
        for path in sources.modules()
    }
    # Raises a CycleError that names the files
    order = list(graphlib.TopologicalSorter(graph).static_order())
    assert set(graph) <= set(order) and len(graph) > 150


@pytest.mark.parametrize("who, none_of_these", SEPARATE)
def test_what_does_not_learn_loads_nothing_that_does(who, none_of_these):
    paths = [path for path in sources.modules() if any(is_in(path, place) for place in who)]
    assert len(paths) >= len(who)
    for path in paths:
        for target, way in sources.reached(path).items():
            assert not any(is_in(target, place) for place in none_of_these), " -> ".join(way)


def loaded_by(*modules: str) -> set[str]:
    """The packages that are there after these files were imported, in a process of their own."""
    program = (
        f"import sys, {', '.join(modules)};"
        " print(*{name.partition('.')[0] for name in sys.modules})"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, check=True, capture_output=True, text=True
    )
    return set(done.stdout.split())


def test_generating_starts_without_tensorflow():
    # What the commands import when their flags are right; the page imports Gradio later
    loaded = loaded_by(
        "sketch2img_tf.inference.generation",
        "sketch2img_tf.draw_page.draw_page",
        "sketch2img_tf.serving.rest_server",
    )
    assert {"numpy", "PIL", "sketch2img_tf"} <= loaded
    assert not loaded & {
        "tensorflow",
        "keras",
        "tensorflow_datasets",
        "py7zr",
        "scipy",
        "skimage",
        "matplotlib",
    }


@pytest.mark.slow
def test_exporting_starts_without_the_builders_libraries():
    loaded = loaded_by(
        "sketch2img_tf.draw_page.web_page",
        "sketch2img_tf.export.exported_model",
        "sketch2img_tf.export.lite_model",
        "sketch2img_tf.export.pretrained",
        "sketch2img_tf.run_folder.checkpoints",
    )
    assert {"tensorflow", "sketch2img_tf"} <= loaded
    assert not loaded & {"tensorflow_datasets", "py7zr", "skimage", "matplotlib"}


@pytest.mark.slow
def test_training_starts_without_what_builds_and_plots():
    loaded = loaded_by("sketch2img_tf.training.trainer")
    assert {"tensorflow", "sketch2img_tf"} <= loaded
    assert not loaded & {"py7zr", "matplotlib"}


def is_command(path: str) -> bool:
    return any(
        isinstance(node, ast.If) and "__main__" in ast.unparse(node.test)
        for node in sources.tree(path).body
    )


def test_flags_are_known_to_commands_and_to_what_makes_them():
    allowed = {
        f"sketch2img_tf/{name}.py" for name in ("config", "errors", "flagfiles", "path_flags")
    }
    knowing = {
        path
        for path in sources.modules()
        for one in sources.imports(path)
        if one.target == "absl"
        and not {"logging"} >= set(one.names)
        or one.target == "sketch2img_tf/path_flags.py"
    }
    assert len(knowing) > 15
    commands = {
        path for path in knowing if is_command(path) or is_in(path, "sketch2img_tf/commands/")
    }
    assert knowing - commands <= allowed


def test_pixel_ranges_are_known_to_preprocessing_and_to_who_opens_files():
    knowing = {
        path
        for path in sources.modules()
        if path.startswith(("sketch2img_tf/", "datasets/"))
        for node in ast.walk(sources.tree(path))
        if isinstance(node, ast.Constant)
        and node.value in PIXEL_RANGES
        and not isinstance(node.value, str)
    }
    assert knowing == {PREPROCESSING} | FILES_OF_PICTURES


def test_tapes_are_opened_where_gradients_are_taken():
    opening = {
        path
        for path in sources.modules()
        for node in ast.walk(sources.tree(path))
        if isinstance(node, ast.Attribute) and node.attr == "GradientTape"
    }
    of_training = (
        "train_step.py",
        "discriminator_learning.py",
        "critic_learning.py",
        "penalties.py",
    )
    places = [f"sketch2img_tf/training/{name}" for name in of_training] + [
        "sketch2img_tf/layers/cpu/"
    ]
    assert opening and all(any(is_in(path, place) for place in places) for path in opening)


def test_no_file_is_called_utils():
    assert not [path for path in sources.modules() if re.search(r"(^|/)_?utils?\.py$", path)]


def test_few_files_lie_outside_of_rooms():
    outside = [path for path in sources.modules() if re.fullmatch(r"sketch2img_tf/[^/]*\.py", path)]
    assert 0 < len(outside) <= MOST_FILES_AT_THE_ROOT, outside


def test_no_file_is_long():
    lengths = {
        path: len((ROOT / path).read_text(encoding="utf-8").splitlines())
        for path in sources.modules()
    }
    long = {path: length for path, length in lengths.items() if length > MOST_LINES}
    assert not long, long


def test_imports_are_understood(tmp_path, monkeypatch):
    """The reading itself: what is imported, when, and for what."""
    (tmp_path / "sketch2img_tf" / "data").mkdir(parents=True)
    for name in ("__init__", "errors", "data/__init__", "data/pixels", "data/files"):
        (tmp_path / "sketch2img_tf" / f"{name}.py").touch()
    (tmp_path / "sketch2img_tf" / "data" / "files.py").write_text("import skimage.io\n")
    (tmp_path / "train.py").write_text(
        "import os.path\n"
        "from typing import TYPE_CHECKING\n"
        "from sketch2img_tf import errors as mistakes\n"
        "if TYPE_CHECKING:\n"
        "    from sketch2img_tf.data.pixels import Pixels\n"
        "def main():\n"
        "    from sketch2img_tf.data import files\n"
    )
    monkeypatch.setattr(sources, "ROOT", tmp_path)
    sources.tree.cache_clear()
    sources.imports.cache_clear()
    try:
        found = {
            (one.target, one.names[0], one.for_types, one.later)
            for one in sources.imports("train.py")
        }
        assert found - {("typing", "TYPE_CHECKING", False, False)} == {
            ("os", "os", False, False),
            ("sketch2img_tf/errors.py", "mistakes", False, False),
            ("sketch2img_tf/data/pixels.py", "Pixels", True, False),
            ("sketch2img_tf/data/files.py", "files", False, True),
        }
        ways = sources.reached("train.py")
        assert ways["skimage"] == ("train.py", "sketch2img_tf/data/files.py", "skimage")
        assert (
            "sketch2img_tf/data/__init__.py" in ways and "sketch2img_tf/data/pixels.py" not in ways
        )
    finally:
        sources.tree.cache_clear()
        sources.imports.cache_clear()
