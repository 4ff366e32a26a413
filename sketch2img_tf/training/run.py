"""The loop of a run: steps and, at intervals, scalars, samples, evaluations and checkpoints."""

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
from sketch2img_tf.evaluation.as_drawn import AsDrawn
from sketch2img_tf.evaluation.examples import in_equal_batches
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

STOPPED = 42  # exit code of a run that a signal stopped and that can be continued


class Outcome(enum.Enum):
    """What the run does after a call of the device."""

    GO_ON = "the next call, or the end"
    GO_BACK = "the last checkpoint, with other noise: steps were not finite"
    STOP = "a checkpoint and the end, because a signal asked for it"


def open_run(prepared: Prepared, folder: str) -> Run:
    """Makes the networks and restores the newest checkpoint, or the networks of `--init_from`.

    It also writes the flags of this session. Call it in the strategy's scope.

    Args:
      prepared: data and configuration.
      folder: where this worker writes. Every worker except the first has a temporary folder.
    """
    training, card, before = prepared.config.training, prepared.card, prepared.before
    config = dataclasses.replace(
        prepared.config, training=dataclasses.replace(training, workdir=folder)
    )
    state = TrainState(config, len(prepared.data.class_names))
    step = TrainStep(config, state, prepared.data.statistics)
    means = StepMeans()
    checkpoints = Checkpoints(
        training.workdir, card, state, training.checkpoints_kept, {"step_means": means}, folder
    )
    disk_space.check(folder, variables(state), checkpoints_to_come(training, before))
    checkpoints.restore()
    # A checkpoint contains the learning rates of its session; this session's flags may differ.
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
    writers = (checkpoints, summaries, evaluations)
    return Run(config, prepared.data, step, means, *writers, before is not None, is_first)


