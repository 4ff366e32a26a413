"""Makes pictures of sketches with an exported model.

    python generate.py --sketch=FILE --label=CLASS --output=picture.png
    python generate.py --model=EXPORT_DIR --sketch=FOLDER --label=CLASS --seeds=0-7 \\
      --output=FOLDER --gallery=all.html

Without --model it is the model that ships with the project.

(from an installed wheel, `sketch2img generate` with the same flags)

A sketch may be any PNG, JPEG, WebP, GIF or BMP: drawn on the screen, scanned, or photographed from
paper. What is taken for granted about each is printed, and --show_input writes what the model is
given of it. The same sketch, class and seed give the same picture. A LiteRT model, as the one that
ships, is run without TensorFlow.
"""

import sketch2img_tf.inference  # noqa: F401 - checks the versions before other imports

# isort: split
from absl import flags

from sketch2img_tf import errors, path_flags
from sketch2img_tf.inference import generation, line_drawing

_MODEL = path_flags.define(
    "model", "", "Folder of the exported model; default: the one that ships, pretrained/."
)
_SKETCH = path_flags.define("sketch", "", "A picture file, or a folder of them.", any_bytes=True)
_LABEL = flags.DEFINE_string(
    "label", "", "Class of what is drawn; nearly right is answered with the nearest names."
)
_SEEDS = flags.DEFINE_string("seeds", "0", "Which variations: 3, or 1,5,9, or 0-7.")
_OUTPUT = path_flags.define(
    "output",
    "",
    "A .png file for one picture; or a folder, for <sketch>-<seed>.png.",
    any_bytes=True,
)
_POLARITY = flags.DEFINE_enum(
    "polarity", "auto", line_drawing.POLARITIES, "Lines on a page; auto: by its border."
)
_CROP = flags.DEFINE_bool(
    "crop",
    True,
    "Bring the drawing to the middle, as large as drawings were in training; --nocrop keeps the"
    " page.",
)
_SIZE = flags.DEFINE_integer(
    "size",
    None,
    "Pixels of a picture's side; default: those that the model draws.",
    lower_bound=64,
    upper_bound=4096,
)
_GALLERY = path_flags.define(
    "gallery",
    "",
    "Also write a .html or .png with every sketch beside its pictures.",
    any_bytes=True,
)
_SHOW_INPUT = path_flags.define(
    "show_input",
    "",
    "Also write what the model is given of a sketch: a .png file, or a folder for <sketch>.png.",
    any_bytes=True,
)


def run() -> None:
    """The command, from its flags to its exit code."""
    errors.run(_main)


def _main() -> None:
    """Draws what the flags say."""
    errors.require(_SKETCH, _LABEL, _OUTPUT)
    generation.generate(
        model=_MODEL.value,
        sketch=_SKETCH.value,
        label=_LABEL.value,
        seeds=_SEEDS.value,
        output=_OUTPUT.value,
        polarity=_POLARITY.value,
        crop=_CROP.value,
        size=_SIZE.value,
        gallery_path=_GALLERY.value,
        show_input=_SHOW_INPUT.value,
    )
