"""What a run can be told: frozen dataclasses, the flags that fill them, and validation in the user's words.

Every field of the five groups is a flag of the same name; its default, help, bounds and choices stand beside it and
nowhere else. `define_flags` makes the flags, `from_flags` reads and checks them, `to_flagfile` writes them back.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any

from absl import flags

from datasets.names import (
    DEFAULT_PHOTO_VARIANT,
    DEFAULT_SKETCH_VARIANT,
    MARKS,
    PHOTO_VARIANTS,
    SKETCH_VARIANTS,
    renderings,
)
from sketch2img_tf import path_flags
from sketch2img_tf.errors import UserError

AUGMENTATIONS = ("colour", "translation", "cutout")
SKETCH_ENCODINGS = ("lines", "distance_field", "signed_distance")


def _option(default, help, *, choices=(), lower=None, upper=None, path=False, instead_of=""):
    """A field that becomes a flag; a list's `choices` bound each of its items; `path`: it names a file or folder.

    `instead_of` names another field that says the same in other terms, and this one to it: of both
    one is empty, and a flag that is given empties the other.
    """
    metadata = dict(help=help, choices=choices, lower=lower, upper=upper, path=path, instead_of=instead_of)
    return dataclasses.field(default=default, metadata=metadata)


@dataclasses.dataclass(frozen=True)
class DataConfig:
    """Which pictures."""

    dataset: str = _option(
        "sketchy",
        "Sketches that people drew of photos, or your own photos with their edges (datasets/edge_maps/README.md).",
        choices=("sketchy", "edge_maps"),
    )
    manual_dir: tuple[str, ...] = _option(
        (), "Folders of the Sketchy release, mostly one, read once to build the TFRecords.", path=True
    )
    data_dir: str = _option(
        "runs/data", "Folder of the TFRecords; built from --manual_dir when they are missing.", path=True
    )
    photos_dir: tuple[str, ...] = _option(
        (), "Folders of your photos, a folder per class in each, read once to build the edge maps.", path=True
    )
    photo_variant: tuple[str, ...] = _option(
        (DEFAULT_PHOTO_VARIANT,),
        "Rendering of the photos, one for all of --manual_dir or one for each;"
        " `python -m datasets.sketchy.build --help` explains them.",
        choices=tuple(PHOTO_VARIANTS),
    )
    sketch_variant: tuple[str, ...] = _option(
        (DEFAULT_SKETCH_VARIANT,),
        "Rendering of the sketches, likewise.",
        choices=tuple(SKETCH_VARIANTS),
    )
    max_bad: int = _option(0, "Bad files to leave out when the TFRecords are built.", lower=0)
    drop_sketches: tuple[str, ...] = _option(
        ("error",), "Sketches with any of these flags are left out.", choices=MARKS
    )
    sketch_encoding: str = _option(
        "lines",
        "What the networks see of a sketch: its lines, each pixel's distance to the nearest line, or this distance with"
        " a sign that tells what the drawing encloses from what is around it.",
        choices=SKETCH_ENCODINGS,
    )
    image_size: int = _option(
        64, "Pixels of a picture's side, sketch and photo alike, which a run keeps for life.", choices=(64, 128)
    )
    classes: tuple[str, ...] = _option((), "Classes to use, by name; empty for all.", instead_of="num_classes")
    num_classes: int = _option(
        0, "Use the first N classes in alphabetical order; 0 for all.", lower=0, instead_of="classes"
    )
    shuffle_buffer: int = _option(8192, "Examples among which the next one is drawn.", lower=1)
    balance_classes: float = _option(
        0.0, "Classes with few examples are read more often: 0, as they come, to 1, all alike.", lower=0, upper=1
    )
    validation_share: float = _option(
        0.0, "Share of the training photos, to a thousandth, that is kept out of the training.", lower=0, upper=0.5
    )
    brightness_jitter: float = _option(
        0.3, "Training photos are made brighter or darker, by a factor of up to 1 +- this.", lower=0, upper=1
    )
    contrast_jitter: float = _option(
        0.2, "Their contrast, about the photo's mean grey, is changed by a factor of up to 1 +- this.", lower=0, upper=1
    )
    horizontal_flip_probability: float = _option(
        0.0, "Share of the training pairs that are mirrored, photo and sketch alike.", lower=0, upper=1
    )
    crop_fraction: float = _option(
        0.0, "Up to this share of the side is cut off training pairs, photo and sketch alike.", lower=0, upper=0.5
    )
    sketch_warp_fraction: float = _option(
        0.0, "Lines of training sketches are bent by this share of the side, photos are not.", lower=0, upper=0.1
    )
    edge_maps_share: float = _option(
        0.0, "Share of edge maps among the training examples at first, to a thousandth.", lower=0, upper=1
    )
    edge_maps_share_end: float = _option(0.0, "Their share in the end, likewise.", lower=0, upper=1)
    edge_maps_share_steps: int = _option(
        50_000, "Steps from the one share to the other, in a straight line.", lower=1, upper=1_000_000
    )

    @property
    def mixes_edge_maps(self) -> bool:
        """Whether there are edge maps among real sketches at any time."""
        return bool(self.edge_maps_share or self.edge_maps_share_end)


@dataclasses.dataclass(frozen=True)
class NetworkConfig:
    """The generator and the discriminator; a run keeps these for life."""

    base_width: int = _option(64, "Channels of the first MRU of both networks.", lower=1, upper=512)
    generator_norm: str = _option(
        "conditional_batch",
        "Normalisation in the generator: batch norm with a scale and shift per class, or with shared ones and what a"
        " class adds to them, plain batch, or instance norm.",
        choices=("conditional_batch", "conditional_residual", "batch", "instance"),
    )
    initial_features: str = _option(
        "label",
        "What the encoder starts from: a learned plane per class, or 8 channels convolved from the sketch.",
        choices=("label", "sketch"),
    )
    upsampling: str = _option(
        "transposed",
        "How the decoder doubles: 2x2 transposed convolutions, or nearest neighbours and a 3x3 convolution.",
        choices=("transposed", "resize"),
    )


    sketch_detail: str = _option(
        "full",
        "Of what size the generator sees the sketch: a smaller one has no lines to be traced, only where they are.",
        choices=("full", "half", "quarter"),
    )
    discriminator_norm: str = _option(
        "batch", "Normalisation in the discriminator, beside its kernels' spectral one.", choices=("batch", "none")
    )
    discriminator_head: str = _option(
        "classifier",
        "How the discriminator takes account of classes: a head that tells them apart, or the product of its features"
        " with a vector of the class, which adds to what it says of real and fake (projection).",
        choices=("classifier", "projection"),
    )


@dataclasses.dataclass(frozen=True)
class LossConfig:
    """The six losses, and the critic's. A weight of 0 switches a loss off, and its cost with it."""

    gan_weight: float = _option(1.0, "Weight of the adversarial loss.", lower=0)
    gan_loss: str = _option(
        "cross_entropy", "What the adversarial loss is made of.", choices=("cross_entropy", "hinge")
    )
    classification_weight: float = _option(1.0, "Weight of the class cross entropy.", lower=0)
    focal_gamma: float = _option(0.0, "Focusing of the class cross entropy on hard examples; 0: none.", lower=0)
    dragan_weight: float = _option(10.0, "Weight of the DRAGAN gradient penalty.", lower=0)
    dragan_every_steps: int = _option(1, "Penalties are computed every N steps, and count N times then.", lower=1)
    r1_weight: float = _option(
        0.0, "Weight of the R1 gradient penalty, at real photos, beside DRAGAN's or in its place.", lower=0
    )
    supervised_weight: float = _option(1.0, "Weight of the L1 distance to the real photo.", lower=0)
    unaligned_supervised_fraction: float = _option(
        1.0,
        "It counts for this share of that for sketches drawn from memory, whose lines do not lie on their photo.",
        lower=0,
        upper=1,
    )
    perceptual_weight: float = _option(1.0, "Weight of the L1 distance between network features.", lower=0)
    diversity_weight: float = _option(1.0, "Weight of the reward for pictures that follow the noise.", lower=0)
    diversity: str = _option(
        "distance", "Distance of two pictures, over that of their noises (slope) or not.", choices=("distance", "slope")
    )
    supervision: str = _option(
        "first_draw",
        "What the L1 and the perceptual loss take: the distance of one picture of a sketch to its photo, or the energy"
        " score of two, with other noise each: their mean distance to it, less half of that to each other.",
        choices=("first_draw", "energy_score"),
    )
    label_smoothing: float = _option(0.0, "The discriminator's target for real is 1 minus this.", lower=0, upper=0.5)
    label_noise: float = _option(0.0, "Its targets are moved inwards by up to this, at random.", lower=0, upper=0.5)
    label_flip_probability: float = _option(0.0, "Share of its examples told the wrong way.", lower=0, upper=0.5)
    perceptual_network: str = _option(
        "InceptionV3",
        "Network of tf.keras.applications, or EfficientNetLite0, whose features are compared.",
        choices=("InceptionV3", "InceptionResNetV2", "MobileNet", "EfficientNetLite0"),
    )
    perceptual_layers: tuple[str, ...] = _option(
        (), "Its layers, by name or as activation:N, the N-th activation counted from 0; empty for a good choice."
    )
    perceptual_size: int = _option(0, "Pictures are resized to this many pixels for it; 0: its own.", lower=0)
    perceptual_weights: str = _option(
        "imagenet", "imagenet, a weights file (.h5, no top; or .npz), or random.", path=True
    )
    perceptual_scaling: str = _option(
        "auto",
        "Distances as they are, or each layer's over its deviation; auto: so where they are large, in"
        " EfficientNetLite0.",
        choices=("auto", "none", "deviation"),
    )
    critic: str = _option(
        "none",
        "A critic beside the discriminator, or in its place: heads that judge what a pretrained network sees.",
        choices=("none", "pretrained"),
    )
    critic_weight: float = _option(0.25, "Weight of its hinge loss, a sum over four scales.", lower=0)
    critic_network: str = _option(
        "MobileNet", "The network that it sees by.", choices=("MobileNet", "EfficientNetLite0")
    )
    critic_size: int = _option(0, "Pictures are resized to this many pixels for it; 0: its own.", lower=0)
    critic_weights: str = _option(
        "imagenet", "Weights of that network: imagenet, a file (.h5, no top; or .npz), or random.", path=True
    )
    critic_diffaugment: tuple[str, ...] = _option(
        (), "Differentiable augmentation of all that the critic sees.", choices=AUGMENTATIONS
    )

    @property
    def penalized(self) -> bool:
        """Whether the discriminator has a gradient penalty."""
        return self.dragan_weight > 0 or self.r1_weight > 0

    @property
    def noise_draws(self) -> int:
        """How many pictures of a sketch a step makes: two if any loss compares them."""
        supervised = self.supervised_weight or self.perceptual_weight
        return 2 if self.diversity_weight or (self.supervision == "energy_score" and supervised) else 1

    @property
    def critic_counts(self) -> bool:
        """Whether there is a critic, and somebody listens to it."""
        return self.critic != "none" and self.critic_weight > 0