def _write_flags(config: Config, step: int, before: Before | None) -> None:
    """Writes `flags.txt`, which repeats the run, and this session's line in `sessions.jsonl`."""
    workdir = config.training.workdir
    with open(os.path.join(workdir, "flags.txt"), "w", encoding="utf-8") as file:
        file.write(config.to_flagfile())
    changed = before.changed_flags if before else ""
    session = {
        "step": step,
        "started": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "changed_flags": changed,
    }
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
    """Trains from the present step to the last one, by `go`.

    Args:
      config: the configuration, with this worker's folder as `--workdir`.
      data: the pictures.
      step: the train step, with the state that it changes.
      means: the means of the scalars since the last line of the log.
      checkpoints, summaries, evaluations: these write the run's results.
      resumed: whether an earlier session of this run made steps.
      is_first: whether this worker prints the progress.
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
        self.as_drawn = AsDrawn(data.class_names, data.statistics, data.config)
        self.collapse_watch = CollapseWatch(config, self.state.generator)
        # Samples, evaluations and exports use the averaged generator.
        draw = tf.function(self.state.averaged_generator.draw, autograph=False)
        self.draw = in_equal_batches(draw)
        self.profiling, self.traced = False, False
        self.batch: dict = {}  # of the last step, for a dump
        self._time_from_here()

    def go(self) -> None:
        """Makes all steps that are left.

        Raises:
          SystemExit: with code `STOPPED`, after a signal that asks for a stop.
        """
        with Stop() as self.stop:
            if not self.resumed:
                # Samples of the untrained networks; and a checkpoint that the run can go back to.
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
                # Usually one iteration; the next one follows only steps that were not finite.
                outcome = Outcome.GO_ON
                while self._now() < self.training.train_steps and outcome != Outcome.STOP:
                    outcome = self._steps(bar)
                    if outcome == Outcome.GO_BACK:
                        self._go_back(bar)
            # A stop during the last step has no effect: the run is finished.
            self._finish(outcome == Outcome.STOP and self._now() < self.training.train_steps)

    def _steps(self, bar: tqdm) -> Outcome:
        """Makes steps until the last one, a stop, or steps that are not finite."""
        self._time_from_here()
        per_call = self.training.steps_per_call
        # Kept alive until a stop has saved: deleting it takes seconds
        self.batches = iter(self._batches())
        # `--steps_per_call` may differ from the last session's:
        # calls need not end at its multiples.
        for step in range(self._now() + per_call, self.training.train_steps + per_call, per_call):
            outcome = self._call(min(step, self.training.train_steps), self.batches, bar)
            if outcome == Outcome.GO_BACK:
                return outcome
            # All workers stop after the same step; a worker that continues would wait forever.
            if strategy.any_worker(self.step.strategy, self.stop.asked):
                return Outcome.STOP
        return Outcome.GO_ON

    def _call(self, step: int, batches: Iterator, bar: tqdm) -> Outcome:
        """One call of the device, up to `step`, and all that is due there."""
        # A GPU or TPU computes asynchronously: `_step` returns before its steps are done. Reading a
        # value blocks until they are, so values are read rarely.
        count = step - self._now()
        self._start_profile(step - count + 1)
        self.means.add(self._step(batches, count))
        self._stop_profile(step)
        self.timed_steps += count
        if not self.traced:  # the first call, which has traced the step
            self.traced = True
            bar.set_description(refresh=False)
            bar.unpause()  # the estimate of the time left must not include the tracing
            host_memory.give_back()
        bar.update(count)
        last = step == self.training.train_steps
        # This comes first, so that nothing below writes numbers that are not finite.
        if not self._still_finite(step, count, last):
            return Outcome.GO_BACK
        # The configuration checks that `--steps_per_call` divides all intervals, so none is missed.
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
        """Whether fewer than `--max_skipped_updates` updates in a row were skipped up to `step`.

        The counter is read rarely, because reading it blocks on the device.
        """
        # It is read after the call, of `count` steps, that reaches a multiple of
        # `--max_skipped_updates`. So fewer than twice that many + `count` updates are skipped.
        most = self.training.max_skipped_updates
        look = last or step // most > (step - count) // most
        return not look or divergence.skipped_in_a_row(self.step) < most

    def _save(self, last: bool) -> Outcome:
        """Saves a checkpoint, unless values are not finite.

        While updates are being skipped it saves none, except after the last step.
        """
        if not last and divergence.skipped_in_a_row(self.step) > 0:
            return Outcome.GO_ON  # a run must not go back to the state that caused this
        return Outcome.GO_ON if self.checkpoints.save() else Outcome.GO_BACK

    def _go_back(self, bar: tqdm) -> None:
        # The dump comes first, because `restore` replaces the networks' values.
        step, retries = self._now(), int(self.state.retries.numpy()) + 1
        folder = divergence.dump(self.training, self.step, self.batch, self.means.last())
        if retries > self.training.max_retries:
            divergence.stop_after(self.training, step, folder)
        self.checkpoints.restore()
        self.state.set_learning_rates(self.config)
        # `restore` also restored an old count. A new count changes all random numbers, so that the
        # run does not repeat the same steps.
        self.state.retries.assign(retries)
        divergence.count_anew(self.step)
        # The new Summaries removes the log of the steps that will be repeated.
        self.summaries.close()
        self.summaries = Summaries(self.training.workdir, self._now())
        bar.n = self._now()
        tqdm.write(
            f"step {step} is not finite (see {folder}): back to step {self._now()} with other"
            f" noise, for the {retries}. time of --max_retries={self.training.max_retries}",
            file=sys.stderr,
        )

    def _now(self) -> int:
        return int(self.state.step.numpy())

    def _time_from_here(self) -> None:
        self.timed_steps, self.logged_at = 0, time.perf_counter()

    def _finish(self, stopped: bool) -> None:
        # Plots are written for a run that stops, too: its user looks at them next.
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
        """Writes the means of the scalars since the last log."""
        values = self.means.take()
        values["steps_per_second"] = self.timed_steps / (time.perf_counter() - self.logged_at)
        values["generator/learning_rate"] = float(
            self.state.generator_optimizer.learning_rate.numpy()
        )
        values["discriminator/learning_rate"] = float(
            self.state.discriminator_optimizer.learning_rate.numpy()
        )
        self.summaries.scalars(step, values)
        shown = [tag for tag in ("generator/supervised", "fakes/deviation") if tag in values]
        bar.set_postfix({tag: f"{values[tag]:.3f}" for tag in shown}, refresh=False)
        self.collapse_watch.look(step, values, self.summaries)
        self._time_from_here()

    def _sample(self, step: int) -> None:
        """Writes sheets of held-out sketches and of our own drawings, and the held-out L1."""
        # The sketches and the noise are always the same, so that a run's sheets can be compared.
        started = time.perf_counter()
        self.summaries.sheet(step, self.held_out.grid(self.draw), "samples")
        if self.as_drawn.names:
            self.summaries.sheet(step, self.as_drawn.sheet(self.draw), "as_drawn")
        self.summaries.scalars(step, {"held_out_l1": self.held_out.l1(self.draw)})
        self.logged_at += time.perf_counter() - started  # steps_per_second must not include this

    def _evaluate(self, step: int) -> None:
        started = time.perf_counter()
        self.evaluations.evaluate(step, self.draw, self.summaries)
        self.logged_at += time.perf_counter() - started

    def _start_profile(self, step: int) -> None:
        if step in self.training.profile_steps[:1]:
            tf.profiler.experimental.start(os.path.join(self.training.workdir, "tensorboard"))
            self.profiling = True

    def _stop_profile(self, step: int) -> None:
        # A run may start between the two
        if self.profiling and step in self.training.profile_steps[1:]:
            self.means.wait()  # the step may still be running on a device
            tf.profiler.experimental.stop()
            self.profiling = False

    def _batches(self):
        """The batches of each replica, from the present step on."""
        # Seed and step determine the order of the examples: a run
        # continues exactly where it stopped.
        now = self._now()

        def of_worker(context: tf.distribute.InputContext) -> tf.data.Dataset:
            size = context.get_per_replica_batch_size(self.training.pictures_per_step)
            return input_pipeline.training_batches(
                self.data, size, self.training.seed, now, context
            )

        return self.step.strategy.distribute_datasets_from_function(of_worker)
