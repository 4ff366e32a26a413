"""Options of the training."""

from __future__ import annotations

import dataclasses

from sketch2img_tf.options.option import AUGMENTATIONS, option


@dataclasses.dataclass(frozen=True)
class TrainingConfig:
    """How the training goes."""

    workdir: str = option(
        "", "Folder of the run: checkpoints, summaries, samples. An old run in it goes on.", path=True
    )
    init_from: str = option("", "Folder of another run, whose networks a new run starts with.", path=True)
    train_steps: int = option(
        100_000, "Steps of the whole run, earlier sessions included.", lower=0, instead_of="train_epochs"
    )
    train_epochs: int = option(
        0,
        "Its epochs, in place of --train_steps: so many times as many examples as there are to train on are read,"
        " rounded up to whole steps.",
        lower=0,
        instead_of="train_steps",
    )
    global_batch_size: int = option(16, "Pictures a step, over all replicas.", lower=1)
    generator_learning_rate: float = option(1e-4, "Adam's rate for the generator.", lower=0)
    discriminator_learning_rate: float = option(2e-4, "Adam's rate for the discriminator.", lower=0)
    final_learning_rate_fraction: float = option(
        1.0, "Both rates fall in a straight line to this share of themselves at the last step.", lower=0, upper=1
    )
    decay_start_step: int = option(0, "Step after which they begin to fall.", lower=0)
    adam_beta_1: float = option(0.9, "Adam's decay of the first moment, in both.", lower=0, upper=0.9999)
    adam_beta_2: float = option(0.999, "Adam's decay of the second moment, in both.", lower=0, upper=0.999999)
    gradient_clip_norm: float = option(
        0.0, "A network's gradient is scaled down to this norm where it is longer; 0: never.", lower=0
    )
    discriminator_steps: int = option(
        1, "Updates of the discriminator a step, each on a batch of its own.", lower=1, upper=100
    )
    diffaugment: tuple[str, ...] = option(
        (), "Differentiable augmentation of all that the discriminator sees.", choices=AUGMENTATIONS
    )
    ema_decay: float = option(0.999, "Decay a step of the averaged generator; 0: no averaging.", lower=0, upper=1)
    precision: str = option(
        "float32",
        "Arithmetic of the networks; auto: mixed_bfloat16 where the hardware has it, else float32.",
        choices=("auto", "float32", "mixed_bfloat16", "mixed_float16"),
    )
    strategy: str = option(
        "auto",
        "Devices: all visible GPUs or else one device (auto), several machines that TF_CONFIG names, or a TPU.",
        choices=("auto", "one_device", "mirrored", "multi_worker", "tpu"),
    )
    tpu: str = option("", "Name or address of the TPU of --strategy=tpu; this machine's own if it is left out.")
    cross_replica_norm: bool = option(
        True, "Batch norm's statistics are those of the global batch, not of each replica's part of it."
    )
    steps_per_call: int = option(
        1, "Steps that a device takes at one go: more keep a TPU busy. A run logs, saves and stops between.", lower=1
    )
    seed: int = option(0, "Seed of weights, data order, jitter and noise.", lower=0, upper=2**31 - 1)
    log_every_steps: int = option(10, "Steps between scalars.", lower=1)
    sample_every_steps: int = option(500, "Steps between sample grids and held-out figures.", lower=1)
    checkpoint_every_steps: int = option(500, "Steps between checkpoints.", lower=1)
    checkpoints_kept: int = option(3, "Checkpoints kept, the newest ones.", lower=1)
    deterministic: bool = option(
        False, "Only arithmetic that gives the same bits every time, slower: a stop then makes no difference at all."
    )
    max_skipped_updates: int = option(
        10, "Updates in a row that may be left out for not being finite before the run goes back.", lower=1
    )
    max_retries: int = option(
        3, "Times that it goes back to the last checkpoint, with other noise, before it stops.", lower=0
    )
    profile_steps: tuple[int, ...] = option((), "First and last step of a trace for TensorBoard, as 10,20.", lower=1)

    @property
    def pictures_per_step(self) -> int:
        """Training examples that a step reads, over all replicas."""
        return self.global_batch_size * self.discriminator_steps
