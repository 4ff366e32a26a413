"""Which of the packed examples a step has: needs neither TensorFlow nor JAX."""

from __future__ import annotations

import numpy as np


class Order:
    """Epochs in random order, of sketches and of edge maps apart, as `input_pipeline.training_batches` has them.

    Differs from it: an epoch's order is drawn by NumPy, and from all of its examples instead of a buffer of them.
    """

    def __init__(self, pictures: dict[str, np.ndarray], batch_size: int, seed: int):
        self.pictures = pictures
        self.counts = [int(count) for count in pictures["sketches_and_edge_maps"]]
        self.edge_maps_before = pictures["edge_maps_before"]
        self.batch_size, self.seed = batch_size, seed
        self._epochs: dict[int, tuple[int, np.ndarray]] = {}

    def examples(self, step: int) -> np.ndarray:
        """The positions in the packed arrays of the examples of the step after `step`, int64 [B]."""
        first, last = (int(number) for number in self.edge_maps_before[step : step + 2])
        sketches = range(step * self.batch_size - first, (step + 1) * self.batch_size - last)
        edge_maps = [self.counts[0] + self._at(1, number) for number in range(first, last)]
        return np.array([*(self._at(0, number) for number in sketches), *edge_maps], np.int64)

    def inputs(self, step: int) -> tuple[np.ndarray, ...]:
        """What `batch.hlo` takes, photos and sketches as pixels and the numbers of the examples; and their labels."""
        examples, arrays = self.examples(step), self.pictures
        photos = arrays["photos"][arrays["photo_of"][examples]]
        return photos, arrays["sketches"][examples], self.numbers(step), arrays["labels"][examples]

    def numbers(self, step: int) -> np.ndarray:
        """The numbers of these examples in the run, int64 [B], from which their changes are drawn."""
        return np.arange(step * self.batch_size, (step + 1) * self.batch_size, dtype=np.int64)

    def _at(self, source: int, number: int) -> int:
        epoch, position = divmod(number, self.counts[source])
        if self._epochs.get(source, (-1,))[0] != epoch:
            generator = np.random.Generator(np.random.PCG64([self.seed, source, epoch]))
            self._epochs[source] = epoch, generator.permutation(self.counts[source])
        return int(self._epochs[source][1][position])
