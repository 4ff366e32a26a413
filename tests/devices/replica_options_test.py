"""Every configuration and every option does on two devices what it does on one.

In float64, in which what a wrong exchange does is not hidden by rounding: see doubles.py.
"""

from __future__ import annotations

import dataclasses
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest

from sketch2img_tf import config, flagfiles
from sketch2img_tf.config import Config
from tests.devices.replica_options import shrunk

ROOT = pathlib.Path(__file__).resolve().parents[2]
PHOTOS = ROOT / "datasets" / "edge_maps" / "dummy_data"
# By what is left of a flagfile when it is shrunk: the first of each is run for all.
CONFIGS = {
    "base": ("full", "multi_worker", "ten_classes"),
    "batch_norm": (),
    "sketch_input": (),
    "soft_labels": (),
    "best_full": (),
    "best_ten": (),
    "tpu": (),
    "quickstart": (),
    "pretrained": (),
}
# The flags of the table in configs/README.md, as they stand there, and what is in none of its rows.
# The diversity loss, which every configuration has, is off: it makes the generator twice as slow.
CHEAP = ("--diversity_weight=0", "--perceptual_weight=0", "--dragan_weight=0")
GROUPS = {
    "recipe": (
        *("--gan_loss=hinge", "--focal_gamma=2", "--dragan_every_steps=4"),
        *("--final_learning_rate_fraction=0.1", "--decay_start_step=50000"),
        *("--gradient_clip_norm=1", "--adam_beta_1=0.5", "--adam_beta_2=0.99"),
        *("--generator_learning_rate", "--discriminator_learning_rate", "--upsampling=resize"),
        *("--horizontal_flip_probability=0.5", "--crop_fraction=0.1"),
        *("--sketch_warp_fraction=0.01", "--sketch_encoding=distance_field"),
        *("--sketch_break_fraction=0.1", "--sketch_double_fraction=0.4"),
        *("--sketch_wobble_fraction=0.004", "--sketch_drop_fraction=0.3"),
        *("--sketch_width_pixels=1", "--edge_maps_share=0.5", "--edge_maps_share_end=0.5"),
        *("--balance_classes=0.5", "--unaligned_supervised_fraction=0"),
    ),
    "networks": (
        *("--sketch_encoding=signed_distance", "--sketch_detail=half", "--image_size=128"),
        *("--generator_norm=conditional_residual", "--discriminator_norm=none"),
        *("--discriminator_head=projection", "--classification_weight=0"),
        *("--discriminator_steps=2", "--dragan_every_steps=4", "--r1_weight=10"),
        *("--diffaugment=colour,translation,cutout", "--noise=vector"),
        "--noise_deviation=0.5",
    ),
    "seen": (
        *("--perceptual_network=EfficientNetLite0", "--perceptual_scaling=deviation"),
        *("--supervision=energy_score", "--critic=pretrained", "--critic_weight=0.25"),
        *("--critic_network=EfficientNetLite0", "--critic_weights=FILE", "--critic_size=128"),
    ),
    "critic": (
        *("--critic=pretrained", "--critic_diffaugment=translation"),
        *("--gan_weight=0", "--classification_weight=0", "--dragan_weight=0"),
    ),
    # Those of mixed_bfloat16 and of several steps per call are in tpu.flags.
    "float16": ("--precision=mixed_float16", "--dragan_every_steps=4"),
}
# What a row leaves to the reader; and what of CHEAP a group does without.
VALUES = {
    "--generator_learning_rate": "--generator_learning_rate=4e-4",
    "--discriminator_learning_rate": "--discriminator_learning_rate=1e-4",
    "--critic_weights=FILE": "--critic_weights=random",
}
ON = {
    "recipe": ("--dragan_weight=10",),
    "networks": ("--dragan_weight=10",),
    "seen": ("--perceptual_weight=1",),
    "float16": ("--dragan_weight=10",),
}


# By which share of itself a scalar, or a variable's move, may differ in float64. Rounding makes
# less than this even in six steps: one device whose photos are a rounding off is nearer to itself.
# A gradient that is not summed, or is averaged twice, halves or doubles all moves.
FURTHEST = 1e-9


