"""The configuration of a run: all options, the flags that set them, and their validation.

Every field of the five groups in `options/` is a flag of the same name: `define_flags` makes the
flags, `from_flags` reads and checks them, `to_flagfile` writes them back.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any

from absl import flags

from sketch2img_tf import path_flags
from sketch2img_tf.data.names import renderings
from sketch2img_tf.errors import UserError
from sketch2img_tf.options.data import DataConfig
from sketch2img_tf.options.evaluation import EvaluationConfig
from sketch2img_tf.options.losses import LossConfig
from sketch2img_tf.options.network import NetworkConfig
from sketch2img_tf.options.training import TrainingConfig


@dataclasses.dataclass(frozen=True)
class Config:
    """The configuration of a run. It is immutable; `dataclasses.replace` makes a changed copy."""

    data: DataConfig = DataConfig()
    network: NetworkConfig = NetworkConfig()
    losses: LossConfig = LossConfig()
    training: TrainingConfig = TrainingConfig()
    evaluation: EvaluationConfig = EvaluationConfig()

    def __post_init__(self):
        for _, group, field in _fields(self):
            _check_bounds(field, getattr(group, field.name))
        _check_together(self)

    def in_steps(self, examples: int) -> Config:
        """The same run with `train_epochs` of so many examples converted to `train_steps`.

        The steps are rounded up to whole calls of the device.

        Raises:
          UserError: an option is not compatible with so many steps.
        """
        training = self.training
        if not training.train_epochs:
            return self
        calls = -(
            -training.train_epochs
            * examples
            // (training.pictures_per_step * training.steps_per_call)
        )
        steps = calls * training.steps_per_call
        try:
            return dataclasses.replace(
                self, training=dataclasses.replace(training, train_steps=steps, train_epochs=0)
            )
        except UserError as error:
            raise UserError(
                f"--train_epochs={training.train_epochs} comes to {steps} steps: {error}"
            ) from None

    def to_dict(self) -> dict[str, Any]:
        """The values by flag name, without groups, as types of JSON."""
        return {field.name: _plain(getattr(group, field.name)) for _, group, field in _fields(self)}

    def to_flagfile(self) -> str:
        """The text of a flagfile that reproduces this configuration."""
        return "".join(f"--{name}={_text(value)}\n" for name, value in self.to_dict().items())


def from_dict(values: dict[str, Any]) -> Config:
    """The configuration of flat `values`; names that are left out keep their defaults.

    All but those in whose place another is given: they are empty.

    Raises:
      UserError: an unknown name, a value out of bounds, or values that do not go together.
    """
    unknown = set(values) - {field.name for _, _, field in _fields(Config)}
    if unknown:
        raise UserError(f"unknown option {min(unknown)!r}")
    groups = {}
    values = {**_emptied(values), **values}
    for name, group in _groups(Config):
        given = {
            field.name: values[field.name]
            for field in dataclasses.fields(group)
            if field.name in values
        }
        groups[name] = type(group)(
            **{name: _typed(group, name, value) for name, value in given.items()}
        )
    return Config(**groups)


def without_paths(config: Config) -> Config:
    """The same run with the default for all files and folders, so that it can be published."""
    defaults = {
        field.name: field.default for _, _, field in _fields(Config) if field.metadata["path"]
    }
    return from_dict({**config.to_dict(), **defaults})


def define_flags() -> None:
    """Defines one flag per field. A command file calls it once, before the flags are parsed."""
    for _, _, field in _fields(Config):
        _define(field)


def from_flags() -> Config:
    """The configuration from the parsed flags.

    Raises:
      UserError: one line that names the flag and the value.
    """
    return from_dict({field.name: flags.FLAGS[field.name].value for _, _, field in _fields(Config)})


def _typed(group, name: str, value):
    """Converts lists to tuples, and single values of older versions' cards to tuples of one."""
    if isinstance(getattr(group, name), tuple) and isinstance(value, str):
        return (value,) if value else ()
    return tuple(value) if isinstance(value, list) else value


def _emptied(values: dict[str, Any]) -> dict[str, Any]:
    """Empty values of the options whose alternative is given."""
    named = {field.name: field for _, _, field in _fields(Config)}
    emptied = [named[name].metadata["instead_of"] for name, value in values.items() if value]
    return {name: type(named[name].default)() for name in emptied if name}


def _groups(config):
    return [(field.name, getattr(config, field.name)) for field in dataclasses.fields(Config)]


def _fields(config):
    return [
        (name, group, field)
        for name, group in _groups(config)
        for field in dataclasses.fields(group)
    ]


def _define(field: dataclasses.Field) -> None:
    choices, default = field.metadata["choices"], field.default
    known = (
        f" One of: {', '.join(map(str, choices))}."
        if choices and not isinstance(default, tuple)
        else ""
    )
    listed = f" Any of: {', '.join(choices)}." if choices and isinstance(default, tuple) else ""
    text = field.metadata["help"] + known + listed
    if field.type == "tuple[int, ...]":
        flags.DEFINE(
            _IntegerListParser(),
            field.name,
            list(default),
            text,
            serializer=flags.CsvListSerializer(","),
        )
        return
    if field.metadata["instead_of"]:
        flags.DEFINE_flag(_AlternativeFlag(field, text))
        return
    if field.metadata["path"]:
        several = isinstance(default, tuple)
        (path_flags.define_list if several else path_flags.define)(
            field.name, _plain(default), text
        )
        return
    define = {
        tuple: flags.DEFINE_list,
        bool: flags.DEFINE_bool,
        int: flags.DEFINE_integer,
        float: flags.DEFINE_float,
        str: flags.DEFINE_string,
    }[type(default)]
    define(field.name, list(default) if isinstance(default, tuple) else default, text)


