"""The builder against TFDS's own test of builders, on generated pictures."""

import tensorflow_datasets as tfds

from datasets.edge_maps.edge_maps_dataset_builder import Builder


class EdgeMapsTest(tfds.testing.DatasetBuilderTestCase):
    """Three classes of four photos, of several file types, sizes and colour modes."""

    DATASET_CLASS = Builder
    SPLITS = {"train": 10, "test": 2}


if __name__ == "__main__":
    tfds.testing.test_main()
