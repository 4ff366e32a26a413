"""Detects mode collapse: for many steps, pictures of one colour or independent of the noise."""

from __future__ import annotations

import math
import sys
from typing import TYPE_CHECKING

import tensorflow as tf
from tqdm import tqdm

from sketch2img_tf.errors import UserError
from sketch2img_tf.run_folder.summaries import Summaries, read_scalars

if TYPE_CHECKING:
    from sketch2img_tf.config import Config
    from sketch2img_tf.networks.generator import Generator

# Both in the normalised range. There the standard deviation of real photos is about 0.4.
LEAST_DEVIATION = 0.02
LEAST_DIFFERENCE = 0.001  # less than a fifth of a grey level


class CollapseWatch:
    """Reads the scalars of every log, including the logs of earlier sessions of the run.

    In a run without the diversity loss it looks for pictures of one colour only: without this
    loss the generator may ignore the noise.
    """

    def __init__(self, config: Config, generator: Generator):
        self._after = config.evaluation.collapse_steps
        self._stops = config.evaluation.stop_on_collapse
        # `losses.diversity` divides by the distance of two noises: this is its expectation.
        noise = (
            math.sqrt(2 * math.prod(generator.noise_shape))
            if config.losses.diversity == "slope"
            else 1.0
        )
        self._scales = {"fakes/deviation": 1.0, "generator/diversity": -noise}
        self._since: dict[str, int] = {}
        self._next_warning = 0
        for line in read_scalars(config.training.workdir):
            self._note(line["step"], line)

    def look(self, step: int, values: dict[str, float], summaries: Summaries) -> None:
        """Warns of a collapse that has lasted `--collapse_steps`, on stderr and in TensorBoard.

        Raises:
          UserError: there is such a collapse, and `--stop_on_collapse` is given.
        """
        self._note(step, values)
        lasting = {tag: since for tag, since in self._since.items() if step - since >= self._after}
        if not lasting or step < self._next_warning:
            return
        text = "; ".join(
            _TEXTS[tag].format(value=values[tag], since=since) for tag, since in lasting.items()
        )
        if self._stops:
            raise UserError(
                f"collapsed: {text}; --nostop_on_collapse goes on, from the last checkpoint"
            )
        self._next_warning = step + self._after
        tqdm.write(
            f"warning: step {step}: {text}; see docs/evaluation.md, Collapse", file=sys.stderr
        )
        with summaries.writer.as_default(step):
            tf.summary.text("warnings", text)
        summaries.writer.flush()

    def _note(self, step: int, values: dict[str, float]) -> None:
        for tag, least in (
            ("fakes/deviation", LEAST_DEVIATION),
            ("generator/diversity", LEAST_DIFFERENCE),
        ):
            if tag not in values:
                continue
            if values[tag] * self._scales[tag] < least:
                self._since.setdefault(tag, step)
            else:
                self._since.pop(tag, None)


_TEXTS = {
    "fakes/deviation": "the pictures have been of one colour (fakes/deviation {value:.2g})"
    " since step {since}",
    "generator/diversity": "the pictures of a sketch have been the same whatever the noise"
    " (generator/diversity {value:.2g}) since step {since}",
}