class _AlternativeFlag(flags.Flag):
    """A flag that says the same as another flag in other terms; the later of the two counts.

    `flagfiles` refuses both side by side, on the command line or in one flagfile.
    """

    def __init__(self, field: dataclasses.Field, text: str):
        parser, serializer = {
            tuple: (flags.ListParser(), flags.CsvListSerializer(",")),
            int: (flags.IntegerParser(), flags.ArgumentSerializer()),
        }[type(field.default)]
        super().__init__(parser, serializer, field.name, _plain(field.default), text)
        self.instead_of = field.metadata["instead_of"]

    def is_empty(self, argument: str) -> bool:
        """Whether it leaves all to the other with this argument; not if it does not take it."""
        try:
            return not self.parser.parse(argument)
        except ValueError:
            return False

    def parse(self, argument):
        super().parse(argument)
        if self.value:
            other = flags.FLAGS[self.instead_of]
            other.value = type(other.value)()


class _IntegerListParser(flags.ListParser):
    """Numbers separated by commas."""

    def parse(self, argument):
        try:
            return [int(item) for item in super().parse(argument)]
        except ValueError:
            raise ValueError("should be whole numbers separated by commas, such as 10,20") from None


def _check_bounds(field: dataclasses.Field, value) -> None:
    lower, upper, choices = (field.metadata[key] for key in ("lower", "upper", "choices"))
    for item in value if isinstance(value, tuple) else (value,):
        if choices and item not in choices:
            raise UserError(
                f"--{field.name}={item}: should be one of {', '.join(map(str, choices))}"
            )
        if isinstance(item, float) and not math.isfinite(item):
            raise UserError(f"--{field.name}={item}: should be a finite number")
        if lower is not None and item < lower:
            raise UserError(f"--{field.name}={item}: should be at least {lower}")
        if upper is not None and item > upper:
            raise UserError(f"--{field.name}={item}: should be at most {upper}")


def _check_together(config: Config) -> None:
    data, losses, training = config.data, config.losses, config.training
    if data.classes and data.num_classes:
        raise UserError("--classes and --num_classes both choose the classes: give one of them")
    if bool(training.train_steps) == bool(training.train_epochs):
        given = f"--train_steps={training.train_steps} and --train_epochs={training.train_epochs}"
        raise UserError(f"{given}: give one of them, the length of the run")
    if len(set(data.classes)) < len(data.classes):
        raise UserError(f"--classes={','.join(data.classes)}: names a class twice")
    try:
        renderings(data.photo_variant, data.sketch_variant)
    except ValueError as error:
        raise UserError(str(error)) from None
    if data.dataset == "edge_maps" and data.mixes_edge_maps:
        raise UserError(
            "--dataset=edge_maps has no sketches to mix edge maps into: leave out --edge_maps_share"
        )
    if not losses.critic_counts and not any(
        _plain(getattr(losses, name)) for name in _GENERATOR_WEIGHTS
    ):
        raise UserError(
            "nothing trains the generator: give one of"
            f" {', '.join('--' + n for n in _GENERATOR_WEIGHTS)}"
        )
    if config.network.discriminator_head == "projection" and losses.classification_weight:
        raise UserError(
            "--discriminator_head=projection does not tell classes apart: give"
            " --classification_weight=0 with it"
        )
    _check_decay(training)
    if training.profile_steps:
        _check_profile_steps(training)
    if training.tpu and training.strategy != "tpu":
        raise UserError(f"--tpu={training.tpu}: give --strategy=tpu, too, or leave it out")
    _check_steps_per_call(config)


_GENERATOR_WEIGHTS = (
    "gan_weight",
    "classification_weight",
    "supervised_weight",
    "perceptual_weight",
)


def _check_decay(training: TrainingConfig) -> None:
    given = f"--decay_start_step={training.decay_start_step}"
    decays = training.final_learning_rate_fraction < 1
    if training.decay_start_step and not decays:
        raise UserError(
            f"{given}: no learning rate decays: give --final_learning_rate_fraction below 1, too"
        )
    if decays and training.train_steps and training.decay_start_step >= training.train_steps:
        raise UserError(
            f"{given}: should be before the last step, --train_steps={training.train_steps}"
        )


def _check_profile_steps(training: TrainingConfig) -> None:
    steps = training.profile_steps
    given = f"--profile_steps={_text(list(steps))}"
    if len(steps) != 2 or steps[0] >= steps[1]:
        raise UserError(f"{given}: should be the first and the last step, such as 10,20")
    if training.train_steps and steps[1] > training.train_steps:
        raise UserError(f"{given}: ends after the last step, --train_steps={training.train_steps}")


def _check_steps_per_call(config: Config) -> None:
    training = config.training
    names = (
        "train_steps",
        "log_every_steps",
        "sample_every_steps",
        "checkpoint_every_steps",
        "profile_steps",
    )
    values = {name: getattr(training, name) for name in names}
    values["evaluate_every_steps"] = config.evaluation.evaluate_every_steps
    for name, value in values.items():
        steps = [value[0] - 1, value[1]] if name == "profile_steps" and value else [value or 0]
        if any(step % training.steps_per_call for step in steps):
            raise UserError(
                f"--{name}={_text(_plain(value))} falls within a call of"
                f" --steps_per_call={training.steps_per_call} steps: make it a multiple of that"
            )


def _plain(value):
    return list(value) if isinstance(value, tuple) else value


def _text(value) -> str:
    return flags.CsvListSerializer(",").serialize(value) if isinstance(value, list) else str(value)
