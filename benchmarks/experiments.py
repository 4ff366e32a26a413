"""How much does each choice improve the scores? Trains and scores variants of a recipe in the same
way, and prints a table.

    python benchmarks/experiments.py --variants=report,best --seeds=0,1 --common=FILE.flags \\
      --runs_dir=DIR --protocol=validation_all \\
      --features_network=MobileNet --features_weights=FILE.h5

FILE.flags of --common has what all runs share: data, --num_classes, steps, batch and width. It
overrides the configs of the variants; the other flags of a variant override both. A run is
`train.py` and then `evaluate.py`, in DIR/VARIANT-SEED. Runs follow each other. A finished run is
not repeated, and a stopped one goes on. With --table nothing is run; the table shows what is there:
the mean over the seeds, and +- half of the range between them.

It trains variants times seeds runs; after each, evaluate.py takes some minutes. Choose by a
validation part (--validation_share in FILE.flags), and use test_all only once.
"""

import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import sketch2img_tf.with_tensorflow  # noqa: F401 - checks the versions before other imports

# isort: split
import statistics

from absl import flags

from sketch2img_tf import errors, path_flags
from sketch2img_tf.errors import UserError
from sketch2img_tf.evaluation import features, protocols
from sketch2img_tf.evaluation.reports import results
from sketch2img_tf.evaluation.reports.curves import SCALAR_PREFIX
from sketch2img_tf.networks import pretrained
from sketch2img_tf.run_folder.summaries import read_scalars

_ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
_FULL = "--flagfile=configs/full.flags"
_QUICK = (
    _FULL,
    "--generator_learning_rate=1e-3",
    "--discriminator_learning_rate=1e-3",
    "--adam_beta_1=0.5",
    "--ema_decay=0.99",
    "--dragan_every_steps=4",
    "--diversity_weight=0",
)
_HEAVY = (*_QUICK, "--supervised_weight=10", "--perceptual_weight=10")
_MORE_PHOTOS = ("--edge_maps_share=0.5", "--edge_maps_share_end=0.5")
_MIXED = (*_HEAVY, "--upsampling=resize", "--horizontal_flip_probability=0.5", *_MORE_PHOTOS)
_BEST = (
    "--flagfile=configs/best_full.flags",
    *_MORE_PHOTOS,
    "--generator_learning_rate=1e-3",  # for narrow networks and few steps
    "--discriminator_learning_rate=1e-3",
    "--final_learning_rate_fraction=1",
    "--decay_start_step=0",
    "--ema_decay=0.99",
)
# The first word of a variant is its config; the other words come after the flags of all runs.
VARIANTS = {
    "report": (_FULL,),
    "batch_norm": ("--flagfile=configs/batch_norm.flags",),
    "sketch_input": ("--flagfile=configs/sketch_input.flags",),
    "soft_labels": ("--flagfile=configs/soft_labels.flags",),
    "quick": _QUICK,
    "heavy": _HEAVY,
    "heavy_hinge_diffaugment": (
        *_HEAVY,
        "--gan_loss=hinge",
        "--diffaugment=colour,translation,cutout",
    ),
    "heavy_resize": (*_HEAVY, "--upsampling=resize"),
    "heavier": (*_HEAVY, "--perceptual_weight=30"),
    "heavy_more_photos": (*_HEAVY, *_MORE_PHOTOS, "--horizontal_flip_probability=0.5"),
    "mixed": _MIXED,
    "mixed_distance_field": (*_MIXED, "--sketch_encoding=distance_field"),
    "mixed_diverse": (*_MIXED, "--diversity_weight=1"),
    "mixed_more_diverse": (*_MIXED, "--diversity_weight=4"),
    "mixed_mostly_edge_maps": (*_MIXED, "--edge_maps_share=0.8", "--edge_maps_share_end=0.8"),
    "mixed_sketch_input": (*_MIXED, "--initial_features=sketch"),
    "best": _BEST,
    "best_distance_field": (*_BEST, "--sketch_encoding=distance_field"),
    "best_without_average": (*_BEST, "--ema_decay=0"),
    "best_without_gan": (*_BEST, "--gan_weight=0"),
    "best_without_classification": (*_BEST, "--classification_weight=0"),
    "best_without_dragan": (*_BEST, "--dragan_weight=0"),
    "best_without_supervised": (*_BEST, "--supervised_weight=0"),
    "best_without_perceptual": (*_BEST, "--perceptual_weight=0"),
    "best_without_diversity": (*_BEST, "--diversity_weight=0"),
    "best_without_edge_maps": (*_BEST, "--edge_maps_share=0", "--edge_maps_share_end=0"),
    "best_without_flips": (*_BEST, "--horizontal_flip_probability=0"),
    "best_transposed": (*_BEST, "--upsampling=transposed"),
    "best_wide": (*_BEST, "--base_width=16"),
    "best_bfloat16": (*_BEST, "--precision=mixed_bfloat16"),
}

