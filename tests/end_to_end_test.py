"""The real commands, as a user runs them: the configs shrunk, from a
release's files to an evaluated export.
"""

from __future__ import annotations

import json
import os
import pathlib
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from absl import flags
from absl.testing import flagsaver
from PIL import Image

from datasets.miniature import release as miniature
from sketch2img_tf import config
from sketch2img_tf.run_folder.run_card import Card
from sketch2img_tf.run_folder.summaries import read_scalars
from sketch2img_tf.training import preparation
from sketch2img_tf.training.run import STOPPED
from tests.conftest import DUMMY_RELEASE

pytestmark = pytest.mark.ci

ROOT = pathlib.Path(__file__).resolve().parents[1]
ELSEWHERE = {"multi_worker", "tpu"}  # need other machines
CONFIGS = sorted({path.stem for path in (ROOT / "configs").glob("*.flags")} - {"base"} - ELSEWHERE)
STEPS = 30
# Without moving statistics, which lag behind, thirty steps are enough to see that it learns.
QUICK = [
    "--base_width=4",
    "--generator_norm=instance",
    "--generator_learning_rate=5e-3",
    "--ema_decay=0.8",
]
SMALL_PERCEPTUAL = [
    "--perceptual_weights=random",
    "--perceptual_network=MobileNet",
    "--perceptual_size=32",
]
SMALL_SIGHT = [*SMALL_PERCEPTUAL, "--critic_weights=random", "--critic_size=32"]
SHRUNK = [
    "--base_width=2",
    "--global_batch_size=4",
    "--num_classes=2",
    "--decay_start_step=0",
    *SMALL_SIGHT,
]


def start(*command):
    """A command of the project, started as a user starts it."""
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONWARNINGS": "ignore"}
    return subprocess.Popen(
        [sys.executable, *map(str, command)],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process):
    """Waits for it: its exit code, its standard output, and what it said on standard error."""
    stdout, stderr = process.communicate(timeout=600)
    return process.returncode, stdout, stderr


def run(*command):
    return finish(start(*command))


def succeed(*command):
    """Runs it and gives the lines of its standard output."""
    code, stdout, stderr = run(*command)
    assert code == 0, stderr
    return stdout.splitlines()


def assert_refuses(code, message, *command):
    """It ends with this exit code and says why in one line."""
    found, stdout, stderr = run(*command)
    assert (found, stdout) == (code, ""), stderr
    (line,) = stderr.splitlines()
    assert line.startswith("error: ") and message in line


def files(folder):
    """All but the lock, which names the last who looked."""
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.name != "run.lock"}


@pytest.fixture
def resolve(monkeypatch):
    """A function from arguments of train.py to the configuration that they give."""

    def resolve(*arguments):
        flags.FLAGS(["train.py", *map(str, arguments)])
        return config.from_flags()

    monkeypatch.chdir(ROOT)
    config.define_flags()
    with flagsaver.flagsaver():
        yield resolve
    flags.FLAGS.remove_flag_values(config.Config().to_dict())  # they would outlive the test


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """With a miniature release of twenty training sketches in `sketchy`."""
    folder = tmp_path_factory.mktemp("end_to_end")
    miniature.write(str(folder / "sketchy"), 6, 2, ("apple", "banana"), workers=1)
    return folder


@pytest.fixture(scope="module")
def training(folder):
    """The command line of the training; it has the TFRecords to build first."""
    return [
        "train.py",
        "--flagfile=configs/quickstart.flags",
        f"--manual_dir={folder / 'sketchy'}",
        f"--data_dir={folder / 'data'}",
        f"--workdir={folder / 'run'}",
        "--global_batch_size=4",
        f"--train_steps={STEPS}",
        "--log_every_steps=1",
        "--sample_every_steps=10",
        *QUICK,
    ]


@pytest.fixture(scope="module")
def stopped(folder, training):
    """The training, told to stop after some steps: exit code,
    standard error, and the step it says.
    """
    process = start(*training)
    while process.poll() is None and not any(
        line["step"] >= 2 for line in read_scalars(str(folder / "run"))
    ):
        time.sleep(0.1)
    process.send_signal(signal.SIGTERM)
    code, _, stderr = finish(process)
    return code, stderr, read_scalars(str(folder / "run"))[-1]["step"]


