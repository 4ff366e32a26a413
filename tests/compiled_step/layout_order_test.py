"""What a packed folder holds, and in which order its examples come: no TensorFlow, no JAX."""

from __future__ import annotations

import numpy as np
import pytest

from compiled_step import layout
from compiled_step.order import Order

COUNTS, BATCH = (7, 5), 4


def _order(edge_maps_before, seed=0) -> Order:
    pictures = {
        "sketches_and_edge_maps": np.array(COUNTS),
        "edge_maps_before": np.array(edge_maps_before),
    }
    return Order(pictures, BATCH, seed)


def test_parts_are_small_and_give_the_arrays_again(tmp_path):
    generator = np.random.default_rng(0)
    arrays = {
        "kernel": generator.normal(size=[50, 70]).astype(np.float32),
        "step": np.array(2**40, np.int64),
        "bias": generator.normal(size=[300]).astype(np.float32),
    }
    layout.write_parts(str(tmp_path), "state", arrays, 0.005)
    layout.write_parts(str(tmp_path / "."), "state_of_others", {"step": np.zeros(3)}, 0.005)
    sizes = [path.stat().st_size for path in sorted(tmp_path.glob("state_0*.npz"))]
    assert len(sizes) > 3 and max(sizes) < 5000 + 2000  # what NumPy's format adds
    found = layout.read_parts(str(tmp_path), "state")
    assert found.keys() == arrays.keys()
    for name, array in arrays.items():
        assert found[name].dtype == array.dtype
        np.testing.assert_array_equal(found[name], array.reshape(-1))


def test_kernels_that_fit_in_float16_come_so():
    kernel = np.array([[1.0, -0.333]], np.float32)
    np.testing.assert_allclose(layout.rounded(kernel), kernel, rtol=1e-3)
    assert layout.rounded(kernel).dtype == np.float16
    assert layout.rounded(kernel * 1e6).dtype == layout.rounded(kernel[0]).dtype == np.float32


def test_photos_as_jpeg_are_nearly_the_photos_and_a_part_of_their_size(tmp_path):
    slopes = np.linspace(0, 255, 64)[:, np.newaxis, np.newaxis] * np.array([1.0, 0.5, 0.2])
    photos = np.stack(
        [np.broadcast_to(slopes, [64, 64, 3]), np.rot90(np.broadcast_to(slopes, [64, 64, 3]))]
    )
    photos = photos.astype(np.uint8)
    arrays = layout.as_jpeg(photos, 85)
    assert len(arrays["jpegs"]) == arrays["jpeg_ends"][-1] < photos.nbytes / 5
    np.savez(tmp_path / "pictures.npz", labels=np.arange(2), **arrays)
    found = layout.read_pictures(str(tmp_path / "pictures.npz"))
    assert sorted(found) == ["labels", "photos"] and found["photos"].dtype == np.uint8
    assert np.abs(found["photos"].astype(float) - photos).mean() < 3


def test_drawn_kernels_have_their_mean_and_deviation_and_are_the_same_again():
    kernel = layout.drawn([100, 200], [3, 1], 0.5, 0.02)
    assert kernel.dtype == np.float32
    assert kernel.mean() == pytest.approx(0.5, abs=0.001) and kernel.std() == pytest.approx(
        0.02, rel=0.02
    )
    np.testing.assert_array_equal(kernel, layout.drawn([100, 200], [3, 1], 0.5, 0.02))
    assert (
        abs(np.corrcoef(kernel.flat, layout.drawn([100, 200], [3, 2], 0.5, 0.02).flat)[0, 1]) < 0.05
    )


def test_an_epoch_has_every_sketch_once_and_the_next_another_order():
    order = _order(np.zeros(16, int))
    # 14 steps of 4 are 8 epochs of 7
    seen = np.concatenate([order.examples(step) for step in range(14)])
    epochs = seen.reshape(8, COUNTS[0])
    assert all(sorted(epoch) == list(range(COUNTS[0])) for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) > 6


def test_edge_maps_have_epochs_of_their_own():
    order = _order(np.arange(16) * 2)  # two of four
    batches = [order.examples(step) for step in range(10)]
    assert all((batch >= COUNTS[0]).sum() == 2 for batch in batches)
    edge_maps = np.concatenate([batch[batch >= COUNTS[0]] for batch in batches]) - COUNTS[0]
    assert all(sorted(epoch) == list(range(COUNTS[1])) for epoch in edge_maps.reshape(4, COUNTS[1]))


def test_a_step_has_the_same_examples_wherever_a_run_begins():
    before = np.arange(16) * 2
    straight = [_order(before).examples(step) for step in range(8)]
    resumed = _order(before)
    np.testing.assert_array_equal(resumed.examples(6), straight[6])
    np.testing.assert_array_equal(resumed.numbers(6), np.arange(24, 28))
    assert (_order(before, seed=1).examples(6) != straight[6]).any()


def test_a_balanced_epoch_has_the_quotas_and_each_example_of_a_class_in_its_turn():
    # 1 and 6 sketches, then 1 and 4 edge maps
    labels = np.array([0, 1, 1, 1, 1, 1, 1, 1, 0, 1, 1, 1])
    pictures = {
        "sketches_and_edge_maps": np.array(COUNTS),
        "edge_maps_before": np.arange(70) * 2,
        "labels": labels,
        "quotas": np.array([[3, 4], [2, 3]]),
    }
    batches = [Order(pictures, BATCH, seed=0).examples(step) for step in range(42)]
    sketches = np.concatenate([batch[batch < 7] for batch in batches]).reshape(12, 7)
    edge_maps = np.concatenate([batch[batch >= 7] for batch in batches])[:80].reshape(16, 5)
    assert [np.bincount(labels[epoch]).tolist() for epoch in sketches] == [[3, 4]] * 12
    assert [np.bincount(labels[epoch]).tolist() for epoch in edge_maps] == [[2, 3]] * 16
    assert np.bincount(sketches.ravel()).tolist() == [36, 8, 8, 8, 8, 8, 8]  # 12 x 4 among six
    assert np.bincount(edge_maps.ravel() - 7).tolist() == [12, 32, 12, 12, 12]  # 16 x 3 among four


def test_whether_they_are_aligned_goes_with_the_examples():
    arrays = {
        "sketches_and_edge_maps": np.array(COUNTS),
        "edge_maps_before": np.arange(16) * 2,
        "photos": np.arange(12),
        "photo_of": np.arange(12),
        "sketches": np.arange(12),
        "labels": np.arange(12),
    }
    assert len(Order(arrays, BATCH, seed=0).inputs(3)) == 4
    _, _, _, labels, aligned = Order(
        {**arrays, "aligned": np.arange(12) >= 7}, BATCH, seed=0
    ).inputs(3)
    np.testing.assert_array_equal(aligned, labels >= 7)
