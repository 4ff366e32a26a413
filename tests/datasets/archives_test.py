"""Archives are extracted whole, once, and only into their own folder."""

import os
import shutil
import zipfile

import pytest

from datasets.sketchy import archives, release
from sketch2img_tf.errors import UserError

py7zr = pytest.importorskip("py7zr", reason="needs py7zr to write a .7z")


@pytest.fixture
def packed_dir(release_dir, tmp_path):
    """The release as it is downloaded."""
    folder = tmp_path / "packed"
    folder.mkdir()
    with py7zr.SevenZipFile(folder / "rendered_256x256.7z", "w") as packed:
        packed.writeall(release_dir / "256x256", "256x256")
    shutil.make_archive(str(folder / "info-06-04"), "zip", release_dir, "info-06-04")
    return folder


def files(folder):
    return {
        path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def find(manual_dir, extract_dir):
    return release.find(manual_dir, extract_dir, "tx_000100000000", "tx_000000000010")


def test_finds_the_same_files_in_archives_as_in_folders(release_dir, packed_dir, tmp_path):
    found, expected = find(packed_dir, tmp_path / "cache"), find(release_dir, None)
    assert files(found.photos) == files(expected.photos)
    assert files(found.sketches) == files(expected.sketches)
    assert files(found.info) == files(expected.info)


def test_extracts_once(packed_dir, tmp_path):
    first = archives.extract(packed_dir / "info-06-04.zip", tmp_path / "cache")
    (first / "mark").touch()
    assert archives.extract(packed_dir / "info-06-04.zip", tmp_path / "cache") == first
    assert (first / "mark").exists()


def test_extracts_a_changed_archive_again(packed_dir, tmp_path):
    first = archives.extract(packed_dir / "info-06-04.zip", tmp_path / "cache")
    os.utime(packed_dir / "info-06-04.zip", ns=(0, 0))
    assert archives.extract(packed_dir / "info-06-04.zip", tmp_path / "cache") != first


def test_starts_over_after_an_interruption(packed_dir, tmp_path, monkeypatch):
    monkeypatch.setattr(os, "rename", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        archives.extract(packed_dir / "info-06-04.zip", tmp_path / "cache")
    (partial,) = (tmp_path / "cache").iterdir()
    (partial / "half a file").touch()
    monkeypatch.undo()
    extracted = archives.extract(packed_dir / "info-06-04.zip", tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == [extracted]
    assert not (extracted / "half a file").exists()


@pytest.mark.parametrize(
    "name", ["../escaped", "a/../../escaped", "/tmp/escaped", "..\\escaped", "C:\\escaped"]
)
def test_refuses_members_that_climb_out(tmp_path, name):
    archive = tmp_path / "info-06-04.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr(name, "")
    with pytest.raises(UserError, match="outside its folder"):
        archives.extract(archive, tmp_path / "deep/cache")
    assert not list(tmp_path.rglob("escaped"))


def test_refuses_links_in_a_7z(tmp_path):
    (tmp_path / "link").symlink_to("/etc")
    with py7zr.SevenZipFile(tmp_path / "rendered_256x256.7z", "w") as packed:
        packed.write(tmp_path / "link", "link")
    with pytest.raises(UserError, match="has a link, 'link'"):
        archives.extract(tmp_path / "rendered_256x256.7z", tmp_path / "cache")


@pytest.mark.parametrize("name", ["rendered_256x256.7z", "info-06-04.zip"])
def test_refuses_half_an_archive(packed_dir, tmp_path, name):
    archive = packed_dir / name
    archive.write_bytes(archive.read_bytes()[: archive.stat().st_size // 2])
    with pytest.raises(UserError, match="cannot be extracted"):
        archives.extract(archive, tmp_path / "cache")


def test_refuses_an_archive_of_something_else(release_dir, tmp_path):
    shutil.rmtree(release_dir / "info-06-04")
    with zipfile.ZipFile(release_dir / "info-06-04.zip", "w") as packed:
        packed.writestr("holiday.txt", "")
    with pytest.raises(UserError, match="is not the release's archive"):
        find(release_dir, tmp_path / "cache")
