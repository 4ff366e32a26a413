"""The configuration: flags to dataclasses and back, its bounds, and the files in configs/."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import json
import pathlib
import re
import subprocess
import sys
import textwrap

import pytest

from sketch2img_tf.config import Config, from_dict
from sketch2img_tf.errors import UserError

ROOT = pathlib.Path(__file__).resolve().parents[1]
FLAGFILES = sorted((ROOT / "configs").glob("*.flags"))
FIELDS = [
    field for group in dataclasses.fields(Config) for field in dataclasses.fields(group.default)
]

# A value that is not the default, for every option.
OTHER_VALUES = {
    "dataset": "edge_maps",
    "manual_dir": ["a folder/with spaces", "another"],
    "data_dir": "elsewhere",
    "photos_dir": ["photos", "more"],
    "photo_variant": ["tx_000000000000", "tx_000100000000"],
    "sketch_variant": ["tx_000000001110"],
    "max_bad": 3,
    "drop_sketches": ["error", "pose"],
    "sketch_encoding": "distance_field",
    "image_size": 128,
    "classes": ["hot-air_balloon", "car_(sedan)"],
    "num_classes": 10,
    "shuffle_buffer": 100,
    "balance_classes": 0.75,
    "validation_share": 0.125,
    "brightness_jitter": 0.1,
    "contrast_jitter": 0.0,
    "horizontal_flip_probability": 0.5,
    "crop_fraction": 0.1,
    "sketch_warp_fraction": 0.02,
    "sketch_wobble_fraction": 0.01,
    "sketch_double_fraction": 0.3,
    "sketch_width_pixels": 1.5,
    "sketch_break_fraction": 0.1,
    "sketch_drop_fraction": 0.2,
    "edge_maps_share": 0.9,
    "edge_maps_share_end": 0.125,
    "edge_maps_share_steps": 1000,
    "base_width": 16,
    "generator_norm": "instance",
    "initial_features": "sketch",
    "upsampling": "resize",
    "sketch_detail": "half",
    "noise": "vector",
    "discriminator_norm": "none",
    "discriminator_head": "projection",
    "gan_weight": 0.5,
    "gan_loss": "hinge",
    "classification_weight": 0.0,
    "focal_gamma": 2.0,
    "dragan_weight": 1.5,
    "dragan_every_steps": 4,
    "r1_weight": 10.0,
    "supervised_weight": 100.0,
    "unaligned_supervised_fraction": 0.25,
    "perceptual_weight": 1e-05,
    "diversity_weight": 0.1,
    "diversity": "slope",
    "supervision": "energy_score",
    "label_smoothing": 0.1,
    "label_noise": 0.05,
    "label_flip_probability": 0.025,
    "perceptual_network": "MobileNet",
    "perceptual_layers": ["conv_pw_1_relu", "activation:3"],
    "perceptual_size": 96,
    "perceptual_weights": "weights/mobilenet.h5",
    "perceptual_scaling": "deviation",
    "critic": "pretrained",
    "critic_weight": 1.0,
    "critic_network": "EfficientNetLite0",
    "critic_size": 96,
    "critic_weights": "weights/efficientnet.npz",
    "critic_diffaugment": ["translation"],
    "workdir": "runs/one",
    "init_from": "runs/zero",
    "train_steps": 1232,
    "train_epochs": 3,
    "global_batch_size": 8,
    "generator_learning_rate": 3e-05,
    "discriminator_learning_rate": 0.0003,
    "final_learning_rate_fraction": 0.1,
    "decay_start_step": 100,
    "adam_beta_1": 0.5,
    "adam_beta_2": 0.99,
    "gradient_clip_norm": 1.0,
    "discriminator_steps": 2,
    "diffaugment": ["colour", "cutout"],
    "ema_decay": 0.99,
    "precision": "mixed_bfloat16",
    "strategy": "tpu",
    "tpu": "node-1",
    "cross_replica_norm": False,
    "steps_per_call": 7,
    "seed": 42,
    "log_every_steps": 7,
    "sample_every_steps": 70,
    "checkpoint_every_steps": 700,
    "checkpoints_kept": 1,
    "deterministic": True,
    "max_skipped_updates": 5,
    "max_retries": 0,
    "profile_steps": [8, 21],
    "evaluate_every_steps": 49,
    "best_metric": "ssim",
    "features_network": "MobileNet",
    "features_weights": "weights/mobilenet.h5",
    "noise_deviation": 0.5,
    "collapse_steps": 300,
    "stop_on_collapse": True,
}

# Parses each command line of a JSON list, and prints what each gives: a flagfile or an error.
PARSE = """
import json, sys
from absl import flags
from sketch2img_tf import config
config.define_flags()
results = []
for arguments in json.loads(sys.argv[1]):
    flags.FLAGS.unparse_flags()
    for name in [f for f in flags.FLAGS if flags.FLAGS[f].present]:
        flags.FLAGS[name].unparse()
    try:
        flags.FLAGS(["train.py", *arguments])
        results.append({"flagfile": config.from_flags().to_flagfile()})
    except (flags.Error, ValueError) as error:
        results.append({"error": str(error)})
