"""The release is found in the forms people have it in."""

import shutil

import pytest

from datasets.sketchy import release
from sketch2img_tf.data.names import DEFAULT_PHOTO_VARIANT, DEFAULT_SKETCH_VARIANT
from sketch2img_tf.errors import UserError


def find(manual_dir, extract_dir=None):
    return release.find(manual_dir, extract_dir, DEFAULT_PHOTO_VARIANT, DEFAULT_SKETCH_VARIANT)


def test_finds_the_three_folders(release_dir):
    found = find(release_dir)
    assert found.photos == release_dir / "256x256/photo/tx_000100000000"
    assert found.sketches == release_dir / "256x256/sketch/tx_000000000010"
    assert found.info == release_dir / "info-06-04/info"


@pytest.mark.parametrize("manual_dir", ["..", "256x256", "info-06-04"])
def test_finds_it_from_one_level_up_or_down(release_dir, manual_dir):
    assert find((release_dir / manual_dir).resolve()) == find(release_dir)


@pytest.mark.parametrize("manual_dir", [".", "rendered_256x256", "rendered_256x256/256x256"])
def test_finds_it_under_the_name_of_the_archive(release_dir, manual_dir):
    (release_dir / "rendered_256x256").mkdir()
    (release_dir / "256x256").rename(release_dir / "rendered_256x256/256x256")
    found = find(release_dir / manual_dir)
    assert found.photos == release_dir / "rendered_256x256/256x256/photo/tx_000100000000"
    assert found.info == release_dir / "info-06-04/info"


def test_finds_the_lists_without_the_folder_of_their_archive(release_dir):
    (release_dir / "info-06-04/info").rename(release_dir / "info")
    assert find(release_dir).info == release_dir / "info"


def test_says_where_it_looked_and_what_is_there(tmp_path):
    folder = tmp_path / "downloads"
    (folder / "holiday").mkdir(parents=True)
    with pytest.raises(UserError) as error:
        find(folder)
    for told in (
        "256x256/photo",
        "rendered_256x256/256x256/photo",
        "rendered_256x256.7z",
        str(tmp_path),
        "holiday",
    ):
        assert told in str(error.value)
    assert "\n" not in str(error.value)


def test_says_that_the_lists_are_missing(release_dir):
    shutil.rmtree(release_dir / "info-06-04")
    with pytest.raises(
        UserError, match=r"info-06-04/info/invalid-error.txt, .*info-06-04.zip.* it holds 256x256"
    ):
        find(release_dir)


def test_refuses_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(UserError, match="no such folder"):
        find(tmp_path / "nowhere")


def test_refuses_to_choose_between_two_releases(release_dir):
    shutil.copytree(release_dir, release_dir.parent / "another")
    with pytest.raises(UserError, match=r"another/256x256 and .*sketchy/256x256"):
        find(release_dir.parent)


def test_prefers_what_is_below_to_what_is_beside(release_dir):
    own = shutil.copytree(release_dir, release_dir / "downloads/own")
    assert find(release_dir / "downloads") == find(own)


def test_names_the_renderings_there_are(release_dir):
    with pytest.raises(
        UserError, match=r"--sketch_variant=tx_000000001110: .* it has tx_000000000010"
    ):
        release.find(release_dir, None, "tx_000100000000", "tx_000000001110")
