"""What a command says of its flags, it says before it imports anything that takes long."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys

import pytest

from tests.sources import ROOT

# TensorFlow's and Keras' names on both lanes; what data sets, pages and the compiled step need
TAKES_LONG = {
    "tensorflow",
    "keras",
    "tf_keras",
    "tensorflow_datasets",
    "tensorflow_addons",
    "skimage",
    "scipy",
    "matplotlib",
    "gradio",
    "jax",
    "numpy",
    "PIL",
    "py7zr",
    "tqdm",
}
# The wheel's command
INSTALLED = '-c "from sketch2img_tf.commands.sketch2img import main; main()"'
# Of each command: mistakes that it sees in the values of its flags, and what it says of them
COMMANDS = {
    "train.py": {"--precision=float8": "--precision=float8: should be one of auto, "},
    "evaluate.py": {"": "--workdir is missing: ", "--model=m --noise_deviation=1": "an export has"},
    "export.py": {"--workdir=w": "--export_dir is missing: "},
    "generate.py": {"--label=cat": "--sketch is missing: "},
    "draw.py": {"--model=m --server=s": "give either --model", "--api --browser": "shows no page"},
    "-m datasets.sketchy.build": {},
    "-m datasets.edge_maps.build": {},
    "-m datasets.edge_maps.learn": {
        "": "--sketches_dir is missing: ",
        "--sketches_dir=d": "--output is missing: ",
    },
    "-m datasets.miniature.build": {"": "--output_dir=DIR is missing"},
    "-m compiled_step.pack": {"--packed_dir=p --crop_fraction=0.1": "--crop_fraction: XLA cannot"},
    "-m compiled_step.unpack": {"": "--packed_dir is missing: "},
    "-m compiled_step.first_step": {"": "--packed_dir is missing: "},
    f"{INSTALLED} generate": {"--label=cat": "--sketch is missing: "},
    f"{INSTALLED} serve": {"--server=s": "--api shows no page"},
}
_IMPORTED = re.compile(r"^import time: .*\| +([\w.]+)$")


def started(command: str, *arguments: str) -> tuple[int, str, str, set[str]]:
    """The exit code of a command, what it said on both streams, and the packages it imported."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", *shlex.split(command), *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    said, imported = [], set()
    for line in done.stderr.splitlines():
        match = _IMPORTED.match(line)
        if match:
            imported.add(match[1].partition(".")[0])
        elif not line.startswith("import time: "):
            said.append(line)
    return done.returncode, done.stdout, "\n".join(said), imported


def test_the_packages_are_seen():
    _, _, said, imported = started("-m tqdm", "--version")
    assert "tqdm" in imported and not said


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_explains_itself_at_once(command):
    code, explained, said, imported = started(command, "--help")
    assert (code, said) == (1, "") and "Try --helpfull" in explained and "  --" in explained
    assert "absl" in imported and not imported & TAKES_LONG


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_refuses_a_wrong_flag_at_once(command):
    code, printed, said, imported = started(command, "--no_such_flag=1")
    assert (code, printed) == (2, "")
    assert re.fullmatch(r"error: Unknown command line flag 'no_such_flag' \(see .+ --help\)", said)
    assert not imported & TAKES_LONG


@pytest.mark.parametrize(
    "command, arguments, message",
    [(command, *mistake) for command, mistakes in COMMANDS.items() for mistake in mistakes.items()],
)
def test_a_command_refuses_a_wrong_value_at_once(command, arguments, message):
    code, printed, said, imported = started(command, *arguments.split())
    assert (code, printed) == (1, "")
    assert said.startswith("error: ") and message in said and "\n" not in said
    assert not imported & TAKES_LONG


def test_the_compiled_step_explains_itself_where_there_is_no_jax():
    code, explained, said, imported = started("-m compiled_step.run", "--help")
    assert (code, said) == (1, "") and "--packed_dir" in explained
    assert not imported & TAKES_LONG
