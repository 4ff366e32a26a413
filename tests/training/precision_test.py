"""Which arithmetic the networks get, and that float16's small numbers are not lost; what stays
float32 whatever it is, is looked at in the step's own graph, in xla_test.py.
"""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from sketch2img_tf import config as config_lib
from sketch2img_tf.data.statistics import Statistics
from sketch2img_tf.devices import hardware, precision
from sketch2img_tf.training import penalties
from sketch2img_tf.training.network_update import NetworkUpdate
from sketch2img_tf.training.train_state import TrainState
from sketch2img_tf.training.train_step import TrainStep

# --- What auto takes

MACHINES = {
    # The capabilities of the GPUs, whether there is a TPU, what the CPU can do, and what is taken.
    "a CPU with AMX": ([], False, {"avx2", "avx512f", "amx_bf16"}, "mixed_bfloat16"),
    "a CPU with AVX512-BF16": ([], False, {"avx2", "avx512f", "avx512_bf16"}, "mixed_bfloat16"),
    "a CPU without": ([], False, {"avx2", "avx512f"}, "float32"),
    "a TPU": ([], True, {"avx2"}, "mixed_bfloat16"),
    "Ampere": ([(8, 0), (8, 6)], False, {"avx2"}, "mixed_bfloat16"),
    "Hopper": ([(9, 0)], False, {"avx2"}, "mixed_bfloat16"),
    "Turing": ([(7, 5)], False, {"amx_bf16"}, "float32"),
    "Ampere beside Turing": ([(8, 0), (7, 5)], False, {"avx2"}, "float32"),
    "a GPU that does not tell": ([None], False, {"avx2"}, "float32"),
}


@pytest.mark.parametrize("gpus, tpu, cpu, taken", MACHINES.values(), ids=MACHINES.keys())
def test_auto_is_bfloat16_where_all_devices_have_it(gpus, tpu, cpu, taken, monkeypatch):
    def details(gpu):
        return {} if gpu is None else {"compute_capability": gpu}

    monkeypatch.setattr(
        tf.config, "list_logical_devices", lambda kind: ["TPU:0"] if kind == "TPU" and tpu else []
    )
    monkeypatch.setattr(
        tf.config, "list_physical_devices", lambda kind: gpus if kind == "GPU" else []
    )
    monkeypatch.setattr(tf.config.experimental, "get_device_details", details)
    monkeypatch.setattr(hardware, "_cpu_features", lambda: cpu)
    assert precision.resolve("auto") == taken
    for name in ("float32", "mixed_bfloat16", "mixed_float16"):
        assert precision.resolve(name) == name


def test_what_a_cpu_can_do_is_read_from_linux_alone(tmp_path):
    path = tmp_path / "cpuinfo"
    path.write_text(
        "processor\t: 0\nflags\t\t: fpu avx2 amx_bf16\n\nprocessor\t: 1\nflags\t\t: fpu avx2"
        " amx_bf16\n"
    )
    assert hardware._cpu_features(str(path)) >= {"avx2", "amx_bf16"}
    assert hardware._cpu_features(str(tmp_path / "none")) == set()


# --- float16


def _small_slope(weight: tf.Variable) -> tf.Tensor:
    """1e-8 weight, computed in float16, whose smallest number is 6e-8."""
    factor = tf.constant(1e-4, tf.float16)
    return tf.cast(tf.cast(weight, tf.float16) * factor, tf.float32) * 1e-4


@pytest.mark.parametrize("name, kept", [("mixed_float16", True), ("float32", False)])
def test_scaled_losses_keep_small_gradients(name, kept):
    weight = tf.Variable(1.0)
    optimizer = precision.scaling(tf.keras.optimizers.SGD(1.0), name)
    with tf.GradientTape() as tape:
        loss = precision.scaled(optimizer, _small_slope(weight) * 1e-4)
    (gradient,) = precision.unscaled(optimizer, [tape.gradient(loss, weight)])
    assert float(gradient) == (pytest.approx(1e-12, rel=0.01) if kept else 0)


def test_penalty_sees_small_slopes():
    """Of a discriminator in float16 whose slope, 1e-9 a pixel, is less than it can hold."""
    photos, small = tf.zeros([2, 4, 4, 3]), tf.constant(1e-4, tf.float16)

    def discriminator(x):
        return tf.cast(tf.reduce_sum(tf.cast(x, tf.float16) * small, [1, 2, 3]), tf.float32) * 1e-5

    plain, scaled = (penalties.dragan(discriminator, photos, scale) for scale in (1.0, 2.0**15))
    slope = 1e-9 * np.sqrt(4 * 4 * 3)
    np.testing.assert_array_equal(plain, np.square(np.float32(1e-6) - 1))  # the root of the epsilon
    np.testing.assert_allclose(scaled, np.square(np.hypot(slope, 1e-6) - 1), rtol=1e-6)


def test_an_update_that_overflows_is_left_out_and_halves_the_scale():
    weight = tf.Variable([1.0, 2.0])
    optimizer = precision.scaling(tf.keras.optimizers.SGD(1.0), "mixed_float16")
    optimizer.build([weight])
    update = NetworkUpdate([weight], optimizer)
    scale = float(update.loss_scale)
    assert float(update.apply(tf.constant(1.0), [tf.constant([np.inf, 1.0])])) == 1
    assert float(update.loss_scale) == scale / 2
    np.testing.assert_array_equal(weight, [1, 2])
    assert float(update.apply(tf.constant(1.0), [tf.constant([scale, -scale])])) == 0
    # By twice 1, since the scale is half of what it was
    np.testing.assert_array_equal(weight, [-1, 4])


@pytest.mark.slow
def test_a_training_in_float16_halves_its_scales_until_they_fit_and_then_learns():
    values = dict(
        base_width=4, global_batch_size=3, perceptual_weight=0.0, precision="mixed_float16"
    )
    config = config_lib.from_dict(values)
    state = TrainState(config, 4)
    step = TrainStep(config, state, Statistics((0.5, 0.5, 0.5), 0.5, (0.0,), 1.0))
    random = np.random.default_rng(0)
    batch = {
        "photos": tf.constant(random.uniform(-0.8, 0.9, [3, 64, 64, 3]), tf.float32),
        "sketches": tf.constant(random.uniform(size=[3, 64, 64, 1]) < 0.1, tf.float32),
        "labels": tf.constant([3, 0, 2], tf.int64),
    }
    first_scale = float(precision.loss_scale(state.generator_optimizer))
    steps = [{tag: float(value) for tag, value in step(batch).items()} for _ in range(12)]
    for network in ("generator", "discriminator"):
        skipped = [scalars[f"{network}/skipped_updates"] for scalars in steps]
        scale = float(precision.loss_scale(getattr(state, f"{network}_optimizer")))
        assert skipped == sorted(skipped, reverse=True) and not any(skipped[6:])
        assert scale == first_scale / 2 ** sum(skipped)
    assert steps[-1]["discriminator/dragan"] < 0.5 * steps[0]["discriminator/dragan"]
    assert (
        steps[-1]["discriminator/classification"] < 0.5 * steps[0]["discriminator/classification"]
    )
    assert all(np.isfinite(value) for scalars in steps for value in scalars.values())
