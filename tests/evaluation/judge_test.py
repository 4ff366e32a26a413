"""A judge that taught is named as such."""

from __future__ import annotations

import pytest

from sketch2img_tf.config import LossConfig
from sketch2img_tf.evaluation import judge

CASES = {
    "the perceptual network": (
        "MobileNet",
        dict(perceptual_network="MobileNet"),
        ["--perceptual_network"],
    ),
    "the critic": (
        "MobileNet",
        dict(critic="pretrained", perceptual_network="MobileNet"),
        ["--perceptual_network", "--critic_network"],
    ),
    "a critic without a weight": ("MobileNet", dict(critic="pretrained", critic_weight=0.0), []),
    "one that had no say": (
        "MobileNet",
        dict(perceptual_network="MobileNet", perceptual_weight=0.0),
        [],
    ),
    "another": ("EfficientNetLite0", dict(perceptual_network="MobileNet"), []),
    "none": ("", dict(perceptual_network="MobileNet"), []),
}


@pytest.mark.parametrize("network, losses, flags", CASES.values(), ids=CASES.keys())
def test_a_teacher_is_told_from_a_judge(network, losses, flags):
    assert judge.also_taught(network, LossConfig(**losses)) == flags


def test_the_note_is_a_line_with_the_network_and_the_way_out():
    result = {
        "judge_also_taught": ["--perceptual_network"],
        "protocol": {"features": {"network": "MobileNet"}},
    }
    note = judge.note(result)
    assert note.startswith(
        "MobileNet computes these metrics and was also used in losses of the model"
        " (--perceptual_network): "
    )
    assert "\n" not in note and note.endswith("give another --features_network")
    assert judge.note({"judge_also_taught": [], "protocol": {"features": None}}) == ""