print(json.dumps(results))
"""


def _parse(*command_lines: list[str]) -> list[dict[str, str]]:
    """What a fresh process makes of each command line: absl's flags live as long as theirs."""
    command = [sys.executable, "-c", PARSE, json.dumps(command_lines)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def _flags(values: dict) -> list[str]:
    return [
        f"--{k}={','.join(map(str, v)) if isinstance(v, list) else v}" for k, v in values.items()
    ]


def _together(values: dict) -> dict:
    """Without what cannot be given beside the rest."""
    return {
        name: value
        for name, value in values.items()
        if name not in ("num_classes", "dataset", "train_epochs")
    }


def test_other_values_are_of_every_option_and_differ():
    assert list(OTHER_VALUES) == [field.name for field in FIELDS]
    defaults = Config().to_dict()
    assert all(OTHER_VALUES[name] != defaults[name] for name in defaults)


def test_dict_round_trip():
    values = _together(OTHER_VALUES)
    changed = from_dict(values)
    assert changed.to_dict() == {
        **values,
        "num_classes": 0,
        "dataset": "sketchy",
        "train_epochs": 0,
    }
    assert from_dict(json.loads(json.dumps(changed.to_dict()))) == changed
    assert from_dict({}) == Config()


def test_cards_of_older_versions_have_one_folder_and_one_rendering():
    given = dict(manual_dir="/a folder", photos_dir="", photo_variant="tx_000000000000")
    data = from_dict(given).data
    assert (data.manual_dir, data.photos_dir, data.photo_variant) == (
        ("/a folder",),
        (),
        ("tx_000000000000",),
    )


def test_folders_with_commas_in_their_names():
    values = dict(manual_dir=["a, b", "c"])
    (given,) = _parse(['--manual_dir="a, b",c'])
    assert given["flagfile"] == from_dict(values).to_flagfile()
    (again,) = _parse(given["flagfile"].splitlines())
    assert again == given


def test_variants_that_are_not_as_many():
    assert _message(
        photo_variant=["tx_000000000000"] * 2, sketch_variant=["tx_000000000000"] * 3
    ) == (
        "--photo_variant has 2 values and --sketch_variant 3: give one for all folders, or one for"
        " each"
    )


def test_flags_give_what_they_say_and_their_flagfile_gives_it_again(tmp_path):
    flagfile = tmp_path / "flags.txt"
    left_out = {"num_classes": 10, "dataset": "edge_maps", "train_epochs": 3}
    expected = [
        from_dict(values).to_flagfile() for values in ({}, _together(OTHER_VALUES), left_out)
    ]
    given = _parse([], _flags(_together(OTHER_VALUES)), _flags(left_out))
    assert [result["flagfile"] for result in given] == expected
    flagfile.write_text(expected[1])
    again, overridden, emptied = _parse(
        [f"--flagfile={flagfile}"],
        [f"--flagfile={flagfile}", "--seed=7"],
        [f"--flagfile={flagfile}", "--classes="],
    )
    assert again["flagfile"] == expected[1]
    assert overridden["flagfile"] == expected[1].replace("--seed=42", "--seed=7")
    assert "--classes=\n" in emptied["flagfile"]


def test_flags_that_do_not_parse():
    lines = [
        ["--train_steps=many"],
        ["--gan_weight=high"],
        ["--profile_steps=10,x"],
        ["--gan_wieght=1"],
    ]
    errors = [result["error"] for result in _parse(*lines)]
    assert [
        re.search(r"train_steps|gan_weight|profile_steps|gan_wieght", error)[0] for error in errors
    ] == [
        "train_steps",
        "gan_weight",
        "profile_steps",
        "gan_wieght",
    ]
    assert "should be whole numbers separated by commas, such as 10,20" in errors[2]
    assert not any("\n" in error for error in errors)


def _message(**values) -> str:
    with pytest.raises(UserError) as error:
        from_dict(values)
    assert "\n" not in str(error.value)
    return str(error.value)


def _outside(bound: str) -> list:
    """Options that have this bound, each with a value just outside it."""
    step = {"lower": -1, "upper": 1}[bound]
    bounded = [field for field in FIELDS if field.metadata[bound] is not None]
    return [
        pytest.param(field.name, field.metadata[bound], field.metadata[bound] + step, id=field.name)
        for field in bounded
    ]


@pytest.mark.parametrize("name, bound, value", _outside("lower"))
def test_below_the_lower_bound(name, bound, value):
    given = (value, 20) if name == "profile_steps" else value
    assert _message(**{name: given}) == f"--{name}={value}: should be at least {bound}"


@pytest.mark.parametrize("name, bound, value", _outside("upper"))
def test_above_the_upper_bound(name, bound, value):
    assert _message(**{name: value}) == f"--{name}={value}: should be at most {bound}"


def test_bounds_themselves_are_allowed():
    """0.5 of label noise, a decay of 1, a seed of 2**31 - 1."""
    for field in FIELDS:
        for bound in (field.metadata["lower"], field.metadata["upper"]):
            if bound is not None and field.name != "profile_steps":
                beside = {"train_epochs": 1} if field.name == "train_steps" else {}
                assert from_dict({field.name: bound, **beside}).to_dict()[field.name] == bound


@pytest.mark.parametrize(
    "name", [field.name for field in FIELDS if isinstance(field.default, float)]
)
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_numbers_are_finite(name, value):
    assert _message(**{name: value}) == f"--{name}={value}: should be a finite number"


@pytest.mark.parametrize("name", [field.name for field in FIELDS if field.metadata["choices"]])
def test_unknown_choice_is_quoted_with_the_known_ones(name):
    default, choices = next((f.default, f.metadata["choices"]) for f in FIELDS if f.name == name)
    given = ("eror",) if isinstance(default, tuple) else "eror"
    assert (
        _message(**{name: given})
        == f"--{name}=eror: should be one of {', '.join(map(str, choices))}"
    )
    beside = {"classification_weight": 0.0} if name == "discriminator_head" else {}
    for choice in choices:
        from_dict({name: (choice,) if isinstance(default, tuple) else choice, **beside})


NOTHING = dict(
    gan_weight=0.0, classification_weight=0.0, supervised_weight=0.0, perceptual_weight=0.0
)
COMBINATIONS = [
    (
        dict(classes=["apple"], num_classes=2),
        "--classes and --num_classes both choose the classes: give one of them",
    ),
    (dict(classes=["apple", "ant", "apple"]), "--classes=apple,ant,apple: names a class twice"),
    (NOTHING, "nothing trains the generator: give one of --gan_weight, --classification_weight, "),
    (
        dict(dataset="edge_maps", edge_maps_share=0.5),
        "--dataset=edge_maps has no sketches to mix edge maps into: ",
    ),
    (
        dict(discriminator_head="projection"),
        "--discriminator_head=projection does not tell classes apart: give"
        " --classification_weight=0 with it",
    ),
    (
        dict(profile_steps=[10]),
        "--profile_steps=10: should be the first and the last step, such as 10,20",
    ),
    (
        dict(profile_steps=[20, 10]),
        "--profile_steps=20,10: should be the first and the last step, such as 10,20",
    ),
    (
        dict(profile_steps=[1, 2, 3]),
        "--profile_steps=1,2,3: should be the first and the last step, such as 10,20",
    ),
    (
        dict(profile_steps=[10, 20], train_steps=15),
        "--profile_steps=10,20: ends after the last step, --train_steps=15",
    ),
    (
        dict(decay_start_step=100),
        "--decay_start_step=100: no learning rate decays: give --final_learning_rate_fraction below"
        " 1, too",
    ),
    (
        dict(decay_start_step=100, final_learning_rate_fraction=0.1, train_steps=100),
        "--decay_start_step=100: should be before the last step, --train_steps=100",
    ),
    (
        dict(train_steps=0),
        "--train_steps=0 and --train_epochs=0: give one of them, the length of the run",
    ),
    (
        dict(train_steps=5, train_epochs=2),
        "--train_steps=5 and --train_epochs=2: give one of them, the length of the run",
    ),
    (dict(colour="red"), "unknown option 'colour'"),
]


@pytest.mark.parametrize(
    "values, message", COMBINATIONS, ids=[message[:40] for _, message in COMBINATIONS]
)
def test_wrong_combination(values, message):
    assert _message(**values).startswith(message)


@pytest.mark.parametrize("name", NOTHING)
def test_one_loss_trains_the_generator(name):
    assert getattr(from_dict({**NOTHING, "dragan_weight": 0.0, name: 1.0}).losses, name) == 1.0


def test_the_critic_alone_trains_the_generator_if_it_has_a_weight():
    assert from_dict({**NOTHING, "critic": "pretrained"}).losses.critic_counts
    assert "nothing trains the generator" in _message(
        **NOTHING, critic="pretrained", critic_weight=0.0
    )


def test_configuration_is_immutable():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Config().training.seed = 1


def test_every_option_is_read_somewhere():
    """As an attribute, in some file other than those that define them, or
    there by what turns epochs into steps.
    """
    sources = [*ROOT.glob("*.py"), *(ROOT / "sketch2img_tf").rglob("*.py")]
    defining = [
        ROOT / "sketch2img_tf" / "config.py",
        *(ROOT / "sketch2img_tf" / "options").glob("*.py"),
    ]
    trees = [ast.parse(path.read_text()) for path in sources if path not in defining]
    trees.append(ast.parse(textwrap.dedent(inspect.getsource(Config.in_steps))))
    read = {
        node.attr for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Attribute)
    }
    assert not {field.name for field in FIELDS} - read


