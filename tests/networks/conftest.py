"""The networks' shapes, from what an MRU is made of; and frozen networks, each made once."""

from __future__ import annotations

import functools
from collections.abc import Iterator

import numpy as np
import pytest
import tensorflow as tf

from sketch2img_tf.networks import pretrained


@pytest.fixture(scope="module")
def frozen_networks_made_once() -> Iterator[None]:
    """The same frozen network for all that ask for the same one: it takes seconds to make."""
    load = functools.cache(lambda precision, *of: pretrained_load(*of))
    pretrained_load = pretrained.load
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            pretrained,
            "load",
            lambda *of: load(tf.keras.mixed_precision.global_policy().name, *of),
        )
        yield


@pytest.fixture(scope="session")
def mru_shapes():
    """Variables of an MRU from x and image channels to filters; `scale` is the
    shape of the norms' gamma and beta.
    """

    def shapes(
        name: str, x: int, image: int, filters: int, scale: list[int]
    ) -> dict[str, list[int]]:
        convs = {
            "input_gate/kernel": [3, 3, x + image, x],
            "input_gate/bias": [x],
            "output_gate/kernel": [3, 3, x + image, filters],
            "output_gate/bias": [filters],
            "candidate/kernel": [3, 3, x + image, filters],
            "shortcut/kernel": [3, 3, x, filters],
        }
        norms = {
            f"{norm}/{part}": scale
            for norm in ("candidate_norm", "shortcut_norm")
            for part in ("gamma", "beta")
        }
        return {f"{name}/{variable}": shape for variable, shape in {**convs, **norms}.items()}

    return shapes


@pytest.fixture(scope="session")
def shapes_of():
    """Trained variables of a network, name to shape."""

    def shapes(network) -> dict[str, list[int]]:
        return {
            v.name.split(":")[0].split("/", 1)[1]: v.shape.as_list()
            for v in network.trainable_variables
        }

    return shapes


@pytest.fixture(scope="session")
def assert_outside_mrus_as_pytorch():
    """That of a network's kernels outside its MRUs each is U(-b,
    b), b = count^-1/2, and has a count.
    """

    def check(network, counts: dict[str, int]) -> None:
        named = {
            v.name.split(":")[0].split("/", 1)[1]: v.numpy() for v in network.trainable_variables
        }
        kernels = {
            path: value
            for path, value in named.items()
            if "mru_" not in path and path.endswith("/kernel")
        }
        assert set(kernels) == {f"{path}/kernel" for path in counts}
        for path, count in counts.items():
            kernel, bound = kernels[f"{path}/kernel"], count**-0.5
            assert 0.9 * bound < np.abs(kernel).max() <= bound, path
            np.testing.assert_allclose(kernel.std(), bound / 3**0.5, rtol=0.15, err_msg=path)

    return check
