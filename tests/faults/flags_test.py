"""A wrong flag, file or environment is one line before any device works, and --dry_run finds it."""

from __future__ import annotations

import os

import pytest
from absl import flags
from absl.testing import flagsaver

from sketch2img_tf import config, errors
from sketch2img_tf.config import Config, from_dict
from sketch2img_tf.errors import UserError
from sketch2img_tf.training import preparation
from tests.faults.commands import ROOT, run

pytestmark = pytest.mark.ci

DRY_RUN = (
    "import train; from sketch2img_tf import config, errors;"
    " config.define_flags(); errors.run(train.main)"
)


@pytest.fixture
def refused(monkeypatch, capsys, dummy_data_dir, tmp_path):
    """Arguments of `train.py --dry_run` to the exit code and the
    one line with which it refuses them.
    """
    import train  # here: its flags are its own

    def refused(*arguments):
        argv = ["train.py", "--dry_run", *(str(argument) for argument in arguments)]
        with pytest.raises(SystemExit) as ended:
            errors._reporting(train.main, errors._parse(argv))
        captured = capsys.readouterr()
        (line,) = captured.err.splitlines()
        assert line.startswith("error: ") and captured.out == ""
        assert not os.listdir(tmp_path) or os.listdir(tmp_path) == ["given.flags"]
        return ended.value.code, line.removeprefix("error: ")

    monkeypatch.chdir(ROOT)
    config.define_flags()
    with flagsaver.flagsaver():
        yield refused
    flags.FLAGS.remove_flag_values(Config().to_dict())  # they would outlive the test


@pytest.mark.parametrize(
    "code, message, arguments",
    [
        (
            2,
            "Unknown command line flag 'train_step'. Did you mean: train_steps",
            ["--train_step=3"],
        ),
        (2, "flag --train_steps=many", ["--train_steps=many"]),
        (2, "unexpected argument 'full.flags': flags are written --name=value", ["full.flags"]),
        (2, "unexpected argument '3': flags are written", ["--nodeterministic", "3"]),
        (2, "--nodeterministic=1 does not take an argument", ["--nodeterministic=1"]),
        (1, "--gan_weight=nan: should be a finite number", ["--gan_weight=nan"]),
        (1, "--ema_decay=1.5: should be at most 1", ["--ema_decay=1.5"]),
        (1, "--seed=-1: should be at least 0", ["--seed=-1"]),
        (1, "--precision=float8: should be one of auto, ", ["--precision=float8"]),
        (
            1,
            "--profile_steps=5,20: ends after the last",
            ["--profile_steps=5,20", "--train_steps=9"],
        ),
        (1, "--perceptual_weights=none.h5: no such file", ["--perceptual_weights=none.h5"]),
        (
            1,
            "--workdir=README.md/run: cannot be written to",
            ["--workdir=README.md/run", "--perceptual_weight=0"],
        ),
        (2, "--flagfile is given no file", ["--flagfile"]),
        (2, "--flagfile is given no file", ["--flagfile="]),
        (2, "No such file or directory: 'configs/none.flags'", ["--flagfile=configs/none.flags"]),
        (2, "Is a directory: 'configs'", ["--flagfile=configs"]),
        (2, "--flagfile=docs/quickstart.png: is no text", ["--flagfile=docs/quickstart.png"]),
        (
            2,
            "--train_steps=4 stands before --flagfile=configs/best_full.flags, which sets"
            " --train_steps too",
            ["--train_steps=4", "--flagfile=configs/best_full.flags"],
        ),
        (
            2,
            "--train_steps=4 stands before --flagfile=configs/full.flags, which sets --train_epochs"
            " too and would win",
            ["--train_steps=4", "--flagfile=configs/full.flags"],
        ),
        (
            2,
            "--train_steps=4 and --train_epochs=2 say the same in two ways: give one of them",
            ["--flagfile=configs/full.flags", "--train_steps=4", "--train_epochs=2"],
        ),
        (2, "--num_classes=2 and --classes=ant say the same", ["--num_classes=2", "--classes=ant"]),
        (
            2,
            "--num_classes=0 stands before --flagfile=configs/ten_classes.flags, which sets"
            " --num_classes too",
            ["--num_classes=0", "--flagfile", "configs/ten_classes.flags"],
        ),
        (1, "--train_steps=0 and --train_epochs=0: give one of them", ["--train_steps=0"]),
    ],
)
def test_a_mistake_is_one_line(refused, code, message, arguments):
    found, line = refused(*arguments)
    assert message in line
    assert found == code


