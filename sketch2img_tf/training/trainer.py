"""A whole training, from the flags to the last step."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from typing import TYPE_CHECKING

import tensorflow as tf

from sketch2img_tf.data import sources, tfrecord_integrity
from sketch2img_tf.devices import memory_errors, quiet, strategy
from sketch2img_tf.errors import UserError
from sketch2img_tf.run_folder import disk_space, plots
from sketch2img_tf.run_folder.lock import RunLock
from sketch2img_tf.run_folder.summaries import read_scalars
from sketch2img_tf.training import preparation
from sketch2img_tf.training.run import open_run

if TYPE_CHECKING:
    from sketch2img_tf.config import Config, TrainingConfig
    from sketch2img_tf.run_folder.checkpoints import Before


def train(config: Config) -> None:
    """Trains to the last step, from the newest checkpoint in `--workdir` or from step 0.

    Raises:
      UserError: the data, the weights or the folder cannot be used, the disk or the device's memory
        is full, or the training diverges.
      SystemExit: with code `run.STOPPED`, on SIGINT or SIGTERM, after a checkpoint of the last
        whole step.
    """
    if not config.training.workdir:
        raise UserError(
            "--workdir=DIR is missing: the folder for checkpoints, summaries and samples"
        )
    preparation.check_flags(config)
    with _folder(config.training) as folder, disk_space.writing(folder):
        prepared = preparation.prepare(config)
        training, before = prepared.config.training, prepared.before
        if before and before.step >= training.train_steps:
            _say_finished(training, before)
            return
        print("".join(f"{line}\n" for line in sources.describe(prepared.data)), end="", flush=True)
        if training.deterministic:
            tf.config.experimental.enable_op_determinism()
        damage = tfrecord_integrity.naming_damage(prepared.data.directory)
        with memory_errors.enough(prepared.config), strategy.all_workers_there(), damage:
            devices = strategy.make_strategy(training.strategy, training.tpu)
            preparation.check_batch(training.global_batch_size, devices.num_replicas_in_sync)
            quiet.first_compilation()
            with devices.scope():
                run = open_run(prepared, folder)
            run.go()


@contextlib.contextmanager
def _folder(training: TrainingConfig) -> Iterator[str]:
    """Where this worker writes: the first in the run's folder, the others in a temporary folder.

    Every worker must take part in saving, because a checkpoint gathers the values of all workers.
    """
    if strategy.is_first(training.strategy):
        with RunLock(training.workdir):
            yield training.workdir
    else:
        with tempfile.TemporaryDirectory() as folder:
            yield folder


def _say_finished(training: TrainingConfig, before: Before) -> None:
    plots.write_plots(read_scalars(training.workdir), os.path.join(training.workdir, "plots"))
    print(
        f"{training.workdir} is trained to step {before.step}, and"
        f" --train_steps={training.train_steps}: nothing to do"
    )
