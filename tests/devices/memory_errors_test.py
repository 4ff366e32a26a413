"""A device without enough memory is told in one line, which says what to lower."""

from __future__ import annotations

import pytest
import tensorflow as tf

from sketch2img_tf import config
from sketch2img_tf.devices import memory_errors
from sketch2img_tf.errors import UserError

pytestmark = pytest.mark.ci


@pytest.fixture(scope="module")
def shortage() -> tf.errors.ResourceExhaustedError:
    """TensorFlow's own; it waits ten seconds for memory before it gives up."""
    with pytest.raises(tf.errors.ResourceExhaustedError) as raised:
        tf.ones([2**20, 2**22])  # 16 TB
    return raised.value


@pytest.mark.parametrize(
    "options, ways",
    [
        (
            dict(global_batch_size=99, base_width=256),
            "--global_batch_size=99, --base_width=256 and --precision=float32: lower the batch or"
            " the width, or give"
            " --precision=mixed_bfloat16 or --perceptual_weight=0 or --diversity_weight=0 or"
            " --dragan_weight=0",
        ),
        (
            dict(precision="mixed_bfloat16", dragan_weight=0.0, supervision="energy_score"),
            "--global_batch_size=16, --base_width=64 and --precision=mixed_bfloat16: lower the"
            " batch or the width,"
            " or --perceptual_weight=0 or --diversity_weight=0 --supervision=first_draw",
        ),
        (
            dict(
                precision="mixed_bfloat16",
                perceptual_weight=0.0,
                diversity_weight=0.0,
                dragan_weight=0.0,
            ),
            "--global_batch_size=16, --base_width=64 and --precision=mixed_bfloat16: lower the"
            " batch or the width, or use more devices",
        ),
    ],
)
def test_one_line_with_what_to_lower(options, ways, shortage):
    with pytest.raises(UserError) as raised, memory_errors.enough(config.from_dict(options)):
        raise shortage
    assert str(raised.value) == f"the device's memory is not enough for {ways}"


def test_in_a_compiled_step_too():
    @tf.function
    def step(size):
        return tf.reduce_sum(tf.matmul(tf.ones([size, size]), tf.ones([size, size])))

    with pytest.raises(UserError, match="the device's memory is not enough"):
        with memory_errors.enough(config.Config()):
            step(tf.constant(2**22))


def test_other_errors_pass(tmp_path):
    with pytest.raises(tf.errors.NotFoundError), memory_errors.enough(config.Config()):
        tf.io.read_file(str(tmp_path / "none"))
