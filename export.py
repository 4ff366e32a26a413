"""Exports the averaged generator of a run.

    python export.py --workdir=DIR --export_dir=DIR    a SavedModel, for TensorFlow Serving
    ... --format=tflite        a TensorFlow Lite model, for tablets and browsers
    ... --format=web           a page that draws in the browser, for any server
    ... --format=pretrained    all that ships of a run, with --export_dir=pretrained

writes DIR/<global step>/saved_model.pb, DIR/tflite-<global step>/model.tflite, DIR/web-<global
step>/index.html, or pretrained/ itself, which draws like the second and is a --workdir to start
from; and prints the folder's path.
"""

import sketch2img_tf.with_tensorflow  # noqa: F401 - checks the versions before other imports

# isort: split
from absl import flags

from sketch2img_tf import errors, path_flags

_WORKDIR = path_flags.define("workdir", "", "Folder of the run.")
_EXPORT_DIR = path_flags.define(
    "export_dir",
    "",
    "Folder of the exports, one numbered folder a version; of --format=pretrained the folder"
    " itself.",
)
_FORMAT = flags.DEFINE_enum(
    "format", "saved_model", ["saved_model", "tflite", "web", "pretrained"], "What to write."
)
_NOISE_DEVIATION = flags.DEFINE_float(
    "noise_deviation",
    None,
    "Standard deviation of the noise, 0 to 1, in place of the run's. Below 1 pictures vary less and"
    " are more often good.",
    lower_bound=0,
    upper_bound=1,
)


def main() -> None:
    """Exports the newest checkpoint."""
    errors.require(_WORKDIR, _EXPORT_DIR)
    # Here, when the flags are right: these imports take seconds
    from sketch2img_tf.draw_page import web_page
    from sketch2img_tf.export import exported_model, lite_model, pretrained
    from sketch2img_tf.run_folder import checkpoints

    if _FORMAT.value == "pretrained":
        print(pretrained.export(_WORKDIR.value, _EXPORT_DIR.value, _NOISE_DEVIATION.value))
        return
    formats = {"saved_model": exported_model, "tflite": lite_model, "web": web_page}
    generator, card, step = checkpoints.load_generator(_WORKDIR.value, _NOISE_DEVIATION.value)
    print(formats[_FORMAT.value].export(generator, card, step, _EXPORT_DIR.value))


if __name__ == "__main__":
    errors.run(main)
