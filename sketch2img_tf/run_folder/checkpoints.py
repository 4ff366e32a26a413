"""A run's checkpoints: the whole state, and the card that describes the run."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import types
import weakref
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf

from sketch2img_tf.devices import quiet
from sketch2img_tf.errors import UserError
from sketch2img_tf.networks.generator import Generator, make_generator
from sketch2img_tf.run_folder import checkpoint_files, packed_weights
from sketch2img_tf.run_folder.checkpoint_files import directory
from sketch2img_tf.run_folder.run_card import Card
from sketch2img_tf.surroundings.plain_paths import plain

if TYPE_CHECKING:
    from sketch2img_tf.training.train_state import TrainState


class Checkpoints:
    """The checkpoints of a run, in `workdir/checkpoints`.

    Raises:
      UserError: on creation, if the folder has checkpoints and none can be read.
    """

    def __init__(
        self,
        workdir: str,
        card: Card,
        state: TrainState,
        kept: int,
        more: Mapping[str, tf.train.experimental.PythonState] = types.MappingProxyType({}),
        folder: str = "",
    ):
        """Repairs the folder: see `checkpoint_files.mend`.

        Args:
          workdir: the run's folder.
          card: is saved in every checkpoint.
          state: is saved and restored.
          kept: how many of the newest checkpoints to keep.
          more: other objects to save and restore, by name.
          folder: where to save in place of `workdir`, which then stays unchanged; for all workers
            except the first.
        """
        self.state, self._workdir = state, workdir
        self._is_first = folder in ("", workdir)
        if self._is_first:
            checkpoint_files.mend(workdir)
        checkpoint = tf.train.Checkpoint(state=state, card=_CardState(card), **more)
        os.makedirs(directory(folder or workdir), exist_ok=True)
        opened = contextlib.ExitStack()
        weakref.finalize(self, opened.close)
        place = opened.enter_context(plain(directory(folder or workdir)))
        self.manager = tf.train.CheckpointManager(checkpoint, place, max_to_keep=kept)

    def restore(self) -> bool:
        """Restores the newest checkpoint; returns False if there is none."""
        path = (
            self.manager.latest_checkpoint
            if self._is_first
            else checkpoint_files.newest(self._workdir)
        )
        if path is None:
            return False
        with plain(path) as prefix:
            self.manager.checkpoint.restore(prefix).assert_existing_objects_matched()
        return True

    def save(self) -> bool:
        """Saves the present step, unless it is saved already.

        Returns False, and saves nothing, if a value is not finite.
        """
        if not _all_finite(variables(self.state)):
            return False
        step = int(self.state.step.numpy())
        if os.path.basename(self.manager.latest_checkpoint or "") != f"ckpt-{step}":
            self.manager.save(checkpoint_number=step)
        return True


def variables(state: TrainState) -> list[tf.Variable]:
    """All variables of a state.

    `state.variables` lacks those of the optimizers, because Keras' optimizers are not tf.Modules.
    """
    return [
        *state.variables,
        *(variable for optimizer in state.optimizers for variable in optimizer.variables),
    ]


@dataclasses.dataclass(frozen=True)
class Before:
    """A run that can continue: its step, and "train_steps 10 there, 20 now" per changed flag."""

    step: int
    changed_flags: str


def check_continues(workdir: str, card: Card) -> Before | None:
    """The run in `workdir` that this run would continue; None if there is none.

    Raises:
      UserError: it is a run of another network or other data, and the message lists the
        differences; or none of its checkpoints can be read.
    """
    path = checkpoint_files.newest(workdir)
    if path is None:
        return None
    there = _card(path)
    listed = _differences(_identity(there), _identity(card))
    if listed:
        raise UserError(
            f"--workdir={workdir} holds a run that cannot go on: {listed}; give another --workdir"
        )
    return Before(
        int(_read(path, packed_weights.STEP)),
        _differences(there.config.to_dict(), card.config.to_dict()),
    )


def check_start(workdir: str, card: Card) -> None:
    """Checks that a run with this card can start with the networks of another run.

    Raises:
      UserError: the other run has different networks or classes, or no checkpoint.
    """
    with _newest(workdir, "init_from") as path:
        listed = _differences(_variables(_card(path)), _variables(card))
    if listed:
        raise UserError(
            f"--init_from={workdir} holds other networks: {listed}; give those flags too"
        )


def start_from(workdir: str, card: Card, state: TrainState) -> None:
    """Restores the networks of another run into `state`, and nothing else; raises as `check_start`.

    The critic's heads are restored if they are there and have learnt to judge the same features.
    """
    check_start(workdir, card)
    names = ["generator", "averaged_generator", "discriminator"]
    with _newest(workdir, "init_from") as path:
        if state.critic and _critic(_card(path)) == _critic(card) and _has(path, "critic"):
            names.append("critic")
        networks = {name: getattr(state, name) for name in names}
        _restore(tf.train.Checkpoint(state=tf.train.Checkpoint(**networks)), path)


def load_generator(
    workdir: str, noise_deviation: float | None = None
) -> tuple[Generator, Card, int]:
    """The averaged generator of the newest whole checkpoint, in float32; its card; and its step.

    Args:
      workdir: the run's folder.
      noise_deviation: in place of the run's `--noise_deviation`, also in the card; None: the run's.

    Raises:
      UserError: there is none.
    """
    quiet.first_compilation()
    step = tf.Variable(0, dtype=tf.int64)
    with _newest(workdir, "workdir") as path:
        card = _card(path)
        if noise_deviation is not None:
            evaluation = card.config.evaluation
            evaluation = dataclasses.replace(evaluation, noise_deviation=noise_deviation)
            config = dataclasses.replace(card.config, evaluation=evaluation)
            card = dataclasses.replace(card, config=config)
        generator = make_generator(card.config, len(card.class_names))
        state = tf.train.Checkpoint(averaged_generator=generator, step=step)
        _restore(tf.train.Checkpoint(state=state), path)
    return generator, card, int(step)


def pack(workdir: str, folder: str) -> None:
    """Writes the newest whole checkpoint's networks to `folder`, see `packed_weights`.

    Raises as `load_generator`.
    """
    with _newest(workdir, "workdir") as path:
        packed_weights.pack(path, folder)


@tf.function
def _all_finite(variables: Sequence[tf.Variable]) -> tf.Tensor:
    """Whether all values of the variables are finite: bool []."""
    floating = [variable for variable in variables if variable.dtype.is_floating]
    return tf.reduce_all(
        tf.stack([tf.reduce_all(tf.math.is_finite(variable)) for variable in floating])
    )


class _CardState(tf.train.experimental.PythonState):
    """Writes the card into each checkpoint; does not read it: `check_continues` has compared it."""

    def __init__(self, card: Card):
        super().__init__()
        self._card = card

    def serialize(self) -> str:
        return self._card.to_json()

    def deserialize(self, string_value: str) -> None:
        del string_value


def _card(path: str) -> Card:
    return Card.from_json(_read(path, packed_weights.CARD).decode())


def _read(path: str, name: str) -> np.ndarray | np.generic | bytes:
    with plain(path) as prefix:
        return tf.train.load_checkpoint(prefix).get_tensor(name)


def _has(path: str, network: str) -> bool:
    with plain(path) as prefix:
        return any(
            name.startswith(f"state/{network}/") for name, _ in tf.train.list_variables(prefix)
        )


def _restore(part: tf.train.Checkpoint, path: str) -> None:
    """Restores a part of a checkpoint's objects."""
    with plain(path) as prefix:
        part.restore(prefix).assert_existing_objects_matched().expect_partial()


