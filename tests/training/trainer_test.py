"""What is checked before a training, in one line each; the
training itself is in end_to_end_test.py.
"""

from __future__ import annotations

import pytest

from sketch2img_tf.config import Config, DataConfig, LossConfig, TrainingConfig
from sketch2img_tf.errors import UserError
from sketch2img_tf.training import preparation, trainer

WITHOUT_PERCEPTUAL = LossConfig(perceptual_weight=0.0)


def config(data_dir, **training):
    return Config(
        DataConfig(data_dir=str(data_dir)),
        losses=WITHOUT_PERCEPTUAL,
        training=TrainingConfig(**training),
    )


def test_a_batch_has_at_most_all_examples(dummy_data_dir):
    assert (
        preparation.open_data(config(dummy_data_dir, global_batch_size=10)).examples["train"] == 10
    )
    with pytest.raises(
        UserError,
        match="^--global_batch_size=11 is more than the 10 training examples of 3 classes$",
    ):
        preparation.open_data(config(dummy_data_dir, global_batch_size=11))


def test_data_that_is_neither_built_nor_given(tmp_path):
    with pytest.raises(
        UserError, match=f"^{tmp_path}/sketchy/.* is not built yet: give --manual_dir=DIR"
    ):
        preparation.open_data(config(tmp_path))


def test_several_workers_do_not_all_build_the_data(tmp_path):
    with pytest.raises(
        UserError, match="not built yet: build it first, with `python -m datasets.sketchy.build`$"
    ):
        preparation.open_data(config(tmp_path, strategy="multi_worker"))
    assert not list(tmp_path.iterdir())


def test_a_training_needs_a_folder(dummy_data_dir):
    with pytest.raises(UserError, match="^--workdir=DIR is missing"):
        trainer.train(config(dummy_data_dir))


def test_a_folder_that_cannot_be_made(dummy_data_dir, tmp_path):
    (tmp_path / "file").write_text("")
    workdir = str(tmp_path / "file" / "run")
    with pytest.raises(
        UserError, match=f"^--workdir={workdir}: cannot be written to .*; give another$"
    ):
        trainer.train(config(dummy_data_dir, workdir=workdir, global_batch_size=4))


def test_missing_weights_come_before_the_data(tmp_path):
    """Nobody waits for the TFRecords to learn that a file is not there."""
    losses = LossConfig(perceptual_weights=str(tmp_path / "none.h5"))
    with pytest.raises(UserError, match=f"^--perceptual_weights={tmp_path}/none.h5: no such file"):
        trainer.train(Config(losses=losses, training=TrainingConfig(workdir=str(tmp_path / "run"))))
    assert not list(tmp_path.iterdir())