def _lines(path: pathlib.Path) -> dict[str, str]:
    lines = [line for line in path.read_text().splitlines() if line and not line.startswith("#")]
    return dict(line[2:].split("=", 1) for line in lines)


@pytest.fixture(scope="module")
def parsed() -> dict[str, dict[str, str]]:
    """Each file of configs/, as `Config.to_flagfile` writes what it gives."""
    relative = [path.relative_to(ROOT) for path in FLAGFILES]
    results = _parse(*[[f"--flagfile={path}"] for path in relative])
    texts = {path.name: result["flagfile"] for path, result in zip(relative, results)}
    return {
        name: dict(line[2:].split("=", 1) for line in text.splitlines())
        for name, text in texts.items()
    }


def _value(text: str):
    """1, 1.0 and 1e0 are the same."""
    try:
        return float(text)
    except ValueError:
        return text


def test_config_files_are_there():
    names = {path.stem for path in FLAGFILES}
    assert {"base", "full", "ten_classes", "sketch_input", "batch_norm", "soft_labels"} <= names


def test_base_is_the_defaults_of_the_dataclasses(parsed):
    assert (
        "".join(f"--{name}={value}\n" for name, value in parsed["base.flags"].items())
        == Config().to_flagfile()
    )


@pytest.mark.parametrize("path", FLAGFILES, ids=lambda path: path.stem)
def test_config_file_differs_from_base_by_what_it_lists(path, parsed):
    """Every line of it, and nothing else; its head says what it is."""
    listed = _lines(path)
    assert path.read_text().startswith("# ")
    if path.name != "base.flags":
        assert listed.pop("flagfile") == "configs/base.flags"
        given = {name: _value(value) for name, value in parsed[path.name].items()}
        base = {name: _value(value) for name, value in parsed["base.flags"].items()}
        if "train_epochs" in listed:
            base["train_steps"] = 0  # epochs take their place
        assert given == {**base, **{name: _value(value) for name, value in listed.items()}}


