"""The training loop: devices, batches, steps; and, at their intervals, scalars, samples and checkpoints."""

from __future__ import annotations

import json
import os
import sys
import time

import numpy as np
import tensorflow as tf
from tqdm import tqdm

from datasets.sketchy import build
from sketch2img_tf import device_memory, disk_space, divergence, plots
from sketch2img_tf.card import Card
from sketch2img_tf.checkpoints import Before, Checkpoints, check_continues, start_from, variables
from sketch2img_tf.config import Config, TrainingConfig
from sketch2img_tf.data import input_pipeline
from sketch2img_tf.errors import UserError
from sketch2img_tf.evaluation.held_out import HeldOut
from sketch2img_tf.networks import perceptual
from sketch2img_tf.run_lock import RunLock
from sketch2img_tf.step_means import StepMeans
from sketch2img_tf.stopping import Stop
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
    sketchy = open_data(config)
    if config.training.workdir:
        check_continues(config.training.workdir, Card.of_run(config, sketchy))
    state = TrainState(config, len(sketchy.class_names))
    return config.to_flagfile() + "\n".join(
        [
            "",
            f"classes: {len(sketchy.class_names)} ({', '.join(sketchy.class_names)})",
            f"examples: {sketchy.examples['train']} to train on, {sketchy.examples['test']} held out",
            f"steps an epoch: {sketchy.examples['train'] / config.training.global_batch_size:.1f}",
            f"generator parameters: {_parameters(state.generator):,}",
            f"discriminator parameters: {_parameters(state.discriminator):,}",
        ]
    )


def train(config: Config) -> None:
    """Trains from the newest checkpoint in `--workdir`, or from the start, until step `--train_steps`.

    Raises:
      UserError: the data, the weights or the folder do not serve, the disk or the device is full, or the training
        diverges.
      SystemExit: with code `STOPPED`, on SIGINT or SIGTERM, after a checkpoint of the last whole step.
    """
    if not config.training.workdir:
        raise UserError("--workdir=DIR is missing: the folder for checkpoints, summaries and samples")
    perceptual.check_weights(config.losses)
    with RunLock(config.training.workdir), disk_space.writing(config.training.workdir):
        sketchy = open_data(config)
        card = Card.of_run(config, sketchy)
        before = check_continues(config.training.workdir, card)
        if before and before.step >= config.training.train_steps:
            _say_finished(config.training, before)
            return
        if config.training.deterministic:
            tf.config.experimental.enable_op_determinism()
        with make_strategy(config.training.strategy).scope(), device_memory.enough(config):
            run = _Run(config, sketchy, card, before)
        with device_memory.enough(config):
            run.go()


def _say_finished(training: TrainingConfig, before: Before) -> None:
    plots.write_plots(read_scalars(training.workdir), os.path.join(training.workdir, "plots"))
    print(
        f"{training.workdir} is trained to step {before.step}, and --train_steps={training.train_steps}: nothing to do"
    )


