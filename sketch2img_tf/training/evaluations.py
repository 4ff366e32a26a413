"""Evaluations of a run in progress, and its best checkpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sketch2img_tf.errors import UserError
from sketch2img_tf.evaluation import features, protocols, scoring
from sketch2img_tf.evaluation.evaluator import Evaluator
from sketch2img_tf.evaluation.features import FeatureFlags
from sketch2img_tf.evaluation.reports.curves import SCALAR_PREFIX
from sketch2img_tf.run_folder import best
from sketch2img_tf.run_folder.checkpoints import Checkpoints

if TYPE_CHECKING:
    from sketch2img_tf.config import Config, EvaluationConfig
    from sketch2img_tf.data.input_pipeline import PairedDataset
    from sketch2img_tf.evaluation.examples import Draw
    from sketch2img_tf.run_folder.run_card import Card
    from sketch2img_tf.run_folder.summaries import Summaries
    from sketch2img_tf.training.train_state import TrainState


class Evaluations:
    """Evaluates every `--evaluate_every_steps` steps, and keeps the best checkpoint.

    It evaluates with the default protocol. The best checkpoint is in `workdir/best`, a folder like
    that of a run: evaluate.py and export.py accept it as --workdir. `best.json` there holds the
    step, the metrics, the metric that chose it, and the protocol. A best checkpoint that was chosen
    with another metric or another protocol is replaced at the next evaluation.
    """

    def __init__(self, config: Config, card: Card, sketchy: PairedDataset, state: TrainState):
        self._config, self._sketchy = config.evaluation, sketchy
        self._metric = best_metric(config)
        self._workdir = config.training.workdir
        self._card, self._state = card, state
        self._evaluator: Evaluator | None = None  # made late, because it reads all training photos
        self._checkpoints: Checkpoints | None = None

    def due(self, step: int) -> bool:
        """Whether this step is evaluated."""
        return (
            bool(self._config.evaluate_every_steps)
            and step % self._config.evaluate_every_steps == 0
        )

    def evaluate(self, step: int, draw: Draw, summaries: Summaries) -> None:
        """Logs all metrics of the averaged generator, `draw`; saves the state if it is the best."""
        if self._evaluator is None:
            self._evaluator = Evaluator(
                self._sketchy, protocols.find("", self._sketchy), _flags(self._config)
            )
            self._checkpoints = Checkpoints(
                best.directory(self._workdir), self._card, self._state, 1
            )
        metrics = self._evaluator.evaluate(draw).scores.metrics
        protocol = self._evaluator.description()
        summaries.scalars(
            step, {f"{SCALAR_PREFIX}{name}": value for name, value in metrics.items()}
        )
        if self._is_best(metrics[self._metric], protocol):
            self._checkpoints.save()
            self._note_best(step, metrics, protocol)

    def _is_best(self, value: float, protocol: dict) -> bool:
        before = best.read(self._workdir)
        if (
            before is None
            or before["metric"] != self._metric
            or before.get("protocol", protocol) != protocol
        ):
            return True
        return (
            value < before["value"]
            if scoring.lower_is_better(self._metric)
            else value > before["value"]
        )

    def _note_best(self, step: int, metrics: dict[str, float], protocol: dict) -> None:
        noted = {"step": step, "metric": self._metric, "value": metrics[self._metric]}
        best.write(self._workdir, {**noted, "metrics": metrics, "protocol": protocol})


def best_metric(config: Config) -> str:
    """`--best_metric`; without it the kernel distance if there is a network, else the L1."""
    names = features.distance_names(_flags(config.evaluation))
    return config.evaluation.best_metric or (names[1] if names else "l1")


def check(config: Config) -> None:
    """Checks, before anything is built, that the first evaluation will not fail.

    Raises:
      UserError: there is no metric `--best_metric`, or the network's weights are not there and
        cannot be downloaded.
    """
    if not config.evaluation.evaluate_every_steps:
        return
    flags = _flags(config.evaluation)
    features.check_weights(flags)
    known = scoring.metric_names(flags)
    if best_metric(config) not in known:
        raise UserError(
            f"--best_metric={config.evaluation.best_metric}: no such metric with"
            f" --features_network={flags.network}; there are {', '.join(known)}"
        )


def _flags(evaluation: EvaluationConfig) -> FeatureFlags:
    return FeatureFlags(evaluation.features_network, evaluation.features_weights)