@dataclasses.dataclass(frozen=True)
class TrainingConfig:
    """How the training goes."""

    workdir: str = _option(
        "", "Folder of the run: checkpoints, summaries, samples. An old run in it goes on.", path=True
    )
    init_from: str = _option("", "Folder of another run, whose networks a new run starts with.", path=True)
    train_steps: int = _option(
        100_000, "Steps of the whole run, earlier sessions included.", lower=0, instead_of="train_epochs"
    )
    train_epochs: int = _option(
        0,
        "Its epochs, in place of --train_steps: so many times as many examples as there are to train on are read,"
        " rounded up to whole steps.",
        lower=0,
        instead_of="train_steps",
    )
    global_batch_size: int = _option(16, "Pictures a step, over all replicas.", lower=1)
    generator_learning_rate: float = _option(1e-4, "Adam's rate for the generator.", lower=0)
    discriminator_learning_rate: float = _option(2e-4, "Adam's rate for the discriminator.", lower=0)
    final_learning_rate_fraction: float = _option(
        1.0, "Both rates fall in a straight line to this share of themselves at the last step.", lower=0, upper=1
    )
    decay_start_step: int = _option(0, "Step after which they begin to fall.", lower=0)
    adam_beta_1: float = _option(0.9, "Adam's decay of the first moment, in both.", lower=0, upper=0.9999)
    adam_beta_2: float = _option(0.999, "Adam's decay of the second moment, in both.", lower=0, upper=0.999999)
    gradient_clip_norm: float = _option(
        0.0, "A network's gradient is scaled down to this norm where it is longer; 0: never.", lower=0
    )
    discriminator_steps: int = _option(
        1, "Updates of the discriminator a step, each on a batch of its own.", lower=1, upper=100
    )
    diffaugment: tuple[str, ...] = _option(
        (), "Differentiable augmentation of all that the discriminator sees.", choices=AUGMENTATIONS
    )
    ema_decay: float = _option(0.999, "Decay a step of the averaged generator; 0: no averaging.", lower=0, upper=1)
    precision: str = _option(
        "float32",
        "Arithmetic of the networks; auto: mixed_bfloat16 where the hardware has it, else float32.",
        choices=("auto", "float32", "mixed_bfloat16", "mixed_float16"),
    )
    strategy: str = _option(
        "auto",
        "Devices: all visible GPUs or else one device (auto), several machines that TF_CONFIG names, or a TPU.",
        choices=("auto", "one_device", "mirrored", "multi_worker", "tpu"),
    )
    tpu: str = _option("", "Name or address of the TPU of --strategy=tpu; this machine's own if it is left out.")
    cross_replica_norm: bool = _option(
        True, "Batch norm's statistics are those of the global batch, not of each replica's part of it."
    )
    steps_per_call: int = _option(
        1, "Steps that a device takes at one go: more keep a TPU busy. A run logs, saves and stops between.", lower=1
    )
    seed: int = _option(0, "Seed of weights, data order, jitter and noise.", lower=0, upper=2**31 - 1)
    log_every_steps: int = _option(10, "Steps between scalars.", lower=1)
    sample_every_steps: int = _option(500, "Steps between sample grids and held-out figures.", lower=1)
    checkpoint_every_steps: int = _option(500, "Steps between checkpoints.", lower=1)
    checkpoints_kept: int = _option(3, "Checkpoints kept, the newest ones.", lower=1)
    deterministic: bool = _option(
        False, "Only arithmetic that gives the same bits every time, slower: a stop then makes no difference at all."
    )
    max_skipped_updates: int = _option(
        10, "Updates in a row that may be left out for not being finite before the run goes back.", lower=1
    )
    max_retries: int = _option(
        3, "Times that it goes back to the last checkpoint, with other noise, before it stops.", lower=0
    )
    profile_steps: tuple[int, ...] = _option((), "First and last step of a trace for TensorBoard, as 10,20.", lower=1)

    @property
    def pictures_per_step(self) -> int:
        """Training examples that a step reads, over all replicas."""
        return self.global_batch_size * self.discriminator_steps


