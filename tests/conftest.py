"""What several tests share: quiet libraries, fixed initial weights, real
pictures, and a small built data set.
"""

from __future__ import annotations

import importlib.util
import os
import pathlib
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

import sketch2img_tf  # noqa: F401 - before anything imports TensorFlow, which it tells how to run

ROOT = pathlib.Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared"
DUMMY_RELEASE = ROOT / "datasets" / "sketchy" / "dummy_data"


@pytest.fixture(scope="session")
def shared_dir() -> pathlib.Path:
    """The folder of real Sketchy pictures and weights; what needs it is
    skipped, by name, where it is absent.
    """
    if not SHARED.is_dir():
        pytest.skip("needs ../shared (real pictures and weights)")
    return SHARED


@pytest.fixture(scope="session")
def dummy_data_dir(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """A --data_dir with the builder's dummy release: three classes, 12
    sketches to train on and 6 held out.
    """
    # Here, so that tests of the versions alone need no TensorFlow
    from datasets.sketchy import records

    data_dir = tmp_path_factory.mktemp("dummy_data")
    records.build(str(DUMMY_RELEASE), str(data_dir))
    return data_dir


@pytest.fixture(scope="session")
def sketchy(dummy_data_dir):
    """The dummy release, opened: 10 examples to train on, 6 to test with, three classes."""
    from datasets.sketchy import records
    from sketch2img_tf.config import DataConfig
    from sketch2img_tf.data.input_pipeline import open_paired_dataset
    from sketch2img_tf.data.names import DEFAULT_PHOTO_VARIANT, DEFAULT_SKETCH_VARIANT

    directory = records.dataset_dir(dummy_data_dir, DEFAULT_PHOTO_VARIANT, DEFAULT_SKETCH_VARIANT)
    return open_paired_dataset(str(directory), DataConfig(data_dir=str(dummy_data_dir)))


@pytest.fixture(scope="session")
def draw():
    """The sketch in a colour of its class, with noise of its seed, as
    `Generator.draw`; needs no training.
    """
    import tensorflow as tf

    def draw(sketches, labels, seeds):
        def noise(seed):
            return tf.random.stateless_uniform([64, 64, 3], tf.stack([seed, 0]), -0.2, 0.2)

        colours = tf.one_hot(labels, 3)[:, tf.newaxis, tf.newaxis] * 0.5
        return sketches * 0.4 + colours + tf.map_fn(noise, seeds, fn_output_signature=tf.float32)

    return draw


@pytest.fixture(scope="session")
def exported(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """The folder of one version of the small export of export/exports.py, made once."""
    from sketch2img_tf.export import exported_model
    from tests.export import exports

    folder = tmp_path_factory.mktemp("exported")
    generator = exports.untrained_generator()
    return pathlib.Path(exported_model.export(generator, exports.CARD, exports.STEP, str(folder)))


@pytest.fixture(scope="session")
def drawing_python() -> str:
    """A Python that draws with LiteRT's own package; skips where there is none."""
    own = ROOT / ".venv-draw" / "bin" / "python"
    if own.exists():
        return str(own)
    if importlib.util.find_spec("ai_edge_litert"):
        return sys.executable
    pytest.skip("needs .venv-draw (`make draw` makes it)")


@pytest.fixture
def small_disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[int], pathlib.Path]]:
    """A function from a number of MB to a folder that holds no
    more: a disk in memory, mounted there.
    """
    mounted = []

    def mount(megabytes: int) -> pathlib.Path:
        folder = tmp_path_factory.mktemp("disk")
        command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)]
        try:
            subprocess.run(command, check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError):
            pytest.skip("needs the right to mount a disk")
        mounted.append(folder)
        return folder

    yield mount
    for folder in mounted:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture
def no_utf8(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A name that is no UTF-8, as archives of older systems leave them; skips where none can be.

    A command that prints it as it is ends, as in most locales; in that of POSIX Python would let it
    pass.
    """
    monkeypatch.setenv("PYTHONIOENCODING", "utf-8:strict")
    name = os.fsdecode(b"caf\xe9")
    try:
        (tmp_path / name).touch()
    except OSError:
        pytest.skip("needs a file system that takes any bytes for a name")
    (tmp_path / name).unlink()
    return name


@pytest.fixture
def seeded() -> None:
    """The same initial weights whatever ran before in the process."""
    import tensorflow as tf

    tf.keras.utils.set_random_seed(0)
