"""Random numbers without TensorFlow, against TensorFlow's."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from sketch2img_tf.inference import litert_model, philox
from tests.paired import paired


@pytest.mark.parametrize("seed", [0, 1, 7, 2**31, 2**32 + 5, 2**63 - 1, -1, -(2**63)])
def test_the_numbers_are_tensorflows(seed):
    for shape in ((8, 8, 512), (1,), (3, 7)):
        expected = tf.random.stateless_normal(shape, [seed, 0], alg="philox").numpy()
        drawn = philox.normal(shape, seed)
        assert drawn.dtype == np.float32
        np.testing.assert_allclose(drawn, expected, rtol=1e-5, atol=2e-6)


def test_the_generator_is_that_of_the_paper():
    """The known answers that come with Random123, the authors' own library: kat_vectors,
    philox4x32 10.
    """
    counters = [[0] * 4, [0xFFFFFFFF] * 4, [0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344]]
    keys = [(0, 0), (0xFFFFFFFF, 0xFFFFFFFF), (0xA4093822, 0x299F31D0)]
    answers = [
        [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8],
        [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD],
        [0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1],
    ]
    for counter, key, answer in paired(counters, keys, answers):
        assert philox._philox(np.array([counter], np.uint64), key).tolist() == [answer]


@pytest.mark.parametrize("share", [0.0, 0.3, 0.5, 1.0])
def test_noise_between_two_is_on_the_arc(share):
    """As far from the first as the share says, by the angle, and on the plane of both; no shorter
    than they are.
    """
    first, second = (philox.normal((4, 4, 32), seed).astype(np.float64) for seed in (3, 8))
    second *= np.linalg.norm(first) / np.linalg.norm(second)
    noise = litert_model.between(first, second, share)

    def angle(a, b):
        return np.arccos(np.clip(np.vdot(a, b) / np.linalg.norm(a) / np.linalg.norm(b), -1, 1))

    assert angle(first, noise) == pytest.approx(share * angle(first, second), abs=1e-3)
    assert angle(noise, second) == pytest.approx((1 - share) * angle(first, second), abs=1e-3)
    assert np.linalg.norm(noise) == pytest.approx(np.linalg.norm(first), rel=1e-5)
    assert litert_model.between(first, first, share) is first
