"""Options of how a run is watched."""

from __future__ import annotations

import dataclasses

from sketch2img_tf.options.option import option


@dataclasses.dataclass(frozen=True)
class EvaluationConfig:
    """How a run is watched; docs/evaluation.md explains the metrics."""

    evaluate_every_steps: int = option(
        0, "Steps between evaluations; the checkpoint of the best one is kept in --workdir/best. 0: none.", lower=0
    )
    best_metric: str = option("", "The metric that it is the best by; default: the kernel distance, or else l1.")
    features_network: str = option(
        "",
        "Network of tf.keras.applications, or EfficientNetLite0, in whose features the evaluations measure; empty for"
        " none.",
        choices=("", "InceptionV3", "InceptionResNetV2", "MobileNet", "EfficientNetLite0"),
    )
    features_weights: str = option("imagenet", "Its weights: imagenet, or a file (.h5, no top; or .npz).", path=True)
    collapse_steps: int = option(
        1000, "Warn of pictures of one colour, or the same whatever the noise, for so many steps.", lower=1
    )
    stop_on_collapse: bool = option(False, "End the run then.")
