"""The photos that judge: all that are built and not held out, whatever a run mixes in."""

from __future__ import annotations

import json
import pathlib
import shutil

import numpy as np
import pytest

import datasets.edge_maps
from datasets.edge_maps import records as edge_maps_records
from sketch2img_tf.config import DataConfig
from sketch2img_tf.data import sources
from sketch2img_tf.evaluation import examples, training_photos

PHOTOS = pathlib.Path(datasets.edge_maps.__file__).parent / "dummy_data"


@pytest.fixture(scope="module")
def data_dir(dummy_data_dir, tmp_path_factory):
    """The dummy release and the dummy photos, of the same three classes."""
    data_dir = shutil.copytree(dummy_data_dir, tmp_path_factory.mktemp("beside") / "data")
    edge_maps_records.build(str(PHOTOS), str(data_dir))
    return data_dir


def opened(data_dir, **options):
    return sources.open_data(DataConfig(data_dir=str(data_dir), **options))


def as_set(photos):
    return {photo.tobytes() for photo in photos}


@pytest.mark.ci
def test_photos_beside_the_sketches_judge_whether_or_not_they_are_mixed_in(
    data_dir, dummy_data_dir
):
    mixed = opened(data_dir, edge_maps_share=0.5)
    pixels, labels = training_photos.read(sources.all_photos(mixed))
    of_both = [examples.read_part(data, "train") for data in (mixed, mixed.edge_maps)]
    assert as_set(pixels) == as_set(of_both[0].photos) | as_set(of_both[1].photos)
    assert len(pixels) == len(labels) == len(as_set(pixels)) > len(as_set(of_both[0].photos))
    for part in of_both:
        for photo, label in zip(part.photos, part.labels):
            np.testing.assert_array_equal(labels[(pixels == photo).all((1, 2, 3))], [label])
    held_out = [examples.read_part(data, "test").photos for data in (mixed, mixed.edge_maps)]
    assert not as_set(pixels) & as_set(np.concatenate(held_out))

    unmixed = opened(data_dir)
    again = training_photos.load(unmixed, None)
    np.testing.assert_array_equal(again.pixels, pixels)
    assert _kept(mixed) == _kept(unmixed) != _kept(opened(dummy_data_dir))


def test_photos_that_do_not_go_with_the_sketches_are_left_out_and_said(data_dir, tmp_path, capsys):
    data_dir = shutil.copytree(data_dir, tmp_path / "data")
    path = edge_maps_records.dataset_dir(data_dir) / "metadata.json"
    metadata = json.loads(path.read_text())
    metadata["class_names"][0] = "unicorn"
    path.write_text(json.dumps(metadata))
    sketchy = opened(data_dir)
    assert sources.all_photos(sketchy) == [sketchy]
    error = capsys.readouterr().err
    assert (
        error.startswith("the photos of the edge maps are left out: ")
        and "have no class apple" in error
    )


def test_photos_that_are_the_data_are_read_once(data_dir):
    alone = opened(data_dir, dataset="edge_maps")
    assert sources.all_photos(alone) == [alone]


def _kept(sketchy):
    return training_photos._path(sources.all_photos(sketchy), None).rpartition("/")[2]
