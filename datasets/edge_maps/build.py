"""Builds the TFRecords of your own photos, once for all runs; outlines take the place of sketches.

    python -m datasets.edge_maps.build --photos_dir=DIR[,DIR...] --data_dir=DIR

DIR of --photos_dir has a folder for each class, with photos in it: JPEG, PNG or WebP files, at
least 64x64 pixels, in any colour mode. Several such folders become one data set; a photo that is in
two of them is taken once. The build decodes every photo first. It lists what is wrong on stderr, by
kind and name, and then writes nothing, unless --max_bad allows so many bad files. The last line on
stdout is a JSON object: the numbers of examples and classes, what was skipped, what each folder
gave, and the mean and scale of the training pictures.
"""

from __future__ import annotations

import json

from absl import flags, logging

from sketch2img_tf import errors, path_flags


def _define_flags() -> None:
    path_flags.define_list("photos_dir", [], "Folders of photos; each has a folder per class.")
    path_flags.define("data_dir", "runs/data", "Folder of the TFRecords.")
    path_flags.define(
        "testset",
        "",
        "File that lists the photos to hold out, one class/photo.jpg per line; by default, a tenth"
        " of the photos is held out.",
    )
    path_flags.define(
        "sketches_dir",
        "",
        "Folder of built sketches, DATA_DIR/sketchy/RENDERINGS/VERSION, with which a run mixes"
        " the photos. Photos that the sketches hold out are held out here too, photos that the"
        " sketches train on are left out, and no tenth is held out.",
    )
    path_flags.define(
        "lines_weights",
        "",
        "File that datasets.edge_maps.learn wrote from sketches: draw the thing in a photo as"
        " people would. By default, the most salient edges are drawn.",
    )
    path_flags.define(
        "features_weights",
        "imagenet",
        "With --lines_weights: weights of MobileNet with which that file was made: imagenet,"
        " random, or a file.",
    )
    flags.DEFINE_integer(
        "max_bad",
        0,
        "How many bad files (see datasets/edge_maps/README.md) the build may leave out.",
        lower_bound=0,
    )
    flags.DEFINE_bool(
        "beam", False, "Build with Apache Beam (requirements-beam.txt), for large collections."
    )
    flags.DEFINE_list(
        "beam_options", [], "Beam's options, such as runner=DirectRunner,direct_num_workers=4."
    )


def _main() -> None:
    # Here, when the flags are right: these imports take seconds
    import tensorflow as tf

    from datasets.edge_maps import records

    logging.set_verbosity(logging.WARNING)
    tf.config.set_visible_devices([], "GPU")  # Leave its memory to a training on this computer.
    names = (
        *("photos_dir", "data_dir", "testset", "max_bad", "beam", "beam_options", "sketches_dir"),
        *("lines_weights", "features_weights"),
    )
    print(json.dumps(records.build(**{name: flags.FLAGS[name].value for name in names})))


if __name__ == "__main__":
    _define_flags()
    errors.run(_main)
