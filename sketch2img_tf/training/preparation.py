"""What a run and its dry run do before the first step: check, open data, find an earlier run."""

from __future__ import annotations

import dataclasses
import sys
from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf

from sketch2img_tf.data import input_pipeline, sources
from sketch2img_tf.devices import strategy
from sketch2img_tf.errors import UserError
from sketch2img_tf.networks import critic, perceptual
from sketch2img_tf.run_folder import disk_space
from sketch2img_tf.run_folder.checkpoints import Before, check_continues, check_start, variables
from sketch2img_tf.run_folder.lock import check_writable
from sketch2img_tf.run_folder.run_card import Card
from sketch2img_tf.training import evaluations
from sketch2img_tf.training.train_state import TrainState
from sketch2img_tf.training.train_step import TrainStep

if TYPE_CHECKING:
    from sketch2img_tf.config import Config, TrainingConfig


@dataclasses.dataclass(frozen=True)
class Prepared:
    """What a run is made from.

    Attributes:
      config: the configuration, with the length of the run in steps.
      data: the pictures.
      card: the description of the run that its checkpoints will contain.
      before: the earlier session that this run continues, if there is one.
    """

    config: Config
    data: input_pipeline.PairedDataset
    card: Card
    before: Before | None


def prepare(config: Config) -> Prepared:
    """Opens the data and reads the run's folder; `check_flags` has accepted the configuration.

    Raises:
      UserError: the data or the folder cannot be used.
    """
    data = open_data(config)
    config = config.in_steps(data.examples["train"])
    card = Card.of_run(config, data)
    return Prepared(config, data, card, _before(config.training, card))


def describe(config: Config) -> str:
    """What `--dry_run` prints: the resolved flags, classes, parameter counts, and the run's length.

    Raises:
      UserError: every error that a run would raise before its first step.
    """
    check_flags(config)
    folder = check_writable(config.training.workdir) if config.training.workdir else None
    prepared = prepare(config)
    config, data, training = prepared.config, prepared.data, prepared.config.training
    steps_per_epoch = data.examples["train"] / training.pictures_per_step
    state = TrainState(config, len(data.class_names))
    # Opens the networks of the perceptual loss and the critic
    TrainStep(config, state, data.statistics)
    if folder:
        to_come = checkpoints_to_come(training, prepared.before)
        disk_space.check(folder, variables(state), to_come, training.workdir)
    return config.to_flagfile() + "\n".join(
        [
            "",
            f"classes: {len(data.class_names)} ({', '.join(data.class_names)})",
            f"examples: {data.examples['train']} to train on, {data.examples['test']} held out"
            + (
                f", {data.examples['validation']} for validation"
                if "validation" in data.examples
                else ""
            ),
            *(
                [f"edge maps to mix in: {data.edge_maps.examples['train']}"]
                if data.edge_maps
                else []
            ),
            *sources.describe(data),
            f"steps per epoch: {steps_per_epoch:.1f}",
            f"the whole run: {training.train_steps} steps,"
            f" {training.train_steps / steps_per_epoch:.1f} epochs",
            f"generator parameters: {_parameters(state.generator):,}",
            f"discriminator parameters: {_parameters(state.discriminator):,}",
            *([f"critic parameters: {_parameters(state.critic):,}"] if state.critic else []),
        ]
    )


def check_flags(config: Config) -> None:
    """Raises a UserError for bad flags, weights or environment; it does not read the data."""
    training = config.training
    strategy.check(training.strategy)
    check_batch(training.global_batch_size, strategy.expected_replicas(training.strategy))
    perceptual.check_weights(config.losses)
    critic.check_weights(config.losses)
    evaluations.check(config)


def open_data(config: Config) -> input_pipeline.PairedDataset:
    """The pictures that the configuration chooses; builds the TFRecords if they are missing."""
    losses = config.losses
    if losses.penalties and not (losses.gan_weight or losses.classification_weight):
        given = " ".join(
            f"--{name}=0" for name in ("dragan_weight", "r1_weight") if getattr(losses, name)
        )
        print(
            f"only a gradient penalty trains the discriminator: {given} would save its time",
            file=sys.stderr,
        )
    if config.training.strategy == "multi_worker":
        sources.check_built(config.data)
    sketchy = sources.open_data(config.data)
    if sketchy.examples["train"] < config.training.global_batch_size:
        raise UserError(
            f"--global_batch_size={config.training.global_batch_size} is more than the"
            f" {sketchy.examples['train']} training examples of {len(sketchy.class_names)} classes"
        )
    _check_classes(sketchy, config)
    return sketchy


def _check_classes(sketchy: input_pipeline.PairedDataset, config: Config) -> None:
    if len(sketchy.class_names) == 1 and config.losses.classification_weight:
        raise UserError(
            f"the data have only 1 class, {sketchy.class_names[0]}: choose more classes, or give"
            " --classification_weight=0, since there is nothing to classify"
        )
    empty = [name for name in sketchy.class_names if not sketchy.examples_of_class[name]]
    if empty:
        raise UserError(
            f"{len(empty)} of {len(sketchy.class_names)} classes have no training example left,"
            f" such as {empty[0]}, with --drop_sketches={','.join(config.data.drop_sketches)}: drop"
            " fewer, or choose other --classes"
        )


def check_batch(global_batch_size: int, replicas: int) -> None:
    """Raises a UserError if the replicas cannot share the batch."""
    if global_batch_size % replicas:
        raise UserError(
            f"--global_batch_size={global_batch_size} cannot be shared equally by {replicas}"
            f" replicas; give {replicas * max(1, global_batch_size // replicas)}"
        )


def checkpoints_to_come(training: TrainingConfig, before: Before | None) -> int:
    """For how many new checkpoints the disk needs room.

    While a checkpoint is written, there is one more than `--checkpoints_kept`.
    """
    return 1 if before else training.checkpoints_kept + 1


def _before(training: TrainingConfig, card: Card) -> Before | None:
    """The earlier session that this run continues, if any; otherwise checks `--init_from`."""
    before = check_continues(training.workdir, card) if training.workdir else None
    if before is None and training.init_from:
        check_start(training.init_from, card)
    return before


def _parameters(network: tf.keras.Model) -> int:
    return sum(int(np.prod(variable.shape)) for variable in network.trainable_variables)