@pytest.mark.parametrize(
    "text, message",
    [
        (
            "--seed=3 # for luck\n",
            "'--seed=3 # for luck' has a comment; give comments lines of their own",
        ),
        ("seed=3\n", "unexpected argument 'seed=3'"),
        ("--sead=3\n", "Unknown command line flag 'sead'"),
        (
            "--flagfile=configs/nowhere.flags\n",
            "No such file or directory: 'configs/nowhere.flags'",
        ),
        (
            "--train_steps=4\n--seed=3\n--train_epochs=2\n",
            "given.flags: --train_steps=4 and --train_epochs=2 say the same in two ways: give one"
            " of them",
        ),
        (
            "--num_classes=2\n--classes=ant\n",
            "given.flags: --num_classes=2 and --classes=ant say the same",
        ),
        (
            "--train_steps=4\n--flagfile=configs/full.flags\n",
            "given.flags: --train_steps=4 stands before --flagfile=configs/full.flags, which sets"
            " --train_epochs too",
        ),
        (
            "--flagfile\nconfigs/base.flags\n--base_width=8\n--flagfile=configs/base.flags\n",
            "given.flags: --base_width=8 stands before --flagfile=configs/base.flags, which sets"
            " --base_width too",
        ),
    ],
)
def test_a_mistake_in_a_flagfile_is_one_line(refused, tmp_path, text, message):
    (tmp_path / "given.flags").write_text(text)
    code, line = refused(f"--flagfile={tmp_path / 'given.flags'}")
    assert code == 2 and message in line


def test_a_flag_before_a_flagfile_that_does_not_set_it_is_fine(refused, dummy_data_dir):
    arguments = [
        f"--data_dir={dummy_data_dir}",
        "--perceptual_weights=none.h5",
        "--flagfile=configs/batch_norm.flags",
    ]
    assert (
        "none.h5: no such file"
        in refused("--flagfile=configs/base.flags", "--perceptual_weights=none.h5")[1]
    )
    assert refused(*arguments)[1]


def test_a_batch_that_replicas_cannot_share():
    with pytest.raises(
        UserError, match="^--global_batch_size=16 cannot be shared equally by 3 replicas; give 15$"
    ):
        preparation.check_batch(16, 3)


WORKERS = '{"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "worker", "index": %s}}'


@pytest.mark.parametrize(
    "environment, message",
    [
        ("", "--strategy=multi_worker needs TF_CONFIG in the environment"),
        ("{", "TF_CONFIG is malformed"),
        (WORKERS % 2, "TF_CONFIG: task worker 2: there are 2 workers"),
        (WORKERS % 0, "--global_batch_size=5 cannot be shared equally by 2 replicas; give 4"),
    ],
)
def test_a_mistake_in_the_environment_is_one_line(refused, monkeypatch, environment, message):
    monkeypatch.setenv("TF_CONFIG", environment)
    code, line = refused(
        "--strategy=multi_worker", "--global_batch_size=5", "--perceptual_weight=0"
    )
    assert code == 1 and message in line


def test_a_run_to_start_from_that_is_none_is_one_line(refused, dummy_data_dir):
    arguments = [f"--data_dir={dummy_data_dir}", "--global_batch_size=2", "--perceptual_weight=0"]
    code, line = refused(*arguments, "--init_from=docs")
    assert code == 1 and line.startswith("--init_from=docs: no checkpoint in ")


def test_a_discriminator_trained_by_its_penalty_alone_is_told(dummy_data_dir, capsys):
    values = dict(data_dir=str(dummy_data_dir), global_batch_size=2, perceptual_weight=0.0)
    preparation.open_data(from_dict({**values, "gan_weight": 0.0, "classification_weight": 0.0}))
    assert capsys.readouterr().err.startswith(
        "only a gradient penalty trains the discriminator: --dragan_weight=0"
    )


@pytest.mark.slow
def test_an_older_library_is_one_line(tmp_path):
    """Its metadata, as pip would write them, before those of the real one."""
    (tmp_path / "numpy-2.1.0.dist-info").mkdir()
    (tmp_path / "numpy-2.1.0.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: numpy\nVersion: 2.1.0\n"
    )
    code, stdout, stderr = run(
        "-c", f"import sys; sys.path.insert(0, {str(tmp_path)!r}); {DRY_RUN}"
    )
    assert (code, stdout) == (1, "")
    assert stderr.startswith("error: numpy 2.1.0 is installed, numpy>=1.23.5,<2 is needed: ")
