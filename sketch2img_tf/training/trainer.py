"""The training loop: devices, batches, steps; and, at their intervals, scalars, samples and checkpoints."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator

import numpy as np
import tensorflow as tf
from tqdm import tqdm

from sketch2img_tf.config import Config, TrainingConfig
from sketch2img_tf.data import input_pipeline, sources, tfrecord_integrity
from sketch2img_tf.devices import host_memory, memory_errors, precision, quiet, strategy
from sketch2img_tf.errors import UserError
from sketch2img_tf.evaluation.held_out import HeldOut
from sketch2img_tf.networks import critic, perceptual
from sketch2img_tf.run_folder import disk_space, plots
from sketch2img_tf.run_folder.checkpoints import (
    Before,
    Checkpoints,
    check_continues,
    check_start,
    start_from,
    variables,
)
from sketch2img_tf.run_folder.lock import RunLock, check_writable
from sketch2img_tf.run_folder.run_card import Card
from sketch2img_tf.run_folder.summaries import Summaries, read_scalars
from sketch2img_tf.surroundings import progress
from sketch2img_tf.training import divergence, evaluations
from sketch2img_tf.training.collapse_watch import CollapseWatch
from sketch2img_tf.training.scalar_means import StepMeans
from sketch2img_tf.training.signals import Stop
from sketch2img_tf.training.train_step import TrainState, TrainStep

STOPPED = 42  # exit code of a run that was told to stop and can go on


def open_data(config: Config) -> input_pipeline.Sketchy:
    """The pictures that the configuration chooses; builds the TFRecords if they are missing."""
    losses = config.losses
    if losses.dragan_weight and not (losses.gan_weight or losses.classification_weight):
        print("only the DRAGAN penalty trains the discriminator: --dragan_weight=0 saves its time", file=sys.stderr)
    if config.training.strategy == "multi_worker":
        sources.check_built(config.data)
    sketchy = sources.open_data(config.data)
    if sketchy.examples["train"] < config.training.global_batch_size:
        raise UserError(
            f"--global_batch_size={config.training.global_batch_size} is more than the {sketchy.examples['train']}"
            f" training examples of {len(sketchy.class_names)} classes"
        )
    _check_classes(sketchy, config)
    return sketchy


def _check_classes(sketchy: input_pipeline.Sketchy, config: Config) -> None:
    if len(sketchy.class_names) == 1 and config.losses.classification_weight:
        raise UserError(
            f"the data is 1 class, {sketchy.class_names[0]}, of which a classifier learns nothing: choose more classes,"
            " or give --classification_weight=0"
        )
    empty = [name for name in sketchy.class_names if not sketchy.examples_of_class[name]]
    if empty:
        raise UserError(
            f"{len(empty)} of {len(sketchy.class_names)} classes have no training example left, {empty[0]} first, with"
            f" --drop_sketches={','.join(config.data.drop_sketches)}: drop fewer, or choose other --classes"
        )


def describe(config: Config) -> str:
    """What `--dry_run` prints: the resolved flags, the classes, parameter counts, and how long the run is.

    Raises:
      UserError: what a run would end with before its first step.
    """
    _check_flags(config)
    folder = check_writable(config.training.workdir) if config.training.workdir else None
    sketchy = open_data(config)
    config = config.in_steps(sketchy.examples["train"])
    training = config.training
    steps_an_epoch = sketchy.examples["train"] / training.pictures_per_step
    before = _before(training, Card.of_run(config, sketchy))
    state = TrainState(config, len(sketchy.class_names))
    TrainStep(config, state, sketchy.statistics)  # opens the networks of the perceptual loss and the critic
    if folder:
        disk_space.check(folder, variables(state), _checkpoints_to_come(training, before), training.workdir)
    return config.to_flagfile() + "\n".join(
        [
            "",
            f"classes: {len(sketchy.class_names)} ({', '.join(sketchy.class_names)})",
            f"examples: {sketchy.examples['train']} to train on, {sketchy.examples['test']} held out"
            + (f", {sketchy.examples['validation']} for validation" if "validation" in sketchy.examples else ""),
            *([f"edge maps to mix in: {sketchy.edge_maps.examples['train']}"] if sketchy.edge_maps else []),
            f"steps an epoch: {steps_an_epoch:.1f}",
            f"the whole run: {training.train_steps} steps, {training.train_steps / steps_an_epoch:.1f} epochs",
            f"generator parameters: {_parameters(state.generator):,}",
            f"discriminator parameters: {_parameters(state.discriminator):,}",
            *([f"critic parameters: {_parameters(state.critic):,}"] if state.critic else []),
        ]
    )


def train(config: Config) -> None:
    """Trains from the newest checkpoint in `--workdir`, or from the start, to the last step of the run.

    Raises:
      UserError: the data, the weights or the folder do not serve, the disk or the device is full, or the training
        diverges.
      SystemExit: with code `STOPPED`, on SIGINT or SIGTERM, after a checkpoint of the last whole step.
    """
    if not config.training.workdir:
        raise UserError("--workdir=DIR is missing: the folder for checkpoints, summaries and samples")
    _check_flags(config)
    with _folder(config.training) as folder, disk_space.writing(folder):
        sketchy = open_data(config)
        config = config.in_steps(sketchy.examples["train"])
        card = Card.of_run(config, sketchy)
        before = _before(config.training, card)
        if before and before.step >= config.training.train_steps:
            _say_finished(config.training, before)
            return
        if config.training.deterministic:
            tf.config.experimental.enable_op_determinism()
        damage = tfrecord_integrity.naming_damage(sketchy.directory)
        with memory_errors.enough(config), strategy.all_workers_there(), damage:
            devices = strategy.make_strategy(config.training.strategy, config.training.tpu)
            check_batch(config.training.global_batch_size, devices.num_replicas_in_sync)
            quiet.first_compilation()
            with devices.scope():
                run = _Run(config, sketchy, card, before, folder)
            run.go()


def _check_flags(config: Config) -> None:
    """What is wrong with flags, weights and environment, as far as it can be known before the data are read."""
    training = config.training
    strategy.check(training.strategy)
    check_batch(training.global_batch_size, strategy.expected_replicas(training.strategy))
    perceptual.check_weights(config.losses)
    critic.check_weights(config.losses)
    evaluations.check(config)


def _before(training: TrainingConfig, card: Card) -> Before | None:
    """The run that goes on, if there is one, or else a look at the one whose networks a new run starts with."""
    before = check_continues(training.workdir, card) if training.workdir else None
    if before is None and training.init_from:
        check_start(training.init_from, card)
    return before


def _checkpoints_to_come(training: TrainingConfig, before: Before | None) -> int:
    """For how many there has to be room: one more than are kept is there while it is written."""
    return 1 if before else training.checkpoints_kept + 1


@contextlib.contextmanager
def _folder(training: TrainingConfig) -> Iterator[str]:
    """Where this worker writes: the run's folder, or, of all but the first, one that is deleted.

    Every worker has to take part in saving, since the values of all are gathered for it.
    """
    if strategy.is_first(training.strategy):
        with RunLock(training.workdir):
            yield training.workdir
    else:
        with tempfile.TemporaryDirectory() as folder:
            yield folder


def check_batch(global_batch_size: int, replicas: int) -> None:
    """Raises a UserError if the replicas cannot share the batch."""
    if global_batch_size % replicas:
        raise UserError(
            f"--global_batch_size={global_batch_size} cannot be shared equally by {replicas} replicas; give"
            f" {replicas * max(1, global_batch_size // replicas)}"
        )


def _say_finished(training: TrainingConfig, before: Before) -> None:
    plots.write_plots(read_scalars(training.workdir), os.path.join(training.workdir, "plots"))
    print(
        f"{training.workdir} is trained to step {before.step}, and --train_steps={training.train_steps}: nothing to do"
    )


class _Run:
    """A run in progress. Made inside the strategy's scope."""

    def __init__(
        self, config: Config, sketchy: input_pipeline.Sketchy, card: Card, before: Before | None, folder: str
    ):
        self.whole_config, self.config = config, dataclasses.replace(config.training, workdir=folder)
        self.is_first = folder == config.training.workdir
        self.sketchy = sketchy
        self.state = TrainState(config, len(sketchy.class_names))
        self.step = TrainStep(config, self.state, sketchy.statistics)
        self.means = StepMeans()
        self.checkpoints = Checkpoints(
            config.training.workdir, card, self.state, self.config.checkpoints_kept, {"step_means": self.means}, folder
        )
        self.resumed = before is not None
        disk_space.check(self.config.workdir, variables(self.state), _checkpoints_to_come(self.config, before))
        self._restore()
        strategy.check_agreement(self.step.strategy, self._now())
        if not self.resumed and self.config.init_from:
            start_from(self.config.init_from, card, self.state)
        self.summaries = Summaries(self.config.workdir, self._now() if self.resumed else -1)
        self._write_flags(config, before)
        self.held_out = HeldOut(sketchy)
        here = dataclasses.replace(config, training=self.config)
        self.evaluations = evaluations.Evaluations(here, card, sketchy, self.state)
        self.collapse_watch = CollapseWatch(here, self.state.generator)
        self.draw = tf.function(self.state.averaged_generator.draw, autograph=False)
        self.profiling = False
        self.batch: dict = {}
        self._time_from_here()
        if self.is_first and self.config.precision == "auto":
            print(f"--precision=auto: {precision.resolve('auto')}")

    def go(self) -> None:
        """All steps that are left."""
        with Stop() as self.stop:
            if not self.resumed:
                self._sample(0)
                self.checkpoints.save()
            steps = self.config.train_steps
            preparing = "preparing the first step"  # TensorFlow traces it: half a minute on a CPU
            with progress.bar(
                total=steps, initial=self._now(), desc=preparing, unit="step", disable=not self.is_first
            ) as bar:
                stopped = False
                while self._now() < steps and not stopped:
                    stopped = self._steps(bar)
            self._finish(stopped and self._now() < steps)

    def _steps(self, bar: tqdm) -> bool:
        """Until the end, or until it has to go back or, which it returns, to stop."""
        self._time_from_here()
        per_call = self.config.steps_per_call
        self.batches = iter(self._batches())  # not let go before a stop has saved: that takes seconds
        # A run that was stopped by an interval that has changed since may end between two calls.
        for step in range(self._now() + per_call, self.config.train_steps + per_call, per_call):
            if not self._call(min(step, self.config.train_steps), self.batches, bar):
                self._go_back(bar)
                return False
            if strategy.any_worker(self.step.strategy, self.stop.asked):
                return True
        return False

    def _call(self, step: int, batches: Iterator, bar: tqdm) -> bool:
        """One call of the device, up to `step`; False if the run has to go back."""
        count = step - self._now()
        self._start_profile(step - count + 1)
        self.means.add(self._step(batches, count))
        self._stop_profile(step)
        self.timed_steps += count
        if bar.desc:
            bar.set_description(refresh=False)
            bar.unpause()  # from here on: the time left is that of steps
            host_memory.give_back()
        bar.update(count)
        last = step == self.config.train_steps
        if not self._still_finite(step, count, last):
            return False
        if step % self.config.log_every_steps == 0 or last:
            self._log(step, bar)
        if step % self.config.sample_every_steps == 0 or last:
            self._sample(step)
        if self.evaluations.due(step):
            self._evaluate(step)
        if step % self.config.checkpoint_every_steps == 0 or last:
            return self._save(last)
        return True

    def _step(self, batches: Iterator, count: int) -> dict[str, tf.Tensor]:
        if count > 1:
            scalars, self.batch = self.step.several(batches, count)
            return scalars
        self.batch = next(batches)
        return self.step(self.batch)

    def _still_finite(self, step: int, count: int, last: bool) -> bool:
        """After `count` steps; looked at rarely, since reading the counter waits for the device."""
        most = self.config.max_skipped_updates
        look = last or step // most > (step - count) // most
        return not look or divergence.skipped_in_a_row(self.step) < most

    def _save(self, last: bool) -> bool:
        """A checkpoint, but none amid updates that are left out: what led there is not to be gone back to."""
        return (not last and divergence.skipped_in_a_row(self.step) > 0) or self.checkpoints.save()

    def _go_back(self, bar: tqdm) -> None:
        step, retries = self._now(), int(self.state.retries.numpy()) + 1
        folder = divergence.dump(self.config, self.step, self.batch, self.means.last())
        if retries > self.config.max_retries:
            divergence.stop_after(self.config, step, folder)
        self._restore()
        self.state.retries.assign(retries)
        divergence.count_anew(self.step)
        self.summaries.close()
        self.summaries = Summaries(self.config.workdir, self._now())
        bar.n = self._now()
        tqdm.write(
            f"step {step} is not finite (see {folder}): back to step {self._now()} with other noise, for the"
            f" {retries}. time of --max_retries={self.config.max_retries}",
            file=sys.stderr,
        )

    def _restore(self) -> None:
        self.checkpoints.restore()
        self.state.set_learning_rates(self.whole_config)

    def _now(self) -> int:
        return int(self.state.step.numpy())

    def _time_from_here(self) -> None:
        self.timed_steps, self.logged_at = 0, time.perf_counter()

    def _finish(self, stopped: bool) -> None:
        step, workdir = self._now(), self.config.workdir
        saved = stopped and self.checkpoints.save()  # before anything that may take time, or fail
        plots.write_plots(read_scalars(workdir), os.path.join(workdir, "plots"))
        if stopped:
            strategy.any_worker(self.step.strategy, False)  # waits until all have saved
            place = "there" if saved else "the last checkpoint"
            print(f"stopped at step {step}; the same command goes on from {place}", file=sys.stderr)
            raise SystemExit(STOPPED)
        if self.is_first:
            print(f"trained to step {step}: samples and plots are in {workdir}")

    def _log(self, step: int, bar: tqdm) -> None:
        """Writes the means of the scalars since the last time."""
        values = self.means.take()
        values["steps_per_second"] = self.timed_steps / (time.perf_counter() - self.logged_at)
        values["generator/learning_rate"] = float(self.state.generator_optimizer.learning_rate.numpy())
        values["discriminator/learning_rate"] = float(self.state.discriminator_optimizer.learning_rate.numpy())
        self.summaries.scalars(step, values)
        shown = [tag for tag in ("generator/supervised", "fakes/deviation") if tag in values]
        bar.set_postfix({tag: f"{values[tag]:.3f}" for tag in shown}, refresh=False)
        self.collapse_watch.look(step, values, self.summaries)
        self._time_from_here()

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
            self.means.wait()  # the step may still be running on a device
            tf.profiler.experimental.stop()
            self.profiling = False

    def _batches(self):
        """This run's batches from the present step on, those of each replica."""
        now = self._now()

        def of_worker(context: tf.distribute.InputContext) -> tf.data.Dataset:
            size = context.get_per_replica_batch_size(self.config.pictures_per_step)
            return input_pipeline.training_batches(self.sketchy, size, self.config.seed, now, context)

        return self.step.strategy.distribute_datasets_from_function(of_worker)

    def _write_flags(self, config: Config, before: Before | None) -> None:
        """`flags.txt`, which gives the run again, and a line on this session in `sessions.jsonl`."""
        with open(os.path.join(self.config.workdir, "flags.txt"), "w", encoding="utf-8") as file:
            file.write(config.to_flagfile())
        changed = before.changed_flags if before else ""
        session = {"step": self._now(), "started": time.strftime("%Y-%m-%dT%H:%M:%S%z"), "changed_flags": changed}
        with open(os.path.join(self.config.workdir, "sessions.jsonl"), "a", encoding="utf-8") as file:
            file.write(json.dumps(session) + "\n")
        if self.is_first and before:
            print(f"going on from step {self._now()} of {self.config.workdir}")
        if self.is_first and changed:
            print(f"changed since: {changed}")


def _parameters(network: tf.keras.Model) -> int:
    return sum(int(np.prod(variable.shape)) for variable in network.trainable_variables)
