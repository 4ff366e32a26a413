"""Random numbers as TensorFlow makes them, without TensorFlow.

The generator is Philox4x32-10: J. Salmon et al., "Parallel Random Numbers: As Easy as 1, 2, 3",
2011. NumPy's own Philox is another one, of four words of 64 bits.
"""

from __future__ import annotations

import math

import numpy as np

_ROUNDS = 10
_MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
_WEYL = (0x9E3779B9, 0xBB67AE85)  # added to the key in every round
_LOW = np.uint64(0xFFFFFFFF)
_HIGH_BITS = np.uint64(32)

# With this key TensorFlow makes a key and a first counter from a seed: stateless_random_ops.cc,
# GenerateKey.
_SCRAMBLING_KEY = (0x3EC8F720, 0x02461E29)

_FRACTION_BITS = np.uint32(0x7FFFFF)
_ONE_BITS = np.uint32(0x3F800000)  # the bits of 1.0 as float32
_SMALLEST = np.float32(1e-7)  # replaces a smaller uniform number before the logarithm


def normal(shape: tuple[int, ...], seed: int) -> np.ndarray:
    """N(0, 1), float32, equal to TensorFlow's of this seed, to within rounding.

    TensorFlow's are `tf.random.stateless_normal(shape, [seed, 0], alg="philox")`.

    Args:
      shape: the shape of the result.
      seed: any int64.
    """
    key, first = _key_and_counter(seed)
    count = math.prod(shape)
    counters = np.tile(first, (-(-count // 4), 1))
    # TensorFlow counts in 128 bits; a picture needs few of them.
    counters[:, 0] = np.arange(len(counters))
    return _box_muller(_philox(counters, key)).reshape(-1)[:count].reshape(shape)


def _key_and_counter(seed: int) -> tuple[tuple[int, int], np.ndarray]:
    """The key of [seed, 0], two words, and its first counter, uint64 [4], whose lower half is 0."""
    words = np.array([[seed & 0xFFFFFFFF, seed >> 32 & 0xFFFFFFFF, 0, 0]], np.uint64)
    mixed = _philox(words, _SCRAMBLING_KEY)[0].tolist()
    return (mixed[0], mixed[1]), np.array([0, 0, mixed[2], mixed[3]], np.uint64)


def _philox(counters: np.ndarray, key: tuple[int, int]) -> np.ndarray:
    """Counters of four words of 32 bits, uint64 [N, 4], to random words, uint32 [N, 4]."""
    words = list(counters.T)
    keys = list(key)
    for _ in range(_ROUNDS):
        first, second = words[0] * np.uint64(_MULTIPLIERS[0]), words[2] * np.uint64(_MULTIPLIERS[1])
        words = [
            second >> _HIGH_BITS ^ words[1] ^ np.uint64(keys[0]),
            second & _LOW,
            first >> _HIGH_BITS ^ words[3] ^ np.uint64(keys[1]),
            first & _LOW,
        ]
        keys = [(each + grown) & 0xFFFFFFFF for each, grown in zip(keys, _WEYL)]
    return np.stack(words, 1).astype(np.uint32)


def _box_muller(words: np.ndarray) -> np.ndarray:
    """Random words, uint32 [N, 4], to as many N(0, 1), float32, like TensorFlow's.

    G. Box and M. Muller, "A Note on the Generation of Random Normal Deviates", 1958.
    """
    uniform = (words & _FRACTION_BITS | _ONE_BITS).view(np.float32) - np.float32(1)  # [0, 1)
    radius = np.sqrt(np.float32(-2) * np.log(np.maximum(uniform[:, 0::2], _SMALLEST)))
    angle = np.float32(2 * math.pi) * uniform[:, 1::2]
    return np.stack([np.sin(angle) * radius, np.cos(angle) * radius], -1)
