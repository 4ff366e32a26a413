"""The training loop: devices, batches, steps; and, at their intervals, scalars, samples and checkpoints."""

from __future__ import annotations

import os
import signal
import sys
import time

import numpy as np
import tensorflow as tf
from tqdm import tqdm

from datasets.sketchy import build
from sketch2img_tf import plots
from sketch2img_tf.card import Card
from sketch2img_tf.checkpoints import Checkpoints, check_continues
from sketch2img_tf.config import Config
from sketch2img_tf.data import input_pipeline
from sketch2img_tf.errors import UserError
from sketch2img_tf.evaluation import in_training
from sketch2img_tf.evaluation.collapse_watch import CollapseWatch
from sketch2img_tf.evaluation.held_out import HeldOut
from sketch2img_tf.networks import perceptual
from sketch2img_tf.strategy import make_strategy
from sketch2img_tf.summaries import Summaries, read_scalars
from sketch2img_tf.train_step import TrainState, TrainStep

STOPPED = 42  # exit code of a run that was told to stop and can go on


def open_data(config: Config) -> input_pipeline.Sketchy:
    """The pictures that the configuration chooses; builds the TFRecords if they are missing."""
    data = config.data
    directory = build.dataset_dir(data.data_dir, data.photo_variant, data.sketch_variant)
    if not directory.is_dir():
        build.build(data.manual_dir, data.data_dir, data.photo_variant, data.sketch_variant, data.max_bad)
    sketchy = input_pipeline.open_sketchy(str(directory), data)
    if sketchy.examples["train"] < config.training.global_batch_size:
        raise UserError(
            f"--global_batch_size={config.training.global_batch_size} is more than the {sketchy.examples['train']}"
            f" training examples of {len(sketchy.class_names)} classes"
        )
    return sketchy


def describe(config: Config) -> str:
    """What `--dry_run` prints: the resolved flags, the classes, parameter counts and steps an epoch."""
    perceptual.check_weights(config.losses)
    in_training.check(config)
    sketchy = open_data(config)
    if config.training.workdir:
        check_continues(config.training.workdir, Card.of_run(config, sketchy))
    state = TrainState(config, len(sketchy.class_names))
    return config.to_flagfile() + "\n".join(
        [
            "",
            f"classes: {len(sketchy.class_names)} ({', '.join(sketchy.class_names)})",
            f"examples: {sketchy.examples['train']} to train on, {sketchy.examples['test']} held out"
            + (f", {sketchy.examples['validation']} for validation" if "validation" in sketchy.examples else ""),
            f"steps an epoch: {sketchy.examples['train'] / config.training.global_batch_size:.1f}",
            f"generator parameters: {_parameters(state.generator):,}",
            f"discriminator parameters: {_parameters(state.discriminator):,}",
        ]
    )


def train(config: Config) -> None:
    """Trains from the newest checkpoint in `--workdir`, or from the start, until step `--train_steps`.

    Raises:
      UserError: the data, the weights or the folder do not serve.
      SystemExit: with code `STOPPED`, on SIGINT or SIGTERM, after a checkpoint of the last whole step.
    """
    if not config.training.workdir:
        raise UserError("--workdir=DIR is missing: the folder for checkpoints, summaries and samples")
    perceptual.check_weights(config.losses)
    in_training.check(config)
    sketchy = open_data(config)
    card = Card.of_run(config, sketchy)
    check_continues(config.training.workdir, card)
    _make_folder(config.training.workdir)
    with make_strategy(config.training.strategy).scope():
        run = _Run(config, sketchy, card)
    run.go()