_VARIANTS = flags.DEFINE_list("variants", ["report"], f"What to run: {', '.join(VARIANTS)}.")
_SEEDS = flags.DEFINE_list("seeds", ["0"], "Seeds; each variant is run with each of them.")
_COMMON = path_flags.define("common", "", "Flagfile with the flags that all runs share.")
_RUNS_DIR = path_flags.define("runs_dir", "", "Folder that has a folder for each run.")
_PROTOCOL = flags.DEFINE_enum(
    "protocol",
    "",
    ["", *protocols.PROTOCOLS],
    "Protocol of the scores; without it the table has what training logged last"
    " (--evaluate_every_steps in --common).",
)
_NETWORK = flags.DEFINE_enum(
    "features_network", "MobileNet", list(pretrained.CHOICES), "Network of the metrics."
)
_WEIGHTS = path_flags.define(
    "features_weights", "imagenet", "Its weights: imagenet, or a file (.h5, without its top)."
)
_TABLE = flags.DEFINE_bool("table", False, "Run nothing; print the table of what is there.")


def main() -> None:
    """Runs what is not finished, and prints the table."""
    errors.require(_RUNS_DIR)
    unknown = set(_VARIANTS.value) - set(VARIANTS)
    if unknown:
        raise UserError(
            f"--variants={min(unknown)}: no such variant; give some of {', '.join(VARIANTS)}"
        )
    if not _TABLE.value:
        errors.require(_COMMON)
        for seed in _SEEDS.value:
            for variant in _VARIANTS.value:
                _run(variant, seed)
    print("\n".join(_table()))


def _run(variant: str, seed: str) -> None:
    workdir = _workdir(variant, seed)
    config, *own = VARIANTS[variant]
    # train.py runs in the project's folder, so the path must be absolute
    common = f"--flagfile={os.path.abspath(_COMMON.value)}"
    _command("train.py", config, common, *own, f"--seed={seed}", f"--workdir={workdir}")
    if _PROTOCOL.value and _metrics(variant, seed) is None:
        chosen = [f"--{holder.name}={holder.value}" for holder in (_PROTOCOL, _NETWORK, _WEIGHTS)]
        _command("evaluate.py", f"--workdir={workdir}", *chosen)


def _command(*command: str) -> None:
    done = subprocess.run([sys.executable, *command], cwd=_ROOT, check=False, stdout=sys.stderr)
    if done.returncode:
        raise UserError(f"{' '.join(command)} failed ({done.returncode}): see its message above")


def _workdir(variant: str, seed: str) -> str:
    return os.path.abspath(os.path.join(_RUNS_DIR.value, f"{variant}-{seed}"))


def _metrics(variant: str, seed: str) -> dict | None:
    """The metrics of the run's last step, if this protocol and this network measured them."""
    scalars = read_scalars(_workdir(variant, seed))
    if not scalars:
        return None
    last = scalars[-1]["step"]
    if not _PROTOCOL.value:
        logged = [line for line in scalars if line["step"] == last and f"{SCALAR_PREFIX}l1" in line]
        return (
            {tag[len(SCALAR_PREFIX) :]: value for tag, value in logged[-1].items()}
            if logged
            else None
        )
    for result in reversed(results.read(_workdir(variant, seed))):
        protocol = result["protocol"]
        measured = (result["step"], protocol["name"], (protocol["features"] or {}).get("network"))
        if measured == (last, _PROTOCOL.value, _NETWORK.value):
            return result["metrics"]
    return None


def _table() -> list[str]:
    """Lines of Markdown, with a row for each variant that has scores."""
    lines = [f"| variant | seeds | steps | {' | '.join(_columns())} | s per step |"]
    lines.append("|---" * (4 + len(_columns())) + "|")
    for variant in _VARIANTS.value:
        found = {seed: metrics for seed in _SEEDS.value if (metrics := _metrics(variant, seed))}
        if found:
            lines.append(_row(variant, found))
    return lines


def _row(variant: str, found: dict[str, dict]) -> str:
    runs = [read_scalars(_workdir(variant, seed)) for seed in found]
    cells = [
        variant,
        ", ".join(found),
        ", ".join(sorted({str(scalars[-1]["step"]) for scalars in runs})),
    ]
    cells += [_text([metrics[name] for metrics in found.values()]) for name in _columns()]
    cells.append(_text([_seconds_per_step(scalars) for scalars in runs]))
    return f"| {' | '.join(cells)} |"


def _columns() -> list[str]:
    network = _NETWORK.value
    return [
        features.distance_names(features.FeatureFlags(network, _WEIGHTS.value))[1],
        f"class_accuracy_{network}",
        "edge_recall",
        "edge_recall_by_chance",
        "diversity_coarse_l1",
        f"nearest_train_{network}",
        "l1",
    ]


def _seconds_per_step(scalars: list[dict]) -> float:
    return 1 / statistics.median(
        line["steps_per_second"] for line in scalars if "steps_per_second" in line
    )


def _text(values: list[float]) -> str:
    """The mean and, if there are several values, half of their range."""
    mean = f"{statistics.mean(values):.3f}"
    return f"{mean} +- {(max(values) - min(values)) / 2:.3f}" if len(values) > 1 else mean


if __name__ == "__main__":
    errors.run(main)