class _Run:
    """A run in progress. Made inside the strategy's scope."""

    def __init__(self, config: Config, sketchy: input_pipeline.Sketchy, card: Card, before: Before | None):
        self.whole_config, self.config = config, config.training
        self.sketchy = sketchy
        self.state = TrainState(config, len(sketchy.class_names))
        self.step = TrainStep(config, self.state, sketchy.statistics)
        self.means = StepMeans()
        self.checkpoints = Checkpoints(
            self.config.workdir, card, self.state, self.config.checkpoints_kept, {"step_means": self.means}
        )
        self.resumed = before is not None
        disk_space.check(self.config.workdir, variables(self.state), 1 if self.resumed else self._checkpoints_at_most())
        self._restore()
        if not self.resumed and self.config.init_from:
            start_from(self.config.init_from, card, self.state)
        self.summaries = Summaries(self.config.workdir, self._now() if self.resumed else -1)
        self._write_flags(config, before)
        self.held_out = HeldOut(sketchy)
        self.draw = tf.function(self.state.averaged_generator.draw)
        self.profiling = False
        self._time_from_here()

    def go(self) -> None:
        """All steps that are left."""
        with Stop() as stop:
            if not self.resumed:
                self._sample(0)
                self.checkpoints.save()
            with tqdm(total=self.config.train_steps, initial=self._now(), unit="step", dynamic_ncols=True) as bar:
                bar.set_description("preparing the first step")  # TensorFlow traces it: half a minute on a CPU
                while self._now() < self.config.train_steps and not stop.asked:
                    self._steps(stop, bar)
            self._finish(stop.asked and self._now() < self.config.train_steps)

    def _steps(self, stop: Stop, bar: tqdm) -> None:
        """Until the end, or until it has to stop or to go back."""
        self._time_from_here()
        for step, batch in zip(range(self._now() + 1, self.config.train_steps + 1), self._batches()):
            good = self._one_step(step, batch, bar)
            if not good:
                self._go_back(batch, bar)
            if stop.asked or not good:
                return

    def _one_step(self, step: int, batch: dict, bar: tqdm) -> bool:
        """False if the run has to go back."""
        self._start_profile(step)
        self.means.add(self.step(batch))
        self._stop_profile(step)
        self.timed_steps += 1
        if bar.desc:
            bar.set_description()
            bar.unpause()  # from here on: the time left is that of steps
        bar.update()
        last = step == self.config.train_steps
        if not self._still_finite(step, last):
            return False
        if step % self.config.log_every_steps == 0 or last:
            self._log(step, bar)
        if step % self.config.sample_every_steps == 0 or last:
            self._sample(step)
        if step % self.config.checkpoint_every_steps == 0 or last:
            return self._save(last)
        return True

    def _still_finite(self, step: int, last: bool) -> bool:
        """Looked at once in a while: whoever looks waits for the device."""
        most = self.config.max_skipped_updates
        return bool(step % most and not last) or divergence.skipped_in_a_row(self.step) < most

    def _save(self, last: bool) -> bool:
        """A checkpoint, but none amid updates that are left out: what led there is not to be gone back to."""
        return (not last and divergence.skipped_in_a_row(self.step) > 0) or self.checkpoints.save()

    def _go_back(self, batch: dict, bar: tqdm) -> None:
        step, retries = self._now(), int(self.state.retries.numpy()) + 1
        folder = divergence.dump(self.config, self.step, batch, self.means.last())
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

    def _checkpoints_at_most(self) -> int:
        """One more than are kept is there while it is written."""
        return self.config.checkpoints_kept + 1

    def _time_from_here(self) -> None:
        self.timed_steps, self.logged_at = 0, time.perf_counter()

    def _finish(self, stopped: bool) -> None:
        step, workdir = self._now(), self.config.workdir
        plots.write_plots(read_scalars(workdir), os.path.join(workdir, "plots"))
        if stopped:
            saved = self.checkpoints.save()
            place = "there" if saved else "the last checkpoint"
            print(f"stopped at step {step}; the same command goes on from {place}", file=sys.stderr)
            raise SystemExit(STOPPED)
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
        self._time_from_here()

    def _sample(self, step: int) -> None:
        """A grid of fixed held-out sketches with fixed noise, and the held-out L1."""
        started = time.perf_counter()
        self.summaries.samples(step, self.held_out.grid(self.draw))
        self.summaries.scalars(step, {"held_out_l1": self.held_out.l1(self.draw)})
        self.logged_at += time.perf_counter() - started  # the steps' own speed is reported

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
        """This run's batches from the present step on, global ones, spread over the replicas."""
        batches = input_pipeline.training_batches(
            self.sketchy, self.config.global_batch_size, self.config.seed, self._now()
        )
        return self.step.strategy.experimental_distribute_dataset(batches)

    def _write_flags(self, config: Config, before: Before | None) -> None:
        """`flags.txt`, which gives the run again, and a line on this session in `sessions.jsonl`."""
        with open(os.path.join(self.config.workdir, "flags.txt"), "w", encoding="utf-8") as file:
            file.write(config.to_flagfile())
        changed = before.changed_flags if before else ""
        session = {"step": self._now(), "started": time.strftime("%Y-%m-%dT%H:%M:%S%z"), "changed_flags": changed}
        with open(os.path.join(self.config.workdir, "sessions.jsonl"), "a", encoding="utf-8") as file:
            file.write(json.dumps(session) + "\n")
        if before:
            print(f"going on from step {self._now()} of {self.config.workdir}")
        if changed:
            print(f"changed since: {changed}")


def _parameters(network: tf.keras.Model) -> int:
    return sum(int(np.prod(variable.shape)) for variable in network.trainable_variables)