class _Run:
    """A run in progress. Made inside the strategy's scope."""

    def __init__(self, config: Config, sketchy: input_pipeline.Sketchy, card: Card):
        self.config = config.training
        self.sketchy = sketchy
        self.state = TrainState(config, len(sketchy.class_names))
        self.step = TrainStep(config, self.state, sketchy.statistics)
        self.checkpoints = Checkpoints(self.config.workdir, card, self.state, self.config.checkpoints_kept)
        resumed = self.checkpoints.restore()
        self.state.set_learning_rates(config)
        self.first_step = int(self.state.step.numpy())
        self.summaries = Summaries(self.config.workdir, self.first_step)
        self._write_flags(config)
        self.held_out = HeldOut(sketchy)
        self.evaluations = in_training.Evaluations(config, card, sketchy, self.state)
        self.collapse_watch = CollapseWatch(config, self.state.generator)
        self.draw = tf.function(self.state.averaged_generator.draw)
        self.pending: list[dict[str, tf.Tensor]] = []
        self.profiling = False
        self.logged_at = time.perf_counter()
        if resumed:
            print(f"going on from step {self.first_step} of {self.config.workdir}")

    def go(self) -> None:
        """All steps that are left."""
        if self.first_step == 0:
            self._sample(0)
            self.checkpoints.save()
        with _Stop() as stop, tqdm(
            total=self.config.train_steps, initial=self.first_step, unit="step", dynamic_ncols=True
        ) as bar:
            bar.set_description("preparing the first step")  # TensorFlow traces it: half a minute on a CPU
            self.logged_at = time.perf_counter()
            for step, batch in zip(range(self.first_step + 1, self.config.train_steps + 1), self._batches()):
                self._one_step(step, batch, bar)
                if stop.asked:
                    break
        self._finish(stop.asked)

    def _one_step(self, step: int, batch: dict, bar: tqdm) -> None:
        self._start_profile(step)
        self.pending.append(self.step(batch))
        self._stop_profile(step)
        if step == self.first_step + 1:
            bar.set_description()
            bar.unpause()  # from here on: the time left is that of steps
        bar.update()
        last = step == self.config.train_steps
        if step % self.config.log_every_steps == 0 or last:
            self._log(step, bar)
        if step % self.config.sample_every_steps == 0 or last:
            self._sample(step)
        if self.evaluations.due(step):
            self._evaluate(step)
        if step % self.config.checkpoint_every_steps == 0 or last:
            self.checkpoints.save()

    def _finish(self, stopped: bool) -> None:
        step, workdir = int(self.state.step.numpy()), self.config.workdir
        plots.write_plots(read_scalars(workdir), os.path.join(workdir, "plots"))
        if stopped:
            self.checkpoints.save()
            print(f"stopped at step {step}; the same command goes on from there", file=sys.stderr)
            raise SystemExit(STOPPED)
        print(f"trained to step {step}: samples and plots are in {workdir}")

    def _log(self, step: int, bar: tqdm) -> None:
        """Writes the means of the scalars since the last time."""
        values = {tag: float(np.mean([scalars[tag] for scalars in self.pending])) for tag in self.pending[0]}
        values["steps_per_second"] = len(self.pending) / (time.perf_counter() - self.logged_at)
        values["generator/learning_rate"] = float(self.state.generator_optimizer.learning_rate.numpy())
        values["discriminator/learning_rate"] = float(self.state.discriminator_optimizer.learning_rate.numpy())
        self.summaries.scalars(step, values)
        shown = [tag for tag in ("generator/supervised", "fakes/deviation") if tag in values]
        bar.set_postfix({tag: f"{values[tag]:.3f}" for tag in shown}, refresh=False)
        self.collapse_watch.look(step, values, self.summaries)
        self.pending, self.logged_at = [], time.perf_counter()

    def _sample(self, step: int) -> None:
        """A grid of fixed held-out sketches with fixed noise, and the held-out L1."""
        started = time.perf_counter()
        self.summaries.samples(step, self.held_out.grid(self.draw))
        self.summaries.scalars(step, {"held_out_l1": self.held_out.l1(self.draw)})
        self.logged_at += time.perf_counter() - started  # the steps' own speed is reported

    def _evaluate(self, step: int) -> None:
        started = time.perf_counter()
        self.evaluations.evaluate(step, self.draw, self.summaries)
        self.logged_at += time.perf_counter() - started

    def _start_profile(self, step: int) -> None:
        if step in self.config.profile_steps[:1]:
            tf.profiler.experimental.start(os.path.join(self.config.workdir, "tensorboard"))
            self.profiling = True

    def _stop_profile(self, step: int) -> None:
        if self.profiling and step in self.config.profile_steps[1:]:  # a run may go on between the two
            tf.nest.map_structure(np.asarray, self.pending[-1])  # the step may still be running on a device
            tf.profiler.experimental.stop()

    def _batches(self):
        """This run's batches from the present step on, global ones, spread over the replicas."""
        batches = input_pipeline.training_batches(
            self.sketchy, self.config.global_batch_size, self.config.seed, self.first_step
        )
        return self.step.strategy.experimental_distribute_dataset(batches)

    def _write_flags(self, config: Config) -> None:
        with open(os.path.join(self.config.workdir, "flags.txt"), "w", encoding="utf-8") as file:
            file.write(config.to_flagfile())


class _Stop:
    """Notes SIGINT and SIGTERM, so that the step in progress can end; a second SIGINT ends at once."""

    def __enter__(self) -> _Stop:
        self.asked = False
        self._before = {number: signal.signal(number, self._note) for number in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(self, *exception) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, number, frame) -> None:
        self.asked = True
        signal.signal(signal.SIGINT, self._before[signal.SIGINT])


def _make_folder(workdir: str) -> None:
    try:
        os.makedirs(workdir, exist_ok=True)
    except OSError as error:
        raise UserError(f"--workdir={workdir}: cannot be made ({error}); give another") from error


def _parameters(network: tf.keras.Model) -> int:
    return sum(int(np.prod(variable.shape)) for variable in network.trainable_variables)
