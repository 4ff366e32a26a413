"""Three steps as CPUs take them, traced, are three steps in plain operations; with every loss but
the perceptual.

The other tests of the step are of networks too narrow for tiles and for what XLA fuses. Here the
networks are wide enough, or the thresholds are lowered; the graph tells whether these forms are in
it.
"""

from __future__ import annotations

import functools
from typing import NamedTuple

import numpy as np
import pytest
import tensorflow as tf

from sketch2img_tf import config as config_lib
from sketch2img_tf.data.statistics import Statistics
from sketch2img_tf.devices import hardware
from sketch2img_tf.layers.cpu import convolution, fusion, winograd
from sketch2img_tf.training.train_state import TrainState
from sketch2img_tf.training.train_step import TrainStep
from tests.paired import paired
from tests.training.spying import spied

pytestmark = pytest.mark.ci

CLASSES, STEPS = 3, 3
STATISTICS = Statistics((0.47, 0.45, 0.4), 0.6, (0.04,), 0.96)
NARROW = dict(
    base_width=2,
    global_batch_size=2,
    diversity_weight=0.0,
    classification_weight=0.0,
    dragan_weight=0.0,
)
# The narrowest and fewest that pass all thresholds in both networks
WIDE = dict(base_width=32, global_batch_size=8)
ALL_FORMS = {"tiles", "tiles' filter gradients", "fused"}

# As shares. A wrong gradient is off by about its own size. Rounding moves some values past the
# kinks of rectifiers and of L1, and Adam's first steps are of one length however small a gradient
# is: that grows with every step.
FAR_GRADIENTS = 0.1
FAR_SCALARS = 1e-3
# Not as a share: DRAGAN is the square of how far a slope is from 1. At 0.005 a share of 1e-3 is
# 4e-5 of the slope. The plain step differs from itself by more where its photos are as far off as
# tiles round: their outputs are off by 6e-7 of their deviation.
FAR_SQUARE = 1e-5
OFF = 1e-6


class Step(NamedTuple):
    """What a step has told, and then the means of the
    gradients that Adam keeps, linear in these.
    """

    scalars: dict[str, float]
    gradients: dict[str, np.ndarray]


class Pair:
    """Two traces of one step on one state: with the forms for CPUs, and in plain operations."""

    def __init__(self, **values):
        values = dict(perceptual_weight=0.0, upsampling="resize", **values)
        self.config = config_lib.from_dict(values)
        self.state = TrainState(self.config, CLASSES)
        self.start = [variable.numpy() for variable in self._all_variables()]
        # Kept, since what is traced does not keep what it is a method of.
        self._step_for_cpus, self._plain_step = (
            TrainStep(self.config, self.state, STATISTICS) for _ in range(2)
        )
        self.for_cpus = self._traced(self._step_for_cpus)
        with hardware.for_accelerators():
            self.plain = self._traced(self._plain_step)

    def steps(
        self,
        traced: tf.types.experimental.ConcreteFunction,
        count: int = STEPS,
        off: float = 0.0,
    ) -> list[Step]:
        """Each on a batch of its own, from the start; photos off by up to this share."""
        for variable, value in paired(self._all_variables(), self.start):
            variable.assign(value)
        return [self._step(traced, self._batch(number, off)) for number in range(count)]

    def _step(
        self, traced: tf.types.experimental.ConcreteFunction, batch: dict[str, tf.Tensor]
    ) -> Step:
        scalars = {name: float(value) for name, value in traced(batch).items()}
        gradients = {}
        for network, optimizer in paired(self.state.networks, self.state.optimizers):
            moments = zip(network.trainable_variables, optimizer._momentums)
            gradients.update(
                {f"{network.name}: {of.name}": moment.numpy() for of, moment in moments}
            )
        return Step(scalars, gradients)

    def _traced(self, step: TrainStep) -> tf.types.experimental.ConcreteFunction:
        spec = {
            name: tf.TensorSpec(value.shape, value.dtype) for name, value in self._batch(0).items()
        }
        return step.__call__.get_concrete_function(spec)

    def _all_variables(self) -> list[tf.Variable]:
        """Keras' optimizers are not modules: their variables are not among the state's."""
        return [
            *self.state.variables,
            *(each for of in self.state.optimizers for each in of.variables),
        ]

    def _batch(self, seed: int, off: float = 0.0) -> dict[str, tf.Tensor]:
        rows, random = self.config.training.global_batch_size, np.random.default_rng(seed)
        photos = np.float32(random.uniform(-0.8, 0.9, [rows, 64, 64, 3]))
        photos = photos * (1 + np.random.default_rng([3, seed]).uniform(-off, off, photos.shape))
        return {
            "photos": tf.constant(photos, tf.float32),
            "sketches": tf.constant(random.uniform(size=[rows, 64, 64, 1]) < 0.1, tf.float32)
            - 0.04,
            "labels": tf.constant(random.integers(CLASSES, size=rows), tf.int64),
        }


