"""A run in progress: steps; and, at their intervals, scalars, samples, evaluations and checkpoints."""

from __future__ import annotations

import dataclasses
import enum
import json
import os
import sys
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import tensorflow as tf
from tqdm import tqdm

from sketch2img_tf.data import input_pipeline
from sketch2img_tf.devices import host_memory, precision, strategy
from sketch2img_tf.evaluation.held_out import HeldOut
from sketch2img_tf.run_folder import disk_space, plots
from sketch2img_tf.run_folder.checkpoints import Before, Checkpoints, start_from, variables
from sketch2img_tf.run_folder.summaries import Summaries, read_scalars
from sketch2img_tf.surroundings import progress
from sketch2img_tf.training import divergence
from sketch2img_tf.training.collapse_watch import CollapseWatch
from sketch2img_tf.training.evaluations import Evaluations
from sketch2img_tf.training.preparation import Prepared, checkpoints_to_come
from sketch2img_tf.training.scalar_means import StepMeans
from sketch2img_tf.training.signals import Stop
from sketch2img_tf.training.train_state import TrainState
from sketch2img_tf.training.train_step import TrainStep

if TYPE_CHECKING:
    from sketch2img_tf.config import Config

STOPPED = 42  # exit code of a run that was told to stop and can go on


class Outcome(enum.Enum):
    """What follows a call of the device."""

    GO_ON = "the next call, or the end"
    GO_BACK = "the last checkpoint, with other noise: steps were not finite"
    STOP = "a checkpoint and the end, because a signal asked for it"


def open_run(prepared: Prepared, folder: str) -> Run:
    """Makes the networks and gives them the values of the newest checkpoint, or of `--init_from`.

    Also writes the flags of this session. To be called in the strategy's scope.

    Args:
      prepared: data and configuration.
      folder: where this worker writes. All workers but the first have one that is deleted afterwards.
    """
    training, card, before = prepared.config.training, prepared.card, prepared.before
    config = dataclasses.replace(prepared.config, training=dataclasses.replace(training, workdir=folder))
    state = TrainState(config, len(prepared.data.class_names))
    step = TrainStep(config, state, prepared.data.statistics)
    means = StepMeans()
    checkpoints = Checkpoints(training.workdir, card, state, training.checkpoints_kept, {"step_means": means}, folder)
    disk_space.check(folder, variables(state), checkpoints_to_come(training, before))
    checkpoints.restore()
    # A checkpoint brings the learning rates of its session; this session may have been given others.
    state.set_learning_rates(config)
    now = int(state.step.numpy())
    strategy.check_agreement(step.strategy, now)
    # A run that goes on has its own weights already: `--init_from` is for its first session.
    if before is None and training.init_from:
        start_from(training.init_from, card, state)
    is_first = folder == training.workdir
    _write_flags(config, now, before)
    if is_first:
        _say_start(config, now, before)
    evaluations = Evaluations(config, card, prepared.data, state)
    summaries = Summaries(folder, now if before else -1)
    return Run(config, prepared.data, step, means, checkpoints, summaries, evaluations, before is not None, is_first)


def _write_flags(config: Config, step: int, before: Before | None) -> None:
    """`flags.txt`, which gives the run again, and a line on this session in `sessions.jsonl`."""
    workdir = config.training.workdir
    with open(os.path.join(workdir, "flags.txt"), "w", encoding="utf-8") as file:
        file.write(config.to_flagfile())
    changed = before.changed_flags if before else ""
    session = {"step": step, "started": time.strftime("%Y-%m-%dT%H:%M:%S%z"), "changed_flags": changed}
    with open(os.path.join(workdir, "sessions.jsonl"), "a", encoding="utf-8") as file:
        file.write(json.dumps(session) + "\n")


def _say_start(config: Config, step: int, before: Before | None) -> None:
    if before:
        print(f"going on from step {step} of {config.training.workdir}")
    if before and before.changed_flags:
        print(f"changed since: {before.changed_flags}")
    if config.training.precision == "auto":
        print(f"--precision=auto: {precision.resolve('auto')}")


