"""Writes a small Sketchy, drawn by code, in the exact layout of the release: to try and to test.

    python -m datasets.miniature.build --output_dir=DIR

Every photo is a scene of `scenes.py`, of one of the release's own classes. Every sketch is the
scene's outline as a hurried person might draw it (`strokes.py`). A photo and its sketches depend
only on the seed, the class and their number.
"""

from __future__ import annotations

from absl import flags

from sketch2img_tf import errors, path_flags
from sketch2img_tf.errors import UserError


def _define_flags() -> None:
    path_flags.define("output_dir", "", "Folder to write; it must be empty or not exist.")
    flags.DEFINE_integer("photos_per_class", 30, "Photos of each class.", lower_bound=1)
    flags.DEFINE_integer("sketches_per_photo", 4, "Sketches of each photo.", lower_bound=1)
    flags.DEFINE_list("classes", [], "Classes to draw; by default all that there are.")
    flags.DEFINE_integer("seed", 0, "Seed of all random numbers.", lower_bound=0)


def _main() -> None:
    given = flags.FLAGS
    if not given.output_dir:
        raise UserError("--output_dir=DIR is missing: give the folder to write")
    from datasets.miniature import release  # here, when the flags are right: it takes a while

    release.write(
        given.output_dir,
        given.photos_per_class,
        given.sketches_per_photo,
        given.classes or release.CLASSES,
        given.seed,
    )
    print(f"a miniature Sketchy is in {given.output_dir}")


if __name__ == "__main__":
    _define_flags()
    errors.run(_main)
