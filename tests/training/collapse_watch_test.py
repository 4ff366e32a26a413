"""A collapse is said once it has lasted, in the log and in
TensorBoard, and ends the run if it shall.
"""

from __future__ import annotations

import types

import pytest
import tensorflow as tf

from sketch2img_tf.config import Config, EvaluationConfig, LossConfig, TrainingConfig
from sketch2img_tf.errors import UserError
from sketch2img_tf.run_folder.summaries import Summaries
from sketch2img_tf.training.collapse_watch import CollapseWatch

GENERATOR = types.SimpleNamespace(noise_shape=(8, 8, 2))  # noises are 16 apart
HEALTHY = {"fakes/deviation": 0.4, "generator/diversity": -0.01}
GREY = {**HEALTHY, "fakes/deviation": 0.001}
DEAF = {**HEALTHY, "generator/diversity": -0.00001}


def watch(folder, stop=False, diversity="slope"):
    config = Config(
        losses=LossConfig(diversity=diversity),
        training=TrainingConfig(workdir=str(folder)),
        evaluation=EvaluationConfig(collapse_steps=100, stop_on_collapse=stop),
    )
    return CollapseWatch(config, GENERATOR)


def warnings(folder, watch, history):
    """The TensorBoard texts that the watch writes of a history of (step, values)."""
    summaries = Summaries(str(folder), history[0][0])
    for step, values in history:
        watch.look(step, values, summaries)
    records = [
        record.numpy()
        for path in (folder / "tensorboard").iterdir()
        for record in tf.data.TFRecordDataset(str(path))
    ]
    events = [tf.compat.v1.Event.FromString(record) for record in records]
    found = [
        (event.step, value)
        for event in events
        for value in event.summary.value
        if value.tag == "warnings"
    ]
    return [(step, tf.make_ndarray(value.tensor).item().decode()) for step, value in found]


def test_a_healthy_run_and_a_short_spell_are_no_collapse(tmp_path, capsys):
    history = [(step, GREY if step < 100 or step == 150 else HEALTHY) for step in range(0, 400, 10)]
    assert warnings(tmp_path, watch(tmp_path), history) == []
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    "values, said", [(GREY, "of one colour"), (DEAF, "the same whatever the noise")]
)
def test_what_lasts_is_said_now_and_then(tmp_path, capsys, values, said):
    history = [(step, HEALTHY if step < 50 else values) for step in range(0, 300, 10)]
    found = warnings(tmp_path, watch(tmp_path), history)
    assert [step for step, _ in found] == [150, 250]
    assert said in found[0][1] and "since step 50" in found[0][1]
    assert capsys.readouterr().err.startswith("warning: step 150: the pictures")


def test_differences_are_measured_as_the_loss_does(tmp_path):
    """-0.00005 over noises 16 apart is a difference of 0.0008,
    near zero; as a distance -0.002 is not.
    """
    history = [(step, {"generator/diversity": -0.00005}) for step in range(0, 200, 10)]
    assert len(warnings(tmp_path, watch(tmp_path), history)) == 1
    history = [(step, {"generator/diversity": -0.002}) for step in range(0, 200, 10)]
    assert (
        warnings(tmp_path / "other", watch(tmp_path / "other", diversity="distance"), history) == []
    )


def test_an_earlier_session_counts(tmp_path):
    before = Summaries(str(tmp_path), 0)
    for step in range(0, 100, 10):
        before.scalars(step, GREY)
    assert [step for step, _ in warnings(tmp_path, watch(tmp_path), [(100, GREY)])] == [100]


def test_it_ends_the_run_if_it_shall(tmp_path):
    guard, summaries = watch(tmp_path, stop=True), Summaries(str(tmp_path), 0)
    guard.look(0, GREY, summaries)
    with pytest.raises(
        UserError,
        match="^collapsed: the pictures have been of one colour .* since step 0; --nostop",
    ):
        guard.look(100, GREY, summaries)
