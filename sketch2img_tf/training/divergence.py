"""What a run does when losses or gradients are not finite: dump the step, and go back or stop."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf

from sketch2img_tf.errors import UserError

if TYPE_CHECKING:
    from sketch2img_tf.config import TrainingConfig
    from sketch2img_tf.training.train_step import TrainStep

FOLDER = "not_finite"


def skipped_in_a_row(step: TrainStep) -> int:
    """The most updates in a row that any network skipped; reading it blocks on the device."""
    return max(int(updates.skipped_in_a_row.numpy()) for updates in step.updates.values())


def count_anew(step: TrainStep) -> None:
    """Sets the counts of skipped updates in a row to 0."""
    for updates in step.updates.values():
        updates.skipped_in_a_row.assign(0)


def dump(config: TrainingConfig, step: TrainStep, batch: dict, scalars: dict[str, float]) -> str:
    """Writes the inputs and the results of the last step; returns the folder.

    `batch.npz` holds the normalised pictures and labels, concatenated over the replicas.
    `step.json` holds the scalars, and what was not finite: for each network "loss" and the
    variables whose gradients were not finite, and the variables whose values are not finite.
    """
    number = int(step.state.step.numpy())
    folder = os.path.join(config.workdir, FOLDER, f"{number:08d}")
    os.makedirs(folder, exist_ok=True)
    np.savez_compressed(
        os.path.join(folder, "batch.npz"),
        **{name: np.concatenate(_of_all_replicas(step, value)) for name, value in batch.items()},
    )
    told = {
        "step": number,
        "seed": config.seed,
        "retries": int(step.state.retries.numpy()),
        "scalars": scalars,
        "not_finite": {name: updates.culprit_names() for name, updates in step.updates.items()},
        "not_finite_variables": [
            v.name for v in step.state.variables if not np.isfinite(v.numpy()).all()
        ],
    }
    with open(os.path.join(folder, "step.json"), "w", encoding="utf-8") as file:
        json.dump(told, file, indent=2)
    return folder


def stop_after(config: TrainingConfig, step: int, folder: str) -> None:
    """Raises the error of a run that has used up `--max_retries`."""
    raise UserError(
        f"step {step}: losses or gradients are not finite, again after"
        f" --max_retries={config.max_retries}; its batch,"
        f" scalars and variables are in {folder}; lower the learning rates, or give"
        " --precision=float32"
    )


def _of_all_replicas(step: TrainStep, value: tf.Tensor) -> list[np.ndarray]:
    return [np.asarray(part) for part in step.strategy.experimental_local_results(value)]