# What the report says of its runs; "initial_features" and "label_noise" of the others by what it
# says of the third and of the last.
RUNS = {
    "batch_norm": dict(num_classes=0, generator_norm="batch", train_epochs=1),
    "ten_classes": dict(num_classes=10, generator_norm="conditional_batch", train_epochs=20),
    "sketch_input": dict(num_classes=10, initial_features="sketch"),
    "soft_labels": dict(
        num_classes=10, label_smoothing=0.1, label_noise=0.05, label_flip_probability=0.05
    ),
    "full": dict(num_classes=0, generator_norm="conditional_batch"),
}


@pytest.mark.parametrize("name", RUNS)
def test_a_run_of_the_report_is_as_it_says(parsed, name):
    """Weights of 1 but for DRAGAN's 10, rates of 1e-4 and 2e-4, batches of
    16; nothing beyond it but the average.
    """
    report = dict(
        gan_weight=1,
        classification_weight=1,
        dragan_weight=10,
        supervised_weight=1,
        perceptual_weight=1,
    )
    report |= dict(
        diversity_weight=1, diversity="distance", initial_features="label", label_noise=0
    )
    report |= dict(
        label_smoothing=0, label_flip_probability=0, brightness_jitter=0.3, contrast_jitter=0.2
    )
    report |= dict(
        generator_learning_rate=1e-4, discriminator_learning_rate=2e-4, global_batch_size=16
    )
    given = {key: _value(value) for key, value in parsed[f"{name}.flags"].items()}
    expected = {**report, **RUNS[name]}
    assert {key: given[key] for key in expected} == expected


