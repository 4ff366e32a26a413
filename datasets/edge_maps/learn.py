"""Learns from drawings where people draw in a photo; the build of edge maps then draws so too.

    python -m datasets.edge_maps.learn --sketches_dir=DATA_DIR/sketchy/RENDERINGS/VERSION \\
      --output=lines.npz
    python -m datasets.edge_maps.build --lines_weights=lines.npz ...

The folder is that of a built Sketchy whose sketches lie about where they were drawn on the photo;
photos that it holds out teach nothing. The last line on stdout is a JSON object: how many photos
and sketches taught, and how well lines agree with sketches of photos that are held out.
"""

from __future__ import annotations

import json

from absl import flags, logging

from sketch2img_tf import errors, path_flags


def _define_flags() -> None:
    path_flags.define(
        "sketches_dir", "", "Folder of built sketches, DATA_DIR/sketchy/RENDERINGS/VERSION."
    )
    path_flags.define(
        "features_weights",
        "imagenet",
        "Weights of the MobileNet that looks at photos: imagenet, random, or a file.",
    )
    path_flags.define("output", "", "File to write, such as lines.npz.")
    flags.DEFINE_integer("steps", 600, "Steps of the training.", lower_bound=1)


def _main() -> None:
    names = ("sketches_dir", "features_weights", "output", "steps")
    given = {name: flags.FLAGS[name].value for name in names}
    for name in ("sketches_dir", "output"):
        if not given[name]:
            raise errors.UserError(f"--{name} is missing: --help explains it")
    # Here, when the flags are right: these imports take seconds
    import tensorflow as tf

    from datasets.edge_maps import learning

    logging.set_verbosity(logging.WARNING)
    tf.config.set_visible_devices([], "GPU")  # Leave its memory to a training on this computer.
    print(json.dumps(learning.learn(**given)))


if __name__ == "__main__":
    _define_flags()
    errors.run(_main)