class Run:
    """From the present step to the last one, by `go`.

    Args:
      config: `--workdir` is this worker's folder.
      data: the pictures.
      step: one step, with the state that it changes.
      means: of the scalars since the last line of the log.
      checkpoints, summaries, evaluations: what it writes.
      resumed: whether there were steps before this session.
      is_first: whether this worker is the one that reports.
    """

    def __init__(
        self,
        config: Config,
        data: input_pipeline.PairedDataset,
        step: TrainStep,
        means: StepMeans,
        checkpoints: Checkpoints,
        summaries: Summaries,
        evaluations: Evaluations,
        resumed: bool,
        is_first: bool,
    ):
        self.config, self.training = config, config.training
        self.data = data
        self.step, self.state = step, step.state
        self.means = means
        self.checkpoints, self.summaries, self.evaluations = checkpoints, summaries, evaluations
        self.resumed, self.is_first = resumed, is_first
        self.held_out = HeldOut(data)
        self.collapse_watch = CollapseWatch(config, self.state.generator)
        # The averaged generator draws samples and evaluations, and is what an export has.
        self.draw = tf.function(self.state.averaged_generator.draw, autograph=False)
        self.profiling = False
        self.batch: dict = {}  # of the last step, for a dump
        self._time_from_here()

    def go(self) -> None:
        """All steps that are left.

        Raises:
          SystemExit: with code `STOPPED`, after it was told to stop.
        """
        with Stop() as self.stop:
            if not self.resumed:
                # A sheet of what the untrained networks draw; and a checkpoint, so that there is one to go back to.
                self._sample(0)
                self.checkpoints.save()
            preparing = "preparing the first step"  # TensorFlow traces it: half a minute on a CPU
            with progress.bar(
                total=self.training.train_steps,
                initial=self._now(),
                desc=preparing,
                unit="step",
                disable=not self.is_first,
            ) as bar:
                # Usually once round: a run comes back here only after steps that were not finite.
                outcome = Outcome.GO_ON
                while self._now() < self.training.train_steps and outcome != Outcome.STOP:
                    outcome = self._steps(bar)
                    if outcome == Outcome.GO_BACK:
                        self._go_back(bar)
            # Who asks for a stop during the last step finds the run finished.
            self._finish(outcome == Outcome.STOP and self._now() < self.training.train_steps)

    def _steps(self, bar: tqdm) -> Outcome:
        """To the last step, or to the first call after which something else is to be done."""
        self._time_from_here()
        per_call = self.training.steps_per_call
        self.batches = iter(self._batches())  # not let go before a stop has saved: that takes seconds
        # `--steps_per_call` may have changed since the last session, so that the first call need not end at a multiple.
        for step in range(self._now() + per_call, self.training.train_steps + per_call, per_call):
            outcome = self._call(min(step, self.training.train_steps), self.batches, bar)
            if outcome == Outcome.GO_BACK:
                return outcome
            # All workers stop after the same step, else those that go on would wait for the others forever.
            if strategy.any_worker(self.step.strategy, self.stop.asked):
                return Outcome.STOP
        return Outcome.GO_ON

    def _call(self, step: int, batches: Iterator, bar: tqdm) -> Outcome:
        """One call of the device, from the present step to `step`, and what is due after it."""
        # On a device that computes while this goes on, `_step` returns before its steps are done, and so their values
        # are read rarely: whatever reads one waits.
        count = step - self._now()
        self._start_profile(step - count + 1)
        self.means.add(self._step(batches, count))
        self._stop_profile(step)
        self.timed_steps += count
        if bar.desc:  # the first call, which has traced the step
            bar.set_description(refresh=False)
            bar.unpause()  # from here on: the time left is that of steps
            host_memory.give_back()
        bar.update(count)
        last = step == self.training.train_steps
        # First of all, so that nothing below writes numbers that are not finite.
        if not self._still_finite(step, count, last):
            return Outcome.GO_BACK
        # `--steps_per_call` divides all intervals, which the configuration checks: none of these is jumped over.
        if step % self.training.log_every_steps == 0 or last:
            self._log(step, bar)
        if step % self.training.sample_every_steps == 0 or last:
            self._sample(step)
        if self.evaluations.due(step):
            self._evaluate(step)
        if step % self.training.checkpoint_every_steps == 0 or last:
            return self._save(last)
        return Outcome.GO_ON

    def _step(self, batches: Iterator, count: int) -> dict[str, tf.Tensor]:
        if count > 1:
            scalars, self.batch = self.step.several(batches, count)
            return scalars
        self.batch = next(batches)
        return self.step(self.batch)

    def _still_finite(self, step: int, count: int, last: bool) -> bool:
        """After `count` steps. Checked rarely, because reading the counter waits for the device."""
        # At every multiple of `--max_skipped_updates`, so that a row of that length is found before there are two.
        most = self.training.max_skipped_updates
        look = last or step // most > (step - count) // most
        return not look or divergence.skipped_in_a_row(self.step) < most

    def _save(self, last: bool) -> Outcome:
        """A checkpoint; but none of values that are not finite, nor while updates are left out, except the last."""
        if not last and divergence.skipped_in_a_row(self.step) > 0:
            return Outcome.GO_ON  # what led there is not to be gone back to
        return Outcome.GO_ON if self.checkpoints.save() else Outcome.GO_BACK

    def _go_back(self, bar: tqdm) -> None:
        # The dump comes first: it shows the networks as the bad steps left them.
        step, retries = self._now(), int(self.state.retries.numpy()) + 1
        folder = divergence.dump(self.training, self.step, self.batch, self.means.last())
        if retries > self.training.max_retries:
            divergence.stop_after(self.training, step, folder)
        self.checkpoints.restore()
        self.state.set_learning_rates(self.config)
        # The checkpoint brought its own count back. With another count all random numbers are others, so that the run
        # does not meet the same steps again.
        self.state.retries.assign(retries)
        divergence.count_anew(self.step)
        # The log of the steps that are taken again is taken out.
        self.summaries.close()
        self.summaries = Summaries(self.training.workdir, self._now())
        bar.n = self._now()
        tqdm.write(
            f"step {step} is not finite (see {folder}): back to step {self._now()} with other noise, for the"
            f" {retries}. time of --max_retries={self.training.max_retries}",
            file=sys.stderr,
        )

    def _now(self) -> int:
        return int(self.state.step.numpy())

    def _time_from_here(self) -> None:
        self.timed_steps, self.logged_at = 0, time.perf_counter()

    def _finish(self, stopped: bool) -> None:
        # Even of a run that stops: the plots are what its owner looks at next.
        step, workdir = self._now(), self.training.workdir
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
        # The same sketches with the same noise each time, so that the sheets of a run can be laid side by side.
        started = time.perf_counter()
        self.summaries.samples(step, self.held_out.grid(self.draw))
        self.summaries.scalars(step, {"held_out_l1": self.held_out.l1(self.draw)})
        self.logged_at += time.perf_counter() - started  # the steps' own speed is reported

    def _evaluate(self, step: int) -> None:
        started = time.perf_counter()
        self.evaluations.evaluate(step, self.draw, self.summaries)
        self.logged_at += time.perf_counter() - started

    def _start_profile(self, step: int) -> None:
        if step in self.training.profile_steps[:1]:
            tf.profiler.experimental.start(os.path.join(self.training.workdir, "tensorboard"))
            self.profiling = True

    def _stop_profile(self, step: int) -> None:
        if self.profiling and step in self.training.profile_steps[1:]:  # a run may go on between the two
            self.means.wait()  # the step may still be running on a device
            tf.profiler.experimental.stop()
            self.profiling = False

    def _batches(self):
        """This run's batches from the present step on, those of each replica."""
        # The order of the examples is a function of seed and step: a run that goes on reads on where it stopped.
        now = self._now()

        def of_worker(context: tf.distribute.InputContext) -> tf.data.Dataset:
            size = context.get_per_replica_batch_size(self.training.pictures_per_step)
            return input_pipeline.training_batches(self.data, size, self.training.seed, now, context)

        return self.step.strategy.distribute_datasets_from_function(of_worker)
