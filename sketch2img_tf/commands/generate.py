"""Makes pictures of sketches with an exported model.

    python generate.py --sketch=FILE --label=CLASS --output=picture.png
    python generate.py --model=EXPORT_DIR --sketch=FOLDER --label=CLASS --seeds=0-7 \\
      --output=FOLDER --gallery=all.html

Without --model it uses the model that ships with the project.

(from an installed wheel, `sketch2img generate` with the same flags)

A sketch may be any PNG, JPEG, WebP, GIF or BMP: drawn on the screen, scanned, or photographed from
paper. The command prints what it assumes about each sketch, and --show_input writes the sketch as
the model sees it. The same sketch, class and seed give the same picture. A LiteRT model, such as
the one that ships, runs without TensorFlow.
"""

from absl import flags

from sketch2img_tf import errors, path_flags
from sketch2img_tf.data.names import POLARITIES

_MODEL = path_flags.define(
    "model", "", "Folder of the exported model; default: the one that ships with the project."
)
_SKETCH = path_flags.define("sketch", "", "A picture file, or a folder of some.", any_bytes=True)
_LABEL = flags.DEFINE_string(
    "label", "", "Class of what is drawn; for a wrong name the command names the nearest ones."
)
_SEEDS = flags.DEFINE_string("seeds", "0", "Which variations: 3, or 1,5,9, or 0-7.")
_OUTPUT = path_flags.define(
    "output",
    "",
    "A .png file for one picture; or a folder, for <sketch>-<seed>.png.",
    any_bytes=True,
)
_POLARITY = flags.DEFINE_enum(
    "polarity", "auto", POLARITIES, "Tone of the lines and the page; auto finds out."
)
_CROP = flags.DEFINE_bool(
    "crop",
    True,
    "Move the drawing to the middle and scale it to the size of drawings in training; --nocrop"
    " keeps the page as it is.",
)
_SIZE = flags.DEFINE_integer(
    "size",
    None,
    "Pixels of a picture's side; by default as many as the model draws.",
    lower_bound=64,
    upper_bound=4096,
)
_GALLERY = path_flags.define(
    "gallery",
    "",
    "Also write a .html or .png file with every sketch beside its pictures.",
    any_bytes=True,
)
_SHOW_INPUT = path_flags.define(
    "show_input",
    "",
    "Also write the sketch as the model sees it: a .png file, or a folder for <sketch>.png.",
    any_bytes=True,
)
_JOBS = flags.DEFINE_integer(
    "jobs", 1, "Sketches to read, and pictures to draw, at once.", lower_bound=1, upper_bound=64
)


def run() -> None:
    """Runs the command with the flags of the command line; ends with its exit code."""
    errors.run(_main)


def _main() -> None:
    """Draws pictures as the flags say."""
    errors.require(_SKETCH, _LABEL, _OUTPUT)
    from sketch2img_tf.inference import generation  # here, when the flags are right

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
        jobs=_JOBS.value,
    )