@pytest.fixture(scope="module")
def trained(stopped, training):
    """The same command again, to its end: its output."""
    return succeed(*training)


@pytest.fixture(scope="module")
def exported(folder, trained):
    return succeed("export.py", f"--workdir={folder / 'run'}", f"--export_dir={folder / 'export'}")


@pytest.fixture(scope="module")
def evaluated(folder, exported):
    return succeed(
        "evaluate.py", f"--model={folder / 'export'}", f"--workdir={folder / 'run'}", "--plot"
    )


def test_a_run_that_is_told_to_stop_saves_its_step_and_says_how_to_go_on(folder, stopped):
    code, stderr, step = stopped
    assert code == STOPPED
    assert stderr.splitlines()[-1] == f"stopped at step {step}; the same command goes on from there"
    assert (folder / "run" / "checkpoints" / f"ckpt-{step}.index").exists()


def test_the_same_command_goes_on_from_there(folder, stopped, trained):
    assert trained == [
        f"going on from step {stopped[2]} of {folder / 'run'}",
        f"trained to step {STEPS}: samples and plots are in {folder / 'run'}",
    ]
    logged = [
        line["step"] for line in read_scalars(str(folder / "run")) if "steps_per_second" in line
    ]
    assert logged == list(range(1, STEPS + 1))


def test_a_run_leaves_what_it_promises(folder, trained):
    run_folder = folder / "run"
    for sheets in ("samples", "as_drawn"):
        assert [path.name for path in sorted((run_folder / sheets).iterdir())] == [
            f"{step:08d}.png" for step in range(0, STEPS + 1, 10)
        ]
    plots = {path.stem for path in (run_folder / "plots").iterdir()}
    assert plots - {"metrics"} == {
        "discriminator_losses",
        "generator_losses",
        "accuracies",
        "fakes",
    }
    scalars = {tag for line in read_scalars(str(run_folder)) for tag in line}
    assert scalars == {
        "step",
        "held_out_l1",
        "steps_per_second",
        "fakes/mean",
        "fakes/deviation",
        *(f"discriminator/{name}" for name in ("gan", "classification", "dragan", "learning_rate")),
        *(f"discriminator/{name}_accuracy" for name in ("class", "real", "fake")),
        *(f"generator/{name}" for name in ("gan", "classification", "supervised", "learning_rate")),
        *(f"{network}/skipped_updates" for network in ("generator", "discriminator")),
    }
    assert len(list((run_folder / "tensorboard").iterdir())) == 2  # sessions


def test_it_learns(folder, trained):
    """Pictures it has not seen come out nearer to the real ones than before."""
    held_out = [
        line["held_out_l1"] for line in read_scalars(str(folder / "run")) if "held_out_l1" in line
    ]
    assert held_out[-1] < 0.8 * held_out[0]


def test_an_export_is_numbered_by_its_step(folder, exported):
    assert exported == [str(folder / "export" / str(STEPS))]
    assert (folder / "export" / str(STEPS) / "saved_model.pb").exists()
    card = Card.from_json(
        (folder / "export" / str(STEPS) / "assets.extra" / "card.json").read_text()
    )
    assert (card.class_names, card.config.network.base_width) == (("apple", "banana"), 4)


def test_an_export_draws_the_held_out_sketches_as_the_run_did(folder, evaluated):
    result = json.loads(evaluated[-1])
    assert (folder / "run" / "metrics.jsonl").read_text() == evaluated[-1] + "\n"
    held_out = [
        line["held_out_l1"] for line in read_scalars(str(folder / "run")) if "held_out_l1" in line
    ]
    assert (result["step"], result["held_out_l1_before_training"]) == (STEPS, held_out[0])
    # The export sees and gives whole grey values.
    assert result["held_out_l1"] == pytest.approx(held_out[-1], abs=1e-3)
    assert result["held_out_l1"] < result["held_out_l1_mean_colour"]


def test_an_evaluation_says_what_it_measured_and_leaves_a_report(folder, evaluated):
    result = json.loads(evaluated[-1])
    assert (result["protocol"]["name"], result["protocol"]["sketches"]) == ("test_256", 4)
    assert result["metrics"]["l1"] == result["held_out_l1"] > result["real"]["l1"] == 0
    assert evaluated[1] == f"report: {folder / 'run' / 'report.html'}"
    assert "test_256" in (folder / "run" / "report.html").read_text()
    assert (folder / "run" / "plots" / "metrics.png").exists()


