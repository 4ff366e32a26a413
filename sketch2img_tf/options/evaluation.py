"""Options of how a run is watched and drawn with."""

from __future__ import annotations

import dataclasses

from sketch2img_tf.options.option import option

# "" and those of `networks/pretrained.py`
FEATURES_NETWORKS = ("", "InceptionV3", "InceptionResNetV2", "MobileNet", "EfficientNetLite0")


@dataclasses.dataclass(frozen=True)
class EvaluationConfig:
    """How a run is watched and drawn with; docs/evaluation.md explains the metrics."""

    evaluate_every_steps: int = option(
        0,
        "Steps between evaluations; --workdir/best keeps the checkpoint of the best one. 0: never.",
        lower=0,
    )
    best_metric: str = option(
        "",
        "Metric that chooses the best checkpoint; by default the kernel distance if there is one,"
        " else l1.",
    )
    features_network: str = option(
        "",
        "Network of tf.keras.applications, or EfficientNetLite0, whose features the evaluations"
        " use; empty for none.",
        choices=FEATURES_NETWORKS,
    )
    features_weights: str = option(
        "imagenet",
        "Weights of --features_network: imagenet, or a file (.h5 without top, or .npz).",
        path=True,
    )
    noise_deviation: float = option(
        1.0,
        "Standard deviation of the noise in samples, evaluations and exports. Training always uses"
        " 1. Below 1 pictures vary less and are more often good.",
        lower=0,
        upper=1,
    )
    collapse_steps: int = option(
        1000,
        "Warn if, for this many steps, pictures have one colour or do not depend on the noise.",
        lower=1,
    )
    stop_on_collapse: bool = option(
        False, "End the run in place of the warning of --collapse_steps."
    )
