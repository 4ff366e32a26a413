"""Extracts the release's archives, once, into a cache."""

from __future__ import annotations

import os
import pathlib
import shutil
import zipfile

import py7zr
from py7zr.callbacks import ExtractCallback
from tqdm import tqdm

from sketch2img_tf.errors import UserError
from sketch2img_tf.surroundings import progress


def extract(archive: pathlib.Path, cache_dir: pathlib.Path) -> pathlib.Path:
    """Extracts a .7z or .zip archive into a folder of `cache_dir` and returns that folder.

    The folder gets its name only when it is complete. The name has the archive's size and time of
    change, so a second call finds the folder, and another archive of the same name gets another.

    Raises:
      UserError: the archive is damaged, or has a member that would land outside the folder.
    """
    status = archive.stat()
    target = cache_dir / f"{archive.stem}-{status.st_size}-{status.st_mtime_ns}"
    if not target.is_dir():
        partial = target.with_name(target.name + ".partial")
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        _extract_all(archive, partial)
        os.rename(partial, target)
    return target


def _extract_all(archive: pathlib.Path, target: pathlib.Path) -> None:
    try:
        (_extract_7z if archive.suffix == ".7z" else _extract_zip)(archive, target)
    except (UserError, OSError):
        raise
    except Exception as error:  # The two libraries raise dozens of types on damaged archives.
        reason = str(error) or type(error).__name__
        raise UserError(f"{archive} cannot be extracted ({reason}): download it again") from error


def _extract_zip(archive: pathlib.Path, target: pathlib.Path) -> None:
    with zipfile.ZipFile(archive) as packed:
        members = packed.infolist()
        _check_names(archive, [member.filename for member in members])
        for member in progress.bar(members, desc=f"Extracting {archive.name}", unit=" files"):
            packed.extract(member, target)


def _extract_7z(archive: pathlib.Path, target: pathlib.Path) -> None:
    with py7zr.SevenZipFile(archive) as packed:
        members = list(packed.files)
        _check_names(archive, [member.filename for member in members])
        links = [member.filename for member in members if member.is_symlink]
        if links:
            raise UserError(
                f"{archive} has a link, {links[0]!r}, but the release has none: download it again"
            )
        with progress.bar(
            total=len(members), desc=f"Extracting {archive.name}", unit=" files"
        ) as bar:
            packed.extractall(target, callback=_Progress(bar))


class _Progress(ExtractCallback):
    """Moves a bar on at each file. py7zr needs the other methods too."""

    def __init__(self, bar: tqdm):
        self._bar = bar

    def report_start(self, processing_file_path, processing_bytes):
        self._bar.update()

    def report_start_preparation(self):
        pass

    def report_update(self, decompressed_bytes):
        pass

    def report_end(self, processing_file_path, wrote_bytes):
        pass

    def report_warning(self, message):
        pass

    def report_postprocess(self):
        pass


def _check_names(archive: pathlib.Path, names: list[str]) -> None:
    """Refuses absolute names, drives, and `..`, with the separators of any system."""
    for name in names:
        parts = name.replace("\\", "/").split("/")
        if parts[0] == "" or ":" in parts[0] or ".." in parts:
            raise UserError(
                f"{archive} has a member {name!r} that would land outside its folder: download it"
                " again"
            )
