"""Draws the held-out sketches of the data with a trained model and says how far the pictures are from the real ones.

    python evaluate.py --workdir=DIR                        the averaged generator of a run's newest checkpoint
    python evaluate.py --model=EXPORT_DIR [--workdir=DIR]   an exported model, loaded as anybody would

appends one JSON object to metrics.jsonl in the run's folder (without one, beside the export), writes held_out.png there
(sketch | generated | real), and prints both.
"""

import sketch2img_tf  # noqa: F401 - checks the versions before anything else is imported

# isort: split
import os

from absl import flags

from sketch2img_tf import checkpoints, errors
from sketch2img_tf.evaluation import held_out
from sketch2img_tf.serving.local_model import LocalModel

_WORKDIR = flags.DEFINE_string("workdir", "", "Folder of the run: results go there.")
_MODEL = flags.DEFINE_string("model", "", "Folder of the exported model to evaluate instead of the run's checkpoint.")
_DATA_DIR = flags.DEFINE_string("data_dir", "", "Folder of the TFRecords; default: the one the run was trained on.")


def main() -> None:
    """Evaluates the model that the flags name."""
    if _MODEL.value:
        model = LocalModel(_MODEL.value)
        source = {"model": model.directory, "step": model.step}
        card, draw = model.card, held_out.drawing_pixels(model.from_tensors, model.card.statistics)
        folder = _WORKDIR.value or os.path.dirname(model.directory)
    else:
        errors.require(_WORKDIR)
        generator, card, step = checkpoints.load_generator(_WORKDIR.value)
        source, draw, folder = {"model": _WORKDIR.value, "step": step}, generator.draw, _WORKDIR.value
    held_out.report(held_out.open_held_out(card, _DATA_DIR.value), draw, source, folder)


if __name__ == "__main__":
    errors.run(main)