def _forms(traced: tf.types.experimental.ConcreteFunction) -> set[str]:
    """The forms for CPUs that the graph has, which stay functions in it."""
    functions = traced.graph.as_graph_def().library.function
    names = " ".join(function.signature.name for function in functions)
    found = {
        "tiles": "__conv2d" in names,
        "tiles' filter gradients": "__filter_gradient" in names,
        "fused": any(function.attr["_XlaMustCompile"].b for function in functions),
    }
    return {form for form, there in found.items() if there}


def _far(found: np.ndarray, expected: np.ndarray) -> float:
    """The distance, as a share of what is expected."""
    return float(
        np.linalg.norm(np.float64(found) - expected)
        / max(np.linalg.norm(np.float64(expected)), 1e-12)
    )


def _distances(found: Step, expected: Step) -> dict[str, float]:
    """Of every variable's gradient."""
    return {name: _far(found.gradients[name], value) for name, value in expected.gradients.items()}


def _check(found_steps: list[Step], expected_steps: list[Step]) -> None:
    for found, expected in paired(found_steps, expected_steps):
        assert found.scalars == pytest.approx(expected.scalars, rel=FAR_SCALARS, abs=FAR_SQUARE)
        assert {
            name: far for name, far in _distances(found, expected).items() if far > FAR_GRADIENTS
        } == {}


def test_of_narrow_networks(monkeypatch):
    """Thresholds are lowered to what these have. Only the forms for CPUs are
    traced: the whole would take a minute.
    """
    monkeypatch.setattr(convolution, "_MANY_CHANNELS", 4)
    monkeypatch.setattr(convolution, "_MANY_TILES", 1)
    monkeypatch.setattr(fusion, "_LARGE", 2**15)
    forms = [(winograd, "conv2d"), (winograd, "filter_gradient"), (fusion, "_computed")]
    called = [spied(monkeypatch, module, name) for module, name in forms]
    monkeypatch.setattr(
        Pair, "_traced", lambda _, step: functools.partial(TrainStep.__call__.python_function, step)
    )
    pair = Pair(**NARROW)
    for_cpus = pair.steps(pair.for_cpus, 1)
    counts = [len(calls) for calls in called]
    assert min(counts) > 10
    with hardware.for_accelerators():
        _check(for_cpus, pair.steps(pair.plain, 1))
    assert counts == [len(calls) for calls in called]


@pytest.fixture(scope="module")
def wide() -> tuple[Pair, list[Step]]:
    """Wide networks in float32, and their plain steps."""
    pair = Pair(**WIDE)
    return pair, pair.steps(pair.plain)


@pytest.mark.slow
def test_in_float32(wide):
    pair, expected = wide
    assert (_forms(pair.plain), _forms(pair.for_cpus)) == (set(), ALL_FORMS)
    _check(pair.steps(pair.for_cpus), expected)
    squares = [
        [step.scalars["discriminator/dragan"] for step in steps]
        for steps in (pair.steps(pair.plain, off=OFF), expected)
    ]
    assert np.abs(np.subtract(*squares)).max() > FAR_SQUARE


@pytest.mark.slow
@pytest.mark.parametrize("fast", [False, True], ids=["widened", "multiplied in bfloat16"])
def test_in_bfloat16_it_is_as_near_to_float32_as_the_plain_step(fast, wide, monkeypatch):
    """Two that round differently say little of each other: both are
    measured by the plain step in float32.
    """
    monkeypatch.setattr(hardware, "multiplies_bfloat16_faster", lambda: fast)
    pair = Pair(**WIDE, precision="mixed_bfloat16")
    assert _forms(pair.plain) == set() and _forms(pair.for_cpus)
    for found, plain, expected in paired(
        pair.steps(pair.for_cpus), pair.steps(pair.plain), wide[1]
    ):
        of_found, of_plain = _distances(found, expected), _distances(plain, expected)
        farther = {
            name: (far, of_plain[name])
            for name, far in of_found.items()
            if far > 2 * of_plain[name] + 0.02
        }
        assert farther == {}
