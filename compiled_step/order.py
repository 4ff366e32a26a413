"""Which packed examples each step takes; needs neither TensorFlow nor JAX."""

from __future__ import annotations

import numpy as np


class Order:
    """Epochs in random order, of sketches and edge maps separately, as in the input pipeline.

    With `--balance_classes` an epoch takes the packed quota of each class, the next ones of its
    examples. Differs from `input_pipeline.training_batches`: NumPy draws the order of an epoch, and
    from all its examples, not from a buffer of them.
    """

    def __init__(self, pictures: dict[str, np.ndarray], batch_size: int, seed: int):
        self.pictures = pictures
        self.counts = [int(count) for count in pictures["sketches_and_edge_maps"]]
        self.edge_maps_before = pictures["edge_maps_before"]
        self.batch_size, self.seed = batch_size, seed
        self._epochs: dict[int, tuple[int, np.ndarray]] = {}

    def examples(self, step: int) -> np.ndarray:
        """The positions in the packed arrays of the next step's examples, int64 [B]."""
        first, last = (int(number) for number in self.edge_maps_before[step : step + 2])
        sketches = range(step * self.batch_size - first, (step + 1) * self.batch_size - last)
        edge_maps = [self.counts[0] + self._at(1, number) for number in range(first, last)]
        return np.array([*(self._at(0, number) for number in sketches), *edge_maps], np.int64)

    def inputs(self, step: int) -> tuple[np.ndarray, ...]:
        """The inputs of `batch.hlo`: photos and sketches as pixels, and the examples' numbers.

        Then what the step takes besides: labels and, if it is packed, whether they are aligned.
        """
        examples, arrays = self.examples(step), self.pictures
        photos = arrays["photos"][arrays["photo_of"][examples]]
        besides = [arrays[name][examples] for name in ("labels", "aligned") if name in arrays]
        return photos, arrays["sketches"][examples], self.numbers(step), *besides

    def numbers(self, step: int) -> np.ndarray:
        """The examples' numbers in the run, int64 [B], which determine their random changes."""
        return np.arange(step * self.batch_size, (step + 1) * self.batch_size, dtype=np.int64)

    def _at(self, source: int, number: int) -> int:
        epoch, position = divmod(number, self.counts[source])
        if self._epochs.get(source, (-1,))[0] != epoch:
            generator = np.random.Generator(np.random.PCG64([self.seed, source, epoch]))
            self._epochs[source] = epoch, generator.permutation(self._examples_of(source, epoch))
        return int(self._epochs[source][1][position])

    def _examples_of(self, source: int, epoch: int) -> np.ndarray:
        """The positions, within the source, of the examples that an epoch reads."""
        if "quotas" not in self.pictures:
            return np.arange(self.counts[source])
        first = self.counts[0] * source
        labels = self.pictures["labels"][first : first + self.counts[source]]
        rows = [
            np.flatnonzero(labels == label) for label in range(self.pictures["quotas"].shape[1])
        ]
        quotas = self.pictures["quotas"][source]
        chosen = [
            row[np.arange(epoch * quota, (epoch + 1) * quota) % len(row)]
            for row, quota in zip(rows, quotas)
            if quota
        ]
        return np.concatenate(chosen)