def run(data_dir: pathlib.Path, *flags: str) -> dict:
    """What the program prints."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, "tests/devices/replica_options.py", f"--data_dir={data_dir}", *flags]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{flags}: {done.stderr[-3000:]}"
    result = json.loads(done.stdout.splitlines()[-1])
    assert result["compared"] > 100 and result["moved"] > 0.3, result
    return result


def differing(data_dir: pathlib.Path, *flags: str) -> dict[str, float]:
    """By name, what two devices do otherwise than one, and by how much."""
    result = run(data_dir, *flags)
    found, rounded = (
        _of_all_kinds(result[name]) for name in ("two devices", "one device, rounded")
    )
    assert max(rounded.values()) < FURTHEST, rounded
    return {name: share for name, share in found.items() if share > FURTHEST}


def _of_all_kinds(apart: dict) -> dict[str, float]:
    return {**apart["scalars"], **apart["moves"]}


def flags_of(group: str) -> list[str]:
    return [*CHEAP, *ON.get(group, ()), *(VALUES.get(flag, flag) for flag in GROUPS[group])]


def one_by_one(group: str) -> list[str]:
    """Its flags by themselves; lists by their items."""
    split = [flag.partition("=") for flag in flags_of(group) if flag not in CHEAP]
    return [f"{name}={item}" for name, _, value in split for item in value.split(",")]


def shrunk_flagfile(name: str) -> Config:
    types = {
        field.name: type(field.default)
        for group in dataclasses.fields(Config)
        for field in dataclasses.fields(group.default)
    }
    lines = flagfiles.expand([f"--flagfile={ROOT}/configs/{name}.flags"])
    given = dict(line.removeprefix("--").split("=") for line in lines)
    values = {
        flag: value.split(",") if types[flag] is tuple else types[flag](value)
        for flag, value in given.items()
    }
    return shrunk(config.from_dict(values))


@pytest.fixture(scope="module")
def data_dir(dummy_data_dir, tmp_path_factory) -> pathlib.Path:
    """With the edge maps of other photos of the same classes beside the sketches."""
    from datasets.edge_maps import records

    data_dir = shutil.copytree(dummy_data_dir, tmp_path_factory.mktemp("mixed") / "data")
    records.build(str(PHOTOS), str(data_dir))
    return data_dir


@pytest.mark.slow
@pytest.mark.parametrize("name", CONFIGS)
def test_configurations_do_on_two_devices_what_they_do_on_one(name, dummy_data_dir):
    assert differing(dummy_data_dir, f"--flagfile=configs/{name}.flags") == {}


@pytest.mark.slow
@pytest.mark.parametrize("name", GROUPS)
def test_options_do_on_two_devices_what_they_do_on_one(name, data_dir):
    """A group at a time; if it fails, each of its options by itself, to name it."""
    found = differing(data_dir, *flags_of(name))
    if found:
        alone = {flag: differing(data_dir, *CHEAP, flag) for flag in one_by_one(name)}
        pytest.fail(f"{found}; by themselves: {alone}")


@pytest.mark.slow
def test_in_bfloat16_two_devices_are_as_far_from_one_as_rounding_is(dummy_data_dir):
    """As one device is from itself whose photos are a rounding off; several steps per call, too."""
    result = run(dummy_data_dir, "--noin_doubles", "--flagfile=configs/tpu.flags")
    two_devices, rounded = result["two devices"], result["one device, rounded"]
    assert two_devices["half of the moves"] < 2 * rounded["half of the moves"] < 0.2
    assert max(two_devices["scalars"].values()) < 3 * max(rounded["scalars"].values()) < 0.1


def test_every_configuration_is_run_by_itself_or_by_its_like():
    known = {name for first, others in CONFIGS.items() for name in (first, *others)}
    assert known == {path.stem for path in (ROOT / "configs").glob("*.flags")}


def test_configurations_that_share_a_run_are_the_same_when_shrunk():
    found = {
        first: [shrunk_flagfile(name) for name in (first, *others)]
        for first, others in CONFIGS.items()
    }
    for first, configs in found.items():
        assert all(config == configs[0] for config in configs), first
    assert len({configs[0] for configs in found.values()}) == len(CONFIGS)


def test_every_option_beyond_the_report_is_in_a_group():
    table = (ROOT / "configs" / "README.md").read_text().partition("## Beyond the report")[2]
    rows = re.findall(r"^\| (`--.*?`) \|", table, re.MULTILINE)
    flags = {flag for row in rows for flag in re.findall(r"--\w+(?:=[\w.,]+)?", row)}
    assert len(rows) >= 25
    assert flags - {flag for group in GROUPS.values() for flag in group} == set()
