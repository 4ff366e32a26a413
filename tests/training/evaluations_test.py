"""Evaluations of a real training: its best checkpoint kept apart, as a run's folder of its own."""

from __future__ import annotations

import dataclasses
import json
from types import SimpleNamespace

import pytest

from sketch2img_tf.config import (
    Config,
    DataConfig,
    EvaluationConfig,
    LossConfig,
    NetworkConfig,
    TrainingConfig,
)
from sketch2img_tf.errors import UserError
from sketch2img_tf.run_folder import best, checkpoints
from sketch2img_tf.run_folder.run_card import Card
from sketch2img_tf.run_folder.summaries import Summaries, read_scalars
from sketch2img_tf.training import evaluations, trainer
from sketch2img_tf.training.train_state import TrainState


@pytest.fixture
def config(dummy_data_dir, tmp_path):
    """A training of a second: narrow, on the L1 alone."""
    return Config(
        DataConfig(data_dir=str(dummy_data_dir), num_classes=2),
        NetworkConfig(base_width=2, generator_norm="instance"),
        LossConfig(
            gan_weight=0.0,
            classification_weight=0.0,
            dragan_weight=0.0,
            perceptual_weight=0.0,
            diversity_weight=0.0,
        ),
        TrainingConfig(workdir=str(tmp_path / "run"), train_steps=4, global_batch_size=4),
        EvaluationConfig(evaluate_every_steps=1),
    )


@pytest.fixture
def evaluate(config, sketchy, monkeypatch):
    """A function that evaluates a state at steps, in a session of its own,
    and finds the given values of the L1.
    """
    state = TrainState(config, len(sketchy.class_names))
    card = Card.of_run(config, sketchy)

    def evaluate(values):
        monkeypatch.setattr(evaluations, "Evaluator", lambda *_: _scripted(values.values()))
        watched = evaluations.Evaluations(config, card, sketchy, state)
        summaries = Summaries(config.training.workdir, min(values) - 1)
        for step in values:
            state.step.assign(step)
            watched.evaluate(step, None, summaries)

    return evaluate


def test_the_best_is_kept_over_sessions(evaluate, config, tmp_path):
    evaluate({1: 0.3, 2: 0.1, 3: 0.2})
    assert _best(tmp_path) == (2, 0.1)
    evaluate({4: 0.05, 5: 0.4})
    assert _best(tmp_path) == (4, 0.05)
    evaluate({6: 0.06})
    logged = {line["step"]: line["evaluation/l1"] for line in read_scalars(config.training.workdir)}
    assert logged == {1: 0.3, 2: 0.1, 3: 0.2, 4: 0.05, 5: 0.4, 6: 0.06}
    assert _best(tmp_path) == (4, 0.05)
    _, card, step = checkpoints.load_generator(str(tmp_path / "run" / "best"))
    assert (step, card.config.network.base_width) == (4, 2)
    assert [path.stem for path in (tmp_path / "run" / "best" / "checkpoints").glob("*.index")] == [
        "ckpt-4"
    ]


@pytest.mark.slow
def test_a_whole_evaluation_within_a_training(config, tmp_path):
    trainer.train(
        dataclasses.replace(
            config, evaluation=EvaluationConfig(evaluate_every_steps=4, best_metric="ssim")
        )
    )
    (line,) = [line for line in read_scalars(config.training.workdir) if "evaluation/l1" in line]
    noted = json.loads((tmp_path / "run" / "best" / best.FILE).read_text())
    assert (noted["step"], noted["metric"], noted["value"]) == (4, "ssim", line["evaluation/ssim"])
    assert noted["metrics"]["l1"] == pytest.approx(line["evaluation/l1"])
    assert (noted["protocol"]["name"], noted["protocol"]["sketches"]) == ("test_256", 4)


def test_it_is_due_at_its_intervals_or_never(config):
    def due(every):
        asked = dataclasses.replace(config, evaluation=EvaluationConfig(evaluate_every_steps=every))
        watched = evaluations.Evaluations(asked, None, None, None)
        return [step for step in range(1, 10) if watched.due(step)]

    assert (due(0), due(4)) == ([], [4, 8])


def test_a_metric_that_there_is_not(config, tmp_path):
    wrong = dataclasses.replace(
        config, evaluation=EvaluationConfig(evaluate_every_steps=1, best_metric="fid")
    )
    with pytest.raises(
        UserError,
        match="^--best_metric=fid: no such metric with --features_network=; there are l1, ",
    ):
        trainer.train(wrong)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    "metric, before, now, better",
    [("l1", 0.3, 0.2, True), ("l1", 0.2, 0.3, False), ("ssim", 0.2, 0.3, True)],
)
def test_better_is_lower_or_higher_by_the_metric(config, tmp_path, metric, before, now, better):
    config = dataclasses.replace(config, evaluation=EvaluationConfig(best_metric=metric))
    watched = evaluations.Evaluations(config, None, None, None)
    (tmp_path / "run" / "best").mkdir(parents=True)
    watched._note_best(1, {metric: before}, PROTOCOL)
    assert watched._is_best(now, PROTOCOL) == better


def test_the_best_by_another_metric_or_protocol_does_not_count(config, tmp_path):
    (tmp_path / "run" / "best").mkdir(parents=True)
    watched = evaluations.Evaluations(config, None, None, None)
    watched._note_best(1, {"l1": 0.0}, PROTOCOL)
    other = dataclasses.replace(config, evaluation=EvaluationConfig(best_metric="ssim"))
    assert evaluations.Evaluations(other, None, None, None)._is_best(0.1, PROTOCOL)
    other_weights = {**PROTOCOL, "features": {**PROTOCOL["features"], "weights_sha256": "e6"}}
    assert watched._is_best(0.1, other_weights) and not watched._is_best(0.1, PROTOCOL)


def test_curves_know_by_which_protocol_the_training_measured(config, tmp_path):
    workdir = config.training.workdir
    assert best.is_by(workdir, PROTOCOL)  # nothing is said
    (tmp_path / "run" / "best").mkdir(parents=True)
    evaluations.Evaluations(config, None, None, None)._note_best(1, {"l1": 0.0}, PROTOCOL)
    assert best.is_by(workdir, PROTOCOL)
    assert not best.is_by(workdir, {**PROTOCOL, "name": "test_all"})


PROTOCOL = {"name": "test_256", "features": {"network": "MobileNet", "weights_sha256": "8d"}}


def _scripted(values):
    """An evaluator that finds these, one after the other."""
    found = (SimpleNamespace(scores=SimpleNamespace(metrics={"l1": value})) for value in values)
    return SimpleNamespace(evaluate=lambda draw: next(found), description=lambda: PROTOCOL)


def _best(tmp_path):
    noted = best.read(str(tmp_path / "run"))
    return noted["step"], noted["value"]
