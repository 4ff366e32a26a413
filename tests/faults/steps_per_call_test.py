"""A run of several steps per call is told, counts and dumps
what a run of one step per call does.
"""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from sketch2img_tf.config import from_dict
from sketch2img_tf.data import input_pipeline
from sketch2img_tf.errors import UserError
from sketch2img_tf.run_folder.summaries import read_scalars
from sketch2img_tf.training import trainer
from tests.paired import paired

pytestmark = pytest.mark.slow
SMALL = dict(
    base_width=2,
    generator_norm="instance",
    global_batch_size=2,
    num_classes=2,
    perceptual_weight=0.0,
    diversity_weight=0.0,
    dragan_weight=0.0,
    classification_weight=0.0,
    train_steps=8,
    checkpoint_every_steps=4,
    log_every_steps=4,
    sample_every_steps=8,
)


def train(data_dir, workdir, **more) -> list[dict[str, float]]:
    """The lines of the log."""
    trainer.train(from_dict({**SMALL, "data_dir": str(data_dir), "workdir": str(workdir), **more}))
    return [line for line in read_scalars(str(workdir)) if "steps_per_second" in line]


@pytest.fixture
def spoil(monkeypatch):
    """A function that makes the photos of the batches of these numbers,
    from 0, NaN; sketches tell the number.
    """
    batches = input_pipeline.training_batches

    def make(numbers):
        def spoilt(*args):
            return batches(*args).enumerate().map(_spoilt)

        def _spoilt(number, batch):
            bad = tf.reduce_any(number == tf.constant(list(numbers), tf.int64))
            return {
                **batch,
                "photos": tf.where(bad, float("nan"), batch["photos"]),
                "sketches": tf.zeros_like(batch["sketches"]) + tf.cast(number, tf.float32) / 10,
            }

        monkeypatch.setattr(input_pipeline, "training_batches", spoilt)

    return make


def test_scalars_of_a_call_with_a_nan_are_those_of_its_steps(dummy_data_dir, tmp_path, spoil):
    spoil([1, 6, 7])
    one = train(dummy_data_dir, tmp_path / "one")
    several = train(dummy_data_dir, tmp_path / "several", steps_per_call=2)
    assert [line["step"] for line in several] == [4, 8]
    assert [line["generator/skipped_updates"] for line in several] == [1.0, 2.0]
    for line, expected in paired(several, one):
        assert line.keys() == expected.keys()
        for tag in line.keys() - {"steps_per_second", "time"}:
            assert line[tag] == pytest.approx(expected[tag], rel=2e-3, abs=1e-5), tag


def test_dump_holds_the_batch_of_the_step_that_failed(dummy_data_dir, tmp_path, spoil):
    """Looked at after the call in which so many updates were left out, though
    its last step is no multiple of it.
    """
    spoil(range(3, 100))
    with pytest.raises(UserError, match="^step 8: .* its batch, scalars and variables are in "):
        train(
            dummy_data_dir,
            tmp_path,
            train_steps=12,
            steps_per_call=4,
            max_skipped_updates=3,
            max_retries=0,
        )
    batch = np.load(tmp_path / "not_finite" / "00000008" / "batch.npz")
    assert batch["photos"].shape == (2, 64, 64, 3) and np.isnan(batch["photos"]).all()
    np.testing.assert_allclose(batch["sketches"], 0.7, rtol=1e-5)
    assert batch["labels"].shape == (2,)
