"""The builder against TFDS's own test of builders, on generated pictures."""

import tensorflow_datasets as tfds

from datasets.sketchy.sketchy_dataset_builder import Builder


class SketchyTest(tfds.testing.DatasetBuilderTestCase):
    """Three classes of three photos, with two sketches each; testset.txt has a photo per class."""

    DATASET_CLASS = Builder
    BUILDER_CONFIG_NAMES_TO_TEST = [Builder.DEFAULT_BUILDER_CONFIG_NAME]
    SPLITS = {"train": 12, "test": 6}


if __name__ == "__main__":
    tfds.testing.test_main()
