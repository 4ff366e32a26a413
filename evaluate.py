"""Draws held-out sketches of the data with a trained model and says what the pictures are worth.

    python evaluate.py --workdir=DIR         the averaged generator of a run's newest checkpoint
    python evaluate.py --model=EXPORT_DIR    an exported model
    ... --features_network=MobileNet --features_weights=FILE.h5    distances in its features too
    ... --plot                               also plots, and report.html

appends one JSON object to metrics.jsonl in the run's folder (without one, beside the export),
writes held_out.png there (sketch | generated | real), and prints a table and the object.
docs/evaluation.md explains the metrics.
"""

import sketch2img_tf.with_tensorflow  # noqa: F401 - checks the versions before other imports

# isort: split
import os

from absl import flags

from sketch2img_tf import errors, path_flags
from sketch2img_tf.evaluation import protocols
from sketch2img_tf.options.evaluation import FEATURES_NETWORKS

_WORKDIR = path_flags.define("workdir", "", "Folder of the run: results go there.")
_MODEL = path_flags.define(
    "model", "", "Folder of the exported model to evaluate instead of the run's checkpoint."
)
_DATA_DIR = path_flags.define(
    "data_dir", "", "Folder of the TFRecords; default: the one the run was trained on."
)
_PROTOCOL = flags.DEFINE_enum(
    "protocol",
    "",
    ["", *protocols.PROTOCOLS],
    "Which pictures are measured; default: 256 of the run's validation part, or without one of the"
    " test part.",
)
_NETWORK = flags.DEFINE_enum(
    "features_network",
    "",
    FEATURES_NETWORKS,
    "Network of tf.keras.applications, or EfficientNetLite0, in whose features to measure.",
)
_WEIGHTS = path_flags.define(
    "features_weights", "imagenet", "Its weights: imagenet, or a file (.h5, no top; or .npz)."
)
_NOISE_DEVIATION = flags.DEFINE_float(
    "noise_deviation",
    None,
    "Standard deviation of the noise, 0 to 1, in place of the run's; not with --model. Below 1"
    " pictures vary less and are more often good.",
    lower_bound=0,
    upper_bound=1,
)
_PLOT = flags.DEFINE_bool("plot", False, "Also write plots of the run and report.html.")


def main() -> None:
    """Evaluates the model that the flags name."""
    if not _MODEL.value:
        errors.require(_WORKDIR)
    elif _NOISE_DEVIATION.value is not None:
        raise errors.UserError(
            "--noise_deviation: an export has its own; leave the flag out, or give --workdir alone"
        )
    # Here, when the flags are right: these imports take seconds
    import tensorflow as tf

    from sketch2img_tf.evaluation import features, held_out
    from sketch2img_tf.evaluation.evaluator import Evaluator
    from sketch2img_tf.evaluation.reports import reporting
    from sketch2img_tf.inference.local_model import LocalModel
    from sketch2img_tf.run_folder import checkpoints

    feature_flags = features.FeatureFlags(_NETWORK.value, _WEIGHTS.value)
    features.check_weights(feature_flags)
    if _MODEL.value:
        model = LocalModel(_MODEL.value)
        card, step, of_what = model.card, model.step, model.directory
        draw = held_out.drawing_pixels(model.from_tensors, model.card.statistics)
        folder = _WORKDIR.value or os.path.dirname(model.directory)
    else:
        generator, card, step = checkpoints.load_generator(_WORKDIR.value, _NOISE_DEVIATION.value)
        of_what = _WORKDIR.value
        draw = tf.function(generator.draw, autograph=False, reduce_retracing=True)
        folder = _WORKDIR.value
    noise_deviation = card.config.evaluation.noise_deviation
    source = {"model": of_what, "step": step, "noise_deviation": noise_deviation}
    sketchy = held_out.open_paired_dataset(card, _DATA_DIR.value)
    evaluator = Evaluator(sketchy, protocols.find(_PROTOCOL.value, sketchy), feature_flags)
    reporting.report(evaluator, draw, source, card.config.losses, folder, _PLOT.value)


if __name__ == "__main__":
    errors.run(main)
