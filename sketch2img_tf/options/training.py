"""Options of the training."""

from __future__ import annotations

import dataclasses

from sketch2img_tf.options.option import AUGMENTATIONS, option


@dataclasses.dataclass(frozen=True)
class TrainingConfig:
    """The training."""

    workdir: str = option(
        "",
        "Folder of the run: checkpoints, summaries, samples. If it holds a run, this run"
        " continues.",
        path=True,
    )
    init_from: str = option(
        "",
        "Folder of another run; a new run starts with its networks, in place of random ones.",
        path=True,
    )
    train_steps: int = option(
        100_000,
        "Steps of the whole run, including earlier sessions.",
        lower=0,
        instead_of="train_epochs",
    )
    train_epochs: int = option(
        0,
        "Epochs of the whole run, in place of --train_steps: the run reads this many times the"
        " number of training examples, rounded up to whole steps.",
        lower=0,
        instead_of="train_steps",
    )
    global_batch_size: int = option(16, "Pictures per step, over all replicas.", lower=1)
    generator_learning_rate: float = option(1e-4, "Adam's rate for the generator.", lower=0)
    discriminator_learning_rate: float = option(2e-4, "Adam's rate for the discriminator.", lower=0)
    final_learning_rate_fraction: float = option(
        1.0,
        "All learning rates decay linearly, to this share of their value at the last step.",
        lower=0,
        upper=1,
    )
    decay_start_step: int = option(
        0, "Step after which the learning rates begin to decay.", lower=0
    )
    adam_beta_1: float = option(
        0.9, "Adam's decay rate of the first moment, for all networks.", lower=0, upper=0.9999
    )
    adam_beta_2: float = option(
        0.999, "Adam's decay rate of the second moment, for all networks.", lower=0, upper=0.999999
    )
    gradient_clip_norm: float = option(
        0.0, "Clip the norm of each network's gradient to this; 0: never.", lower=0
    )
    discriminator_steps: int = option(
        1, "Updates of the discriminator per step, each on its own batch.", lower=1, upper=100
    )
    diffaugment: tuple[str, ...] = option(
        (), "Differentiable augmentation of all that the discriminator sees.", choices=AUGMENTATIONS
    )
    ema_decay: float = option(
        0.999,
        "Decay per step of the generator's moving average; 0: no averaging.",
        lower=0,
        upper=1,
    )
    precision: str = option(
        "float32",
        "Precision of the networks; auto: mixed_bfloat16 if the hardware has bfloat16, else"
        " float32.",
        choices=("auto", "float32", "mixed_bfloat16", "mixed_float16"),
    )
    strategy: str = option(
        "auto",
        "Devices: all visible GPUs, or the CPU if there are none (auto); one device; all GPUs"
        " (mirrored); several machines that TF_CONFIG names (multi_worker); or a TPU.",
        choices=("auto", "one_device", "mirrored", "multi_worker", "tpu"),
    )
    tpu: str = option(
        "", "Name or address of the TPU for --strategy=tpu; empty for this machine's own."
    )
    cross_replica_norm: bool = option(
        True,
        "Compute batch norm's statistics over the global batch, not over each replica's part of"
        " it.",
    )
    steps_per_call: int = option(
        1,
        "Steps per call of the device; more keep a TPU busy. Logs, checkpoints and stops are"
        " between calls.",
        lower=1,
    )
    seed: int = option(
        0, "Seed of weights, data order, jitter and noise.", lower=0, upper=2**31 - 1
    )
    log_every_steps: int = option(10, "Steps between scalars.", lower=1)
    sample_every_steps: int = option(
        500, "Steps between sample grids and measurements of held_out_l1.", lower=1
    )
    checkpoint_every_steps: int = option(500, "Steps between checkpoints.", lower=1)
    checkpoints_kept: int = option(3, "How many of the newest checkpoints are kept.", lower=1)
    deterministic: bool = option(
        False,
        "Use only deterministic, slower operations: then a stop does not change the results at"
        " all.",
    )
    max_skipped_updates: int = option(
        10,
        "Go back to the last checkpoint after so many updates in a row with values that are not"
        " finite.",
        lower=1,
    )
    max_retries: int = option(
        3,
        "How often a run may go back to the last checkpoint, with new noise, before it stops.",
        lower=0,
    )
    profile_steps: tuple[int, ...] = option(
        (), "First and last step of a profile for TensorBoard, such as 10,20.", lower=1
    )

    @property
    def pictures_per_step(self) -> int:
        """How many training examples a step reads, over all replicas."""
        return self.global_batch_size * self.discriminator_steps
