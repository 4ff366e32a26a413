"""A training that is not finite any more goes back to its last
checkpoint, and stops when that does not help.
"""

from __future__ import annotations

import json
import pathlib

import numpy as np
import pytest
import tensorflow as tf

from sketch2img_tf.config import from_dict
from sketch2img_tf.data import input_pipeline
from sketch2img_tf.errors import UserError
from sketch2img_tf.run_folder.summaries import read_scalars
from sketch2img_tf.training import trainer

pytestmark = pytest.mark.slow
SMALL = dict(
    base_width=2,
    generator_norm="instance",
    global_batch_size=2,
    num_classes=2,
    perceptual_weight=0.0,
    diversity_weight=0.0,
    dragan_weight=0.0,
    train_steps=8,
    checkpoint_every_steps=2,
    log_every_steps=1,
    sample_every_steps=4,
    max_skipped_updates=2,
    max_retries=2,
)


def config(data_dir, workdir, **more):
    return from_dict({**SMALL, "data_dir": str(data_dir), "workdir": str(workdir), **more})


def losses(workdir):
    lines = [line for line in read_scalars(str(workdir)) if "steps_per_second" in line]
    return [
        (line["step"], line.get("generator/gan"), line["generator/skipped_updates"])
        for line in lines
    ]


def test_it_goes_back_and_on_with_other_noise(dummy_data_dir, tmp_path, monkeypatch, capfd):
    """Photos are NaN from the sixth batch on, until the run goes back, and never again."""
    starts, batches = [], input_pipeline.training_batches

    def spoilt(sketchy, batch_size, seed, first_step, context):
        starts.append(first_step)
        good = batches(sketchy, batch_size, seed, first_step, context)
        if len(starts) > 1:
            return good
        return good.enumerate().map(
            lambda i, batch: {**batch, "photos": tf.where(i < 5, batch["photos"], float("nan"))}
        )

    trainer.train(config(dummy_data_dir, tmp_path / "undisturbed"))
    monkeypatch.setattr(input_pipeline, "training_batches", spoilt)
    trainer.train(config(dummy_data_dir, tmp_path / "run"))
    assert starts == [0, 4]  # no checkpoint was written at step 6, while updates were left out
    stderr = capfd.readouterr().err
    folder = tmp_path / "run" / "not_finite" / "00000008"
    assert (
        f"(see {folder}): back to step 4 with other noise, for the 1. time of --max_retries=2"
        in stderr
    )
    assert np.isnan(np.load(folder / "batch.npz")["photos"]).all()
    run, undisturbed = losses(tmp_path / "run"), losses(tmp_path / "undisturbed")
    assert [step for step, _, _ in run] == list(range(1, 9)) and {
        skipped for *_, skipped in run
    } == {0.0}
    np.testing.assert_allclose(
        [loss for _, loss, _ in run[:4]], [loss for _, loss, _ in undisturbed[:4]], rtol=1e-3
    )
    assert abs(run[4][1] - undisturbed[4][1]) > 1e-5  # other noise
    (newest,) = (tmp_path / "run" / "checkpoints").glob("ckpt-8.index")
    reader = tf.train.load_checkpoint(str(newest.with_suffix("")))
    assert reader.get_tensor("state/retries/.ATTRIBUTES/VARIABLE_VALUE") == 1


def test_it_stops_with_a_dump_when_that_does_not_help(dummy_data_dir, tmp_path):
    """With such a rate the weights are too large to compute with after the first step."""
    with pytest.raises(UserError) as raised:
        trainer.train(
            config(
                dummy_data_dir,
                tmp_path,
                generator_learning_rate=1e30,
                discriminator_learning_rate=1e30,
            )
        )
    (folder,) = (tmp_path / "not_finite").iterdir()
    assert str(raised.value) == (
        f"step {int(folder.name)}: losses or gradients are not finite, again after --max_retries=2;"
        " its batch, scalars"
        f" and variables are in {folder}; lower the learning rates, or give --precision=float32"
    )
    told = json.loads((folder / "step.json").read_text())
    assert told["retries"] == 2 and told["not_finite"]["generator"][0] == "loss"
    for index in (tmp_path / "checkpoints").glob("*.index"):
        reader = tf.train.load_checkpoint(str(index.with_suffix("")))
        for name in reader.get_variable_to_shape_map():
            value = reader.get_tensor(name)
            assert (
                not isinstance(value, np.ndarray)
                or not value.dtype.kind == "f"
                or np.isfinite(value).all()
            ), name


def test_a_nan_now_and_then_is_skipped_and_counted(dummy_data_dir, tmp_path, monkeypatch):
    batches = input_pipeline.training_batches

    def spoilt(*args):
        return (
            batches(*args)
            .enumerate()
            .map(
                lambda i, batch: {
                    **batch,
                    "photos": tf.where(i % 3 < 2, batch["photos"], float("inf")),
                }
            )
        )

    monkeypatch.setattr(input_pipeline, "training_batches", spoilt)
    trainer.train(config(dummy_data_dir, tmp_path, train_steps=7))
    assert [skipped for *_, skipped in losses(tmp_path)] == [0, 0, 1, 0, 0, 1, 0]
    assert not (tmp_path / "not_finite").exists()
    text = pathlib.Path(tmp_path / "scalars.jsonl").read_text()
    assert "NaN" not in text and "Infinity" not in text