@pytest.mark.parametrize("name, pictures", [("multi_worker", 32), ("tpu", 128)])
def test_the_full_run_on_other_hardware_is_as_long(parsed, name, pictures):
    given, full = parsed[f"{name}.flags"], parsed["full.flags"]
    elsewhere = ("strategy", "precision", "global_batch_size", "steps_per_call", "log_every_steps")
    assert {key for key in full if given[key] != full[key]} <= set(elsewhere)
    assert given["global_batch_size"] == str(pictures)


# --- A length in epochs, and other flags of which one takes the place of another


@pytest.mark.parametrize(
    "examples, options, steps",
    [
        (32, dict(train_epochs=3), 6),
        (33, dict(train_epochs=3), 7),  # 99 pictures in steps of 16, not three times 3 steps
        (1, dict(train_epochs=1), 1),
        (33, dict(train_epochs=3, discriminator_steps=2), 4),  # a step reads twice as much
        (33, dict(train_epochs=3, steps_per_call=5, log_every_steps=5), 10),  # whole calls
        (33, dict(train_steps=5), 5),
    ],
)
def test_epochs_come_to_whole_steps(examples, options, steps):
    given = from_dict({"global_batch_size": 16, **options})
    training = given.in_steps(examples).training
    assert (training.train_steps, training.train_epochs) == (steps, 0)
    assert given.in_steps(examples).in_steps(7 * examples).training.train_steps == steps
    assert dataclasses.replace(training, train_steps=0, train_epochs=9) == dataclasses.replace(
        given.training, train_steps=0, train_epochs=9
    )


def test_what_does_not_go_with_the_steps_of_the_epochs_names_them():
    given = from_dict(dict(train_epochs=3, decay_start_step=7, final_learning_rate_fraction=0.1))
    with pytest.raises(UserError) as error:
        given.in_steps(33)
    assert str(error.value) == (
        "--train_epochs=3 comes to 7 steps: --decay_start_step=7: should be before the last step,"
        " --train_steps=7"
    )
    assert given.in_steps(49).training.train_steps == 10
    profiled = from_dict(dict(train_epochs=1, profile_steps=[2, 4]))
    with pytest.raises(
        UserError, match="^--train_epochs=1 comes to 3 steps: --profile_steps=2,4: ends after the"
    ):
        profiled.in_steps(33)


def test_the_later_of_two_flags_that_say_the_same_counts(tmp_path):
    in_epochs, in_steps = (tmp_path / f"{name}.flags" for name in ("epochs", "steps"))
    in_epochs.write_text("--train_epochs=20\n--num_classes=10\n")
    in_steps.write_text(f"--flagfile={in_epochs}\n--train_steps=7\n--classes=ant,bat\n")
    nothing = tmp_path / "flags.txt"
    nothing.write_text("--train_steps=9\n--train_epochs=0\n--classes=\n--num_classes=3\n")
    lines = [
        [f"--flagfile={in_epochs}"],
        [f"--flagfile={in_epochs}", "--train_steps=5"],
        [f"--flagfile={in_steps}"],
        [f"--flagfile={in_steps}", "--train_epochs=2", "--num_classes=4"],
        [f"--flagfile={nothing}"],
        [f"--flagfile={in_steps}", f"--flagfile={in_epochs}", "--classes=cat"],
        [
            f"--flagfile={in_steps}",
            "--train_steps=0",
            "--train_epochs=3",
            "--classes=",
            "--num_classes=2",
        ],
    ]
    found = []
    for result in _parse(*lines):
        values = dict(line[2:].split("=", 1) for line in result["flagfile"].splitlines())
        found.append(
            tuple(
                values[name] for name in ("train_steps", "train_epochs", "classes", "num_classes")
            )
        )
    assert found == [
        ("0", "20", "", "10"),
        ("5", "0", "", "10"),
        ("7", "0", "ant,bat", "0"),
        ("0", "2", "", "4"),
        ("9", "0", "", "3"),
        ("0", "20", "cat", "0"),
        ("0", "3", "", "2"),
    ]


def test_flags_have_help():
    assert all(field.metadata["help"].endswith(".") for field in FIELDS)
