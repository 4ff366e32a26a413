"""How many edge maps are mixed with a run's sketches: their share depends on the step.

SketchyGAN (Chen and Hays, 2018, arXiv 1801.02753) starts with almost only edge maps and ends with
almost only sketches. Differs from SketchyGAN, which chooses each example at random, with a
probability that follows a power of the step. Here the share is linear in the step and nothing is
random, so that the position where a run continues is computed without counting.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import tensorflow as tf

if TYPE_CHECKING:
    from sketch2img_tf.config import DataConfig


@dataclasses.dataclass(frozen=True)
class Mixture:
    """Shares of edge maps in thousandths: integers, so that sums are exact.

    Attributes:
      start, end: the share at step 0, and from step `steps` on; it is linear between them.
      steps: the number of steps from `start` to `end`.
      batch_size: examples per step.
    """

    start: int
    end: int
    steps: int
    batch_size: int

    @classmethod
    def of_run(cls, data: DataConfig, batch_size: int) -> Mixture:
        """The mixture that the flags configure."""
        shares = (round(1000 * share) for share in (data.edge_maps_share, data.edge_maps_share_end))
        return cls(*shares, data.edge_maps_share_steps, batch_size)

    def edge_maps_before(self, step: int | tf.Tensor) -> int | tf.Tensor:
        """The number of edge maps in all steps before `step`, rounded down; int64 [] or an int."""
        ramp = min(step, self.steps) if isinstance(step, int) else tf.minimum(step, self.steps)
        twice = 2 * self.steps * self.start * ramp + (self.end - self.start) * ramp * (ramp - 1)
        twice += 2 * self.steps * self.end * (step - ramp)
        return self.batch_size * twice // (2000 * self.steps)

    def choices(self, first_step: int) -> tf.data.Dataset:
        """For each example from `first_step` on: 1 for an edge map, else 0, int64 [].

        The edge maps are spread evenly over a batch.
        """
        steps = tf.data.Dataset.range(first_step, tf.int64.max)
        return steps.map(self._choices_of_step).unbatch()

    def _choices_of_step(self, step: tf.Tensor) -> tf.Tensor:
        edge_maps = self.edge_maps_before(step + 1) - self.edge_maps_before(step)
        before = tf.range(self.batch_size + 1, dtype=tf.int64) * edge_maps // self.batch_size
        return before[1:] - before[:-1]
