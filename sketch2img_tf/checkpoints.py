"""A run's checkpoints: the whole state, and the card that says what it is a state of."""

from __future__ import annotations

import contextlib
import dataclasses
import os
from collections.abc import Iterator

import tensorflow as tf

from sketch2img_tf.card import Card
from sketch2img_tf.errors import UserError
from sketch2img_tf.networks.generator import Generator, make_generator
from sketch2img_tf.train_step import TrainState

_CARD = "card/.ATTRIBUTES/py_state"


class Checkpoints:
    """The checkpoints of a run, in `workdir/checkpoints`.

    Raises:
      UserError: on opening, if the checkpoints there are of another network or other data.
    """

    def __init__(self, workdir: str, card: Card, state: TrainState, kept: int):
        self.state = state
        checkpoint = tf.train.Checkpoint(state=state, card=_CardState(card))
        self.manager = tf.train.CheckpointManager(checkpoint, directory(workdir), max_to_keep=kept)

    def restore(self) -> bool:
        """Brings the state to that of the newest checkpoint; False if there is none."""
        path = self.manager.latest_checkpoint
        if path is None:
            return False
        with _reading(path):
            self.manager.checkpoint.restore(path).assert_existing_objects_matched()
        return True

    def save(self) -> str:
        """Writes a checkpoint of the present step."""
        return self.manager.save(checkpoint_number=int(self.state.step.numpy()))


def directory(workdir: str) -> str:
    """Where a run has its checkpoints."""
    return os.path.join(workdir, "checkpoints")


def check_continues(workdir: str, card: Card) -> None:
    """Raises a UserError that lists what differs if `workdir` holds a run of another network or other data."""
    if tf.train.latest_checkpoint(directory(workdir)) is None:
        _check_empty(workdir)
        return
    before, now = _identity(read_card(workdir)), _identity(card)
    changed = [name for name in now if before[name] != now[name]]
    if changed:
        listed = "; ".join(f"{name} {_brief(before[name])} there, {_brief(now[name])} now" for name in changed)
        raise UserError(f"--workdir={workdir} holds a run that cannot go on: {listed}; give another --workdir")


def read_card(workdir: str) -> Card:
    """The card in the newest checkpoint.

    Raises:
      UserError: there is no checkpoint, or it is damaged.
    """
    path = _latest(workdir)
    with _reading(path):
        return Card.from_json(tf.train.load_checkpoint(path).get_tensor(_CARD).decode())


def load_generator(workdir: str) -> tuple[Generator, Card, int]:
    """The averaged generator of the newest checkpoint, in float32, its card and its step.

    Raises:
      UserError: there is no checkpoint, or it is damaged.
    """
    card, path = read_card(workdir), _latest(workdir)
    generator = make_generator(card.config.network, len(card.class_names))
    step = tf.Variable(0, dtype=tf.int64)
    state = tf.train.Checkpoint(averaged_generator=generator, step=step)
    with _reading(path):
        restored = tf.train.Checkpoint(state=state).restore(path)
        restored.assert_existing_objects_matched().expect_partial()
    return generator, card, int(step)


class _CardState(tf.train.experimental.PythonState):
    """Writes the card into every checkpoint; the one that is read is compared before, by `check_continues`."""

    def __init__(self, card: Card):
        super().__init__()
        self._card = card

    def serialize(self) -> str:
        return self._card.to_json()

    def deserialize(self, string_value: str) -> None:
        del string_value


@contextlib.contextmanager
def _reading(path: str) -> Iterator[None]:
    try:
        yield
    except (tf.errors.OpError, IndexError) as error:  # what TensorFlow raises for a file that was cut short
        folder, name = os.path.split(path)
        raise UserError(
            f"{path}: cannot be read ({str(error).splitlines()[0]}); name an older one in place of {name} in"
            f" {folder}/checkpoint, or give another --workdir"
        ) from error


def _latest(workdir: str) -> str:
    path = tf.train.latest_checkpoint(directory(workdir))
    if path is None:
        raise UserError(f"--workdir={workdir}: no checkpoint in {directory(workdir)}; train first, with train.py")
    return path


def _check_empty(workdir: str) -> None:
    """Never start over where something may be lost."""
    left = [name for name in _listing(directory(workdir)) if name.startswith("ckpt")]
    if left:
        raise UserError(
            f"{directory(workdir)}: holds {left[0]} but the file `checkpoint`, which says what is current, is missing"
            " or unreadable; restore that file, or give another --workdir"
        )


def _listing(folder: str) -> list[str]:
    return sorted(os.listdir(folder)) if os.path.isdir(folder) else []


def _identity(card: Card) -> dict[str, object]:
    """What must not change within a run."""
    return {
        **dataclasses.asdict(card.config.network),
        "photo_variant": card.config.data.photo_variant,
        "sketch_variant": card.config.data.sketch_variant,
        "validation_share": card.config.data.validation_share,
        "number of classes": len(card.class_names),
        "classes": card.class_names,
        "statistics of the data": dataclasses.astuple(card.statistics),
    }


def _brief(value: object) -> str:
    text = ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
    return text if len(text) <= 60 else text[:57] + "..."