@dataclasses.dataclass(frozen=True)
class EvaluationConfig:
    """How a run is watched; docs/evaluation.md explains the metrics."""

    evaluate_every_steps: int = _option(
        0, "Steps between evaluations; the checkpoint of the best one is kept in --workdir/best. 0: none.", lower=0
    )
    best_metric: str = _option("", "The metric that it is the best by; default: the kernel distance, or else l1.")
    features_network: str = _option(
        "",
        "Network of tf.keras.applications, or EfficientNetLite0, in whose features the evaluations measure; empty for"
        " none.",
        choices=("", "InceptionV3", "InceptionResNetV2", "MobileNet", "EfficientNetLite0"),
    )
    features_weights: str = _option("imagenet", "Its weights: imagenet, or a file (.h5, no top; or .npz).", path=True)
    collapse_steps: int = _option(
        1000, "Warn of pictures of one colour, or the same whatever the noise, for so many steps.", lower=1
    )
    stop_on_collapse: bool = _option(False, "End the run then.")


@dataclasses.dataclass(frozen=True)
class Config:
    """A whole run. Immutable; `dataclasses.replace` makes another."""

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
        """The same run with its length in steps, if it is in epochs of so many examples: whole calls of the device.

        Raises:
          UserError: an option does not go with so many steps.
        """
        training = self.training
        if not training.train_epochs:
            return self
        calls = -(-training.train_epochs * examples // (training.pictures_per_step * training.steps_per_call))
        steps = calls * training.steps_per_call
        try:
            return dataclasses.replace(self, training=dataclasses.replace(training, train_steps=steps, train_epochs=0))
        except UserError as error:
            raise UserError(f"--train_epochs={training.train_epochs} comes to {steps} steps: {error}") from None

    def to_dict(self) -> dict[str, Any]:
        """Flag name to value, flat, as JSON can hold it."""
        return {field.name: _plain(getattr(group, field.name)) for _, group, field in _fields(self)}

    def to_flagfile(self) -> str:
        """The text of a flagfile that gives this configuration again."""
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
        given = {field.name: values[field.name] for field in dataclasses.fields(group) if field.name in values}
        groups[name] = type(group)(**{name: _typed(group, name, value) for name, value in given.items()})
    return Config(**groups)


def define_flags() -> None:
    """Defines one flag a field. Called once, by a command file, before the flags are parsed."""
    for _, _, field in _fields(Config):
        _define(field)


def from_flags() -> Config:
    """The configuration that the parsed flags give.

    Raises:
      UserError: one line that names the flag and the value.
    """
    return from_dict({field.name: flags.FLAGS[field.name].value for _, _, field in _fields(Config)})


def _typed(group, name: str, value):
    """A list as the tuple that the field is; cards of older versions have one value where there may now be several."""
    if isinstance(getattr(group, name), tuple) and isinstance(value, str):
        return (value,) if value else ()
    return tuple(value) if isinstance(value, list) else value


def _emptied(values: dict[str, Any]) -> dict[str, Any]:
    """What is empty because another is given in its place."""
    named = {field.name: field for _, _, field in _fields(Config)}
    emptied = [named[name].metadata["instead_of"] for name, value in values.items() if value]
    return {name: type(named[name].default)() for name in emptied if name}


def _groups(config):
    return [(field.name, getattr(config, field.name)) for field in dataclasses.fields(Config)]


def _fields(config):
    return [(name, group, field) for name, group in _groups(config) for field in dataclasses.fields(group)]


def _define(field: dataclasses.Field) -> None:
    choices, default = field.metadata["choices"], field.default
    known = f" One of: {', '.join(map(str, choices))}." if choices and not isinstance(default, tuple) else ""
    listed = f" Any of: {', '.join(choices)}." if choices and isinstance(default, tuple) else ""
    text = field.metadata["help"] + known + listed
    if field.type == "tuple[int, ...]":
        flags.DEFINE(_IntegerListParser(), field.name, list(default), text, serializer=flags.CsvListSerializer(","))
        return
    if field.metadata["instead_of"]:
        flags.DEFINE_flag(_AlternativeFlag(field, text))
        return
    if field.metadata["path"]:
        several = isinstance(default, tuple)
        (path_flags.define_list if several else path_flags.define)(field.name, _plain(default), text)
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
    """Says the same as another flag in other terms: the later one of the two counts, as of one flag given twice."""

    def __init__(self, field: dataclasses.Field, text: str):
        parser, serializer = {
            tuple: (flags.ListParser(), flags.CsvListSerializer(",")),
            int: (flags.IntegerParser(), flags.ArgumentSerializer()),
        }[type(field.default)]
        super().__init__(parser, serializer, field.name, _plain(field.default), text)
        self.instead_of = field.metadata["instead_of"]

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
            raise ValueError("should be whole numbers separated by commas, as 10,20") from None


def _check_bounds(field: dataclasses.Field, value) -> None:
    lower, upper, choices = (field.metadata[key] for key in ("lower", "upper", "choices"))
    for item in value if isinstance(value, tuple) else (value,):
        if choices and item not in choices:
            raise UserError(f"--{field.name}={item}: should be one of {', '.join(map(str, choices))}")
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
        raise UserError(f"{given}: how long is the run? Give one of them")
    if len(set(data.classes)) < len(data.classes):
        raise UserError(f"--classes={','.join(data.classes)}: names a class twice")
    try:
        renderings(data.photo_variant, data.sketch_variant)
    except ValueError as error:
        raise UserError(str(error)) from None
    if data.dataset == "edge_maps" and data.mixes_edge_maps:
        raise UserError("--dataset=edge_maps has no sketches to mix edge maps into: leave out --edge_maps_share")
    if not losses.critic_counts and not any(_plain(getattr(losses, name)) for name in _GENERATOR_WEIGHTS):
        raise UserError(f"nothing trains the generator: give one of {', '.join('--' + n for n in _GENERATOR_WEIGHTS)}")
    if config.network.discriminator_head == "projection" and losses.classification_weight:
        raise UserError(
            "--discriminator_head=projection does not tell classes apart: give --classification_weight=0 with it"
        )
    _check_decay(training)
    if training.profile_steps:
        _check_profile_steps(training)
    if training.tpu and training.strategy != "tpu":
        raise UserError(f"--tpu={training.tpu} goes with --strategy=tpu")
    _check_steps_per_call(config)


_GENERATOR_WEIGHTS = ("gan_weight", "classification_weight", "supervised_weight", "perceptual_weight")


def _check_decay(training: TrainingConfig) -> None:
    given = f"--decay_start_step={training.decay_start_step}"
    decays = training.final_learning_rate_fraction < 1
    if training.decay_start_step and not decays:
        raise UserError(f"{given}: nothing decays without --final_learning_rate_fraction below 1")
    if decays and training.train_steps and training.decay_start_step >= training.train_steps:
        raise UserError(f"{given}: is not before the last step, --train_steps={training.train_steps}")


def _check_profile_steps(training: TrainingConfig) -> None:
    steps = training.profile_steps
    given = f"--profile_steps={_text(list(steps))}"
    if len(steps) != 2 or steps[0] >= steps[1]:
        raise UserError(f"{given}: should be the first and the last step, as 10,20")
    if training.train_steps and steps[1] > training.train_steps:
        raise UserError(f"{given}: ends after the last step, --train_steps={training.train_steps}")


def _check_steps_per_call(config: Config) -> None:
    training = config.training
    names = ("train_steps", "log_every_steps", "sample_every_steps", "checkpoint_every_steps", "profile_steps")
    values = {name: getattr(training, name) for name in names}
    values["evaluate_every_steps"] = config.evaluation.evaluate_every_steps
    for name, value in values.items():
        steps = [value[0] - 1, value[1]] if name == "profile_steps" and value else [value or 0]
        if any(step % training.steps_per_call for step in steps):
            raise UserError(
                f"--{name}={_text(_plain(value))} is amid a call of --steps_per_call={training.steps_per_call} steps:"
                " make it a multiple of that"
            )


def _plain(value):
    return list(value) if isinstance(value, tuple) else value


def _text(value) -> str:
    return flags.CsvListSerializer(",").serialize(value) if isinstance(value, list) else str(value)