@contextlib.contextmanager
def _newest(workdir: str, flag: str) -> Iterator[str]:
    """The newest whole checkpoint of a run, or what packed weights are unpacked to meanwhile."""
    path = checkpoint_files.newest(workdir)
    if path is not None:
        yield path
    elif packed_weights.are_in(workdir):
        with packed_weights.as_checkpoint(workdir) as path:
            yield path
    else:
        raise UserError(
            f"--{flag}={workdir}: no checkpoint in {directory(workdir)}; train first, with train.py"
        )


def _differences(before: dict[str, object], now: dict[str, object]) -> str:
    changed = [name for name in now if before.get(name) != now[name]]
    return "; ".join(
        f"{name} {_brief(before.get(name))} there, {_brief(now[name])} now" for name in changed
    )


def _identity(card: Card) -> dict[str, object]:
    """Everything that must not change within a run."""
    return {
        **_network(card),
        **_critic(card),
        "dataset": card.config.data.dataset,
        "photo_variant": card.config.data.photo_variant,
        "sketch_variant": card.config.data.sketch_variant,
        "validation_share": card.config.data.validation_share,
        "statistics of the data": dataclasses.astuple(card.statistics)[:-1],  # all but the encoding
    }


def _critic(card: Card) -> dict[str, object]:
    """Everything that determines the critic's features: no checkpoint has it, its heads need it."""
    losses = card.config.losses
    if losses.critic == "none":
        return {"critic": losses.critic}
    return {
        "critic": losses.critic,
        "critic_network": losses.critic_network,
        "critic_size": losses.critic_size,
        "critic's weights": card.critic_weights,
        "seed, of what the critic sees": card.config.training.seed,
    }


def _variables(card: Card) -> dict[str, object]:
    """`_network` without options that change only the generator's inputs, and no variables."""
    return {
        name: value
        for name, value in _network(card).items()
        if name not in ("sketch_detail", "noise")
    }


def _network(card: Card) -> dict[str, object]:
    """Everything that determines the pictures, given the networks' variables."""
    return {
        **dataclasses.asdict(card.config.network),
        "image_size": card.config.data.image_size,
        "sketch_encoding": card.statistics.sketch_encoding,
        "number of classes": len(card.class_names),
        "classes": card.class_names,
    }


def _brief(value: object) -> str:
    text = ",".join(map(str, value)) if isinstance(value, (tuple, list)) else str(value)
    return text if len(text) <= 60 else text[:57] + "..."