def test_the_grid_of_the_export_is_the_last_sample_of_the_run(folder, evaluated):
    assert evaluated[0] == f"sketch | generated | real: {folder / 'run' / 'held_out.png'}"
    paths = folder / "run" / "held_out.png", folder / "run" / "samples" / f"{STEPS:08d}.png"
    grid, sample = (np.asarray(Image.open(path)).astype(float) for path in paths)
    assert grid.shape == sample.shape and np.abs(grid - sample).max() <= 4


def test_a_dry_run_prints_the_flags_of_the_run_and_writes_nothing(folder, trained):
    before = files(folder)
    lines = succeed("train.py", f"--flagfile={folder / 'run' / 'flags.txt'}", "--dry_run")
    assert files(folder) == before
    assert "\n".join(lines).startswith((folder / "run" / "flags.txt").read_text())
    assert lines[-6:-2] == [
        "classes: 2 (apple, banana)",
        "examples: 20 to train on, 4 held out",
        "steps per epoch: 5.0",
        f"the whole run: {STEPS} steps, {STEPS / 5:.1f} epochs",
    ]


def test_a_run_does_not_go_on_with_another_network(folder, training, trained):
    before = files(folder)
    message = (
        "base_width 4 there, 8 now; number of classes 2 there, 1 now;"
        " classes apple,banana there, apple now; give"
    )
    assert_refuses(
        1, message, *training, "--base_width=8", "--classes=apple", "--classification_weight=0"
    )
    assert files(folder) == before


def test_a_wrong_value_is_one_line():
    assert_refuses(
        2, "--train_steps=many", "train.py", "--flagfile=configs/full.flags", "--train_steps=many"
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    "code, message, command",
    [
        (
            2,
            "--classes=ant and --num_classes=2 say the same",
            ["train.py", "--classes=ant", "--num_classes=2"],
        ),
        (1, "--dragan_weight=-1.0: should be at least 0", ["train.py", "--dragan_weight=-1"]),
        (1, "--workdir=DIR is missing", ["train.py", "--perceptual_weight=0"]),
        (
            2,
            "Unknown command line flag 'base_with'. Did you mean: base_width",
            ["train.py", "--base_with=3"],
        ),
        (2, "configs/none.flags", ["train.py", "--flagfile=configs/none.flags"]),
        (2, "unexpected argument 'configs/full.flags'", ["train.py", "configs/full.flags"]),
        (1, "--workdir is missing: Folder of the run.", ["export.py", "--export_dir=x"]),
        (
            1,
            "--workdir=none: no checkpoint in none/checkpoints; train first",
            ["evaluate.py", "--workdir=none"],
        ),
        (1, "--model=none: no exported model there", ["evaluate.py", "--model=none"]),
        (
            1,
            "--noise_deviation: an export has its own",
            ["evaluate.py", "--model=none", "--noise_deviation=0.5"],
        ),
        (1, "--workdir is missing: Folder of the run", ["evaluate.py"]),
    ],
)
def test_other_mistakes_are_one_line_too(code, message, command):
    assert_refuses(code, message, *command)


@pytest.mark.parametrize("name", CONFIGS)
def test_a_config_says_what_it_would_train(dummy_data_dir, name, resolve):
    resolved = resolve(f"--flagfile=configs/{name}.flags", f"--data_dir={dummy_data_dir}", *SHRUNK)
    text = preparation.describe(resolved)
    resolved = resolved.in_steps(6)
    assert text.startswith(resolved.to_flagfile())
    assert (
        "\nclasses: 2 (apple, car_(sedan))\nexamples: 6 to train on, 4 held out\nsteps per epoch:"
        " 1.5\n" in text
    )
    steps = resolved.training.train_steps
    assert f"\nthe whole run: {steps} steps, {steps / 1.5:.1f} epochs\n" in text


