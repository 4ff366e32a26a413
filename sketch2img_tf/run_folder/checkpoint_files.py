"""The files of a run's checkpoints: which checkpoints are whole, and what to do with the others.

TensorFlow writes `ckpt-N.data-...` first and `ckpt-N.index` last. Both hold checksums of every
value, which TensorFlow checks when it reads the value. So a checkpoint is whole if every value can
be read. The file `checkpoint` is only a list of checkpoints: it is rewritten from the files in the
folder.
"""

from __future__ import annotations

import collections
import os
import re
import shutil
import sys

import tensorflow as tf

from sketch2img_tf.errors import UserError
from sketch2img_tf.surroundings.plain_paths import plain

DAMAGED = "damaged"
"""The folder, in that of the checkpoints, for checkpoints that cannot be read."""

_STATE_FILE = "checkpoint"
_FILE = re.compile(r"ckpt-(\d+)\.(index|data-\d{5}-of-(\d{5}))")
_UNFINISHED = re.compile(r"ckpt-\d+_temp|ckpt-\d+\..*tempstate.*|checkpoint\.tmp.*")


def directory(workdir: str) -> str:
    """The folder of a run's checkpoints."""
    return os.path.join(workdir, "checkpoints")


def newest(workdir: str) -> str | None:
    """The prefix of the newest whole checkpoint; None if there is none. Changes no file.

    Raises:
      UserError: there are checkpoints, but none is whole.
    """
    folder = directory(workdir)
    for step in sorted(_numbered(folder), reverse=True):
        problem = _problem(folder, step)
        if problem is None:
            return _prefix(folder, step)
        print(f"{_prefix(folder, step)}: {problem}; the one before it is used", file=sys.stderr)
    _stop_unless_new(workdir)
    return None


def mend(workdir: str) -> None:
    """Repairs the folder: afterwards its newest checkpoint is whole, and the first for TensorFlow.

    Removes files that a killed process wrote or deleted halfway. Moves checkpoints that were
    complete but cannot be read to `checkpoints/damaged`, and prints a line for each.

    Raises:
      UserError: there are checkpoints, but none is whole: such a run never starts again from step
        0.
    """
    folder = directory(workdir)
    _remove_leftovers(folder)
    listed = _listed(folder)
    for step in sorted(_numbered(folder), reverse=True):
        problem = _problem(folder, step)
        if problem is None:
            _write_state_file(folder)
            return
        # TensorFlow lists a checkpoint only when it is complete: this one is newer than the list.
        if listed is not None and step > max(listed):
            _remove(folder, step)
        else:
            _set_aside(folder, step, problem)
    _stop_unless_new(workdir)


def _numbered(folder: str) -> dict[int, list[str]]:
    """The file names of every checkpoint, whole or not, by the checkpoint's number."""
    names = collections.defaultdict(list)
    for name in os.listdir(folder) if os.path.isdir(folder) else ():
        match = _FILE.fullmatch(name)
        if match:
            names[int(match[1])].append(name)
    return names


def _problem(folder: str, step: int) -> str | None:
    """Why this checkpoint cannot be read, in a few words; None if it can."""
    missing = _missing(step, _numbered(folder)[step])
    if missing:
        return f"{missing} is missing"
    try:
        with plain(_prefix(folder, step)) as prefix:
            reader = tf.train.load_checkpoint(prefix)
            for name in reader.get_variable_to_shape_map():
                reader.get_tensor(name)
    # A cut file gives any of them
    except (tf.errors.OpError, ValueError, IndexError, RuntimeError) as error:
        return f"damaged ({_first_line(error)})"
    return None


def _missing(step: int, names: list[str]) -> str | None:
    """The first file that is missing from a checkpoint with these files; None if all are there."""
    shards = {match[3] for match in map(_FILE.fullmatch, names) if match[3]} or {"00001"}
    count = max(map(int, shards))
    wanted = [f"ckpt-{step}.data-{shard:05d}-of-{count:05d}" for shard in range(count)]
    return next((name for name in (f"ckpt-{step}.index", *wanted) if name not in names), None)


def _set_aside(folder: str, step: int, problem: str) -> None:
    place = os.path.join(folder, DAMAGED)
    os.makedirs(place, exist_ok=True)
    for name in _numbered(folder)[step]:
        os.replace(os.path.join(folder, name), os.path.join(place, name))
    print(
        f"{_prefix(folder, step)}: {problem}; moved to {place}, the one before it is used",
        file=sys.stderr,
    )


def _stop_unless_new(workdir: str) -> None:
    folder = directory(workdir)
    aside = os.path.join(folder, DAMAGED)
    if _numbered(folder) or _numbered(aside):
        raise UserError(
            f"--workdir={workdir}: none of its checkpoints can be read (what there was is in"
            f" {aside}); restore one from a backup into {folder}, or give another --workdir"
        )


def _remove_leftovers(folder: str) -> None:
    for name in os.listdir(folder) if os.path.isdir(folder) else ():
        path = os.path.join(folder, name)
        if _UNFINISHED.fullmatch(name):
            shutil.rmtree(path) if os.path.isdir(path) else os.remove(path)
    numbered, listed = _numbered(folder), _listed(folder)
    complete = [step for step, names in numbered.items() if not _missing(step, names)]
    for step in set(numbered) - set(complete):
        if _was_in_the_works(step, complete, listed):
            _remove(folder, step)


def _remove(folder: str, step: int) -> None:
    for name in _numbered(folder)[step]:
        os.remove(os.path.join(folder, name))


def _was_in_the_works(step: int, complete: list[int], listed: list[int] | None) -> bool:
    """Whether a killed process, not a fault, left an incomplete checkpoint.

    The process was writing it if the list does not contain its number yet, and was deleting it if
    newer checkpoints are complete. Losing number 0 loses no training.
    """
    return (
        step == 0
        or any(other > step for other in complete)
        or (listed is not None and step not in listed)
    )


def _listed(folder: str) -> list[int] | None:
    """The numbers in the file `checkpoint`; None if there are none or it cannot be read."""
    try:
        state = tf.train.get_checkpoint_state(folder)
    except ValueError:  # an empty file raises this; garbage gives None
        state = None
    matches = (
        [re.fullmatch(r".*ckpt-(\d+)", path) for path in state.all_model_checkpoint_paths]
        if state
        else []
    )
    return [int(match[1]) for match in matches if match] or None


def _write_state_file(folder: str) -> None:
    steps = sorted(step for step, names in _numbered(folder).items() if not _missing(step, names))
    if _listed(folder) != steps:
        prefixes = [_prefix(folder, step) for step in steps]
        times = [os.path.getmtime(f"{prefix}.index") for prefix in prefixes]
        tf.compat.v1.train.update_checkpoint_state(
            folder,
            prefixes[-1],
            prefixes,
            all_model_checkpoint_timestamps=times,
            last_preserved_timestamp=min(times) - 1,  # CheckpointManager may delete newer ones only
        )


def _prefix(folder: str, step: int) -> str:
    return os.path.join(folder, f"ckpt-{step}")


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