@pytest.mark.slow
@pytest.mark.parametrize("name", CONFIGS)
def test_a_config_trains(dummy_data_dir, tmp_path, name):
    command = [
        "train.py",
        f"--flagfile=configs/{name}.flags",
        f"--data_dir={dummy_data_dir}",
        *SHRUNK,
    ]
    lines = succeed(
        *command, f"--workdir={tmp_path / 'run'}", "--train_steps=2", "--log_every_steps=1"
    )
    assert lines == [f"trained to step 2: samples and plots are in {tmp_path / 'run'}"]
    assert np.isfinite(
        [value for line in read_scalars(str(tmp_path / "run")) for value in line.values()]
    ).all()
    assert json.loads(succeed("evaluate.py", f"--workdir={tmp_path / 'run'}")[-1])["step"] == 2


@pytest.mark.slow
def test_a_run_of_larger_pictures(dummy_data_dir, tmp_path):
    """What is measured, exported and drawn follows the run,
    which does not go on with another size.
    """
    run_folder, exports = tmp_path / "run", f"--export_dir={tmp_path / 'export'}"
    command = [
        "train.py",
        "--flagfile=configs/quickstart.flags",
        f"--data_dir={dummy_data_dir}",
        *SHRUNK,
    ]
    command += [f"--workdir={run_folder}", "--train_steps=2", "--sketch_encoding=distance_field"]
    succeed(*command, "--image_size=128")
    assert_refuses(1, "image_size 128 there, 64 now; give another --workdir", *command)
    (version,) = succeed("export.py", f"--workdir={run_folder}", exports)
    succeed("export.py", f"--workdir={run_folder}", exports, "--format=tflite")
    version = pathlib.Path(version).rename(tmp_path / "best")  # whose card knows the step
    models = f"--workdir={run_folder}", f"--model={version}"
    of_run, of_export = (json.loads(succeed("evaluate.py", model)[-1]) for model in models)
    assert of_run["protocol"] == of_export["protocol"] and of_run["protocol"]["picture_size"] == 128
    assert of_run["step"] == of_export["step"] == 2
    assert of_export["held_out_l1"] == pytest.approx(of_run["held_out_l1"], abs=1e-3)
    assert of_export["metrics"]["edge_recall"] == pytest.approx(
        of_run["metrics"]["edge_recall"], abs=0.05
    )
    sketch, output = next(DUMMY_RELEASE.rglob("*.png")), tmp_path / "photo.png"
    succeed(
        "generate.py",
        f"--model={version}",
        f"--sketch={sketch}",
        "--label=apple",
        f"--output={output}",
    )
    assert Image.open(output).size == (128, 128)
    assert "a PNG, 128x128 pixels" in (version / "assets.extra" / "MODEL_CARD.md").read_text()


@pytest.mark.slow
def test_a_stop_makes_no_difference(dummy_data_dir, tmp_path):
    """Two steps, a pause and two more end where four steps do."""
    command = [
        "train.py",
        "--flagfile=configs/quickstart.flags",
        f"--data_dir={dummy_data_dir}",
        *SHRUNK,
    ]
    command += ["--log_every_steps=1", "--diversity_weight=1"]
    succeed(*command, f"--workdir={tmp_path / 'at_once'}", "--train_steps=4")
    for steps in (2, 4):
        succeed(*command, f"--workdir={tmp_path / 'in_two'}", f"--train_steps={steps}")
    at_once, in_two = (
        {
            line["step"]: line
            for line in read_scalars(str(tmp_path / name))
            if "steps_per_second" in line
        }
        for name in ("at_once", "in_two")
    )
    assert at_once.keys() == in_two.keys() == {1, 2, 3, 4}
    for tag in at_once[4].keys() - {"steps_per_second"}:
        assert in_two[4][tag] == pytest.approx(at_once[4][tag], rel=1e-3), tag


@pytest.mark.slow
def test_a_profile_opens_in_tensorboard(dummy_data_dir, tmp_path):
    command = [
        "train.py",
        "--flagfile=configs/quickstart.flags",
        f"--data_dir={dummy_data_dir}",
        *SHRUNK,
    ]
    succeed(*command, f"--workdir={tmp_path}", "--train_steps=4", "--profile_steps=2,3")
    (trace,) = (tmp_path / "tensorboard" / "plugins" / "profile").rglob("*.xplane.pb")
    assert trace.stat().st_size > 10_000
