"""The files by which others know the project say the same things."""

from __future__ import annotations

import re

from sketch2img_tf import versions
from tests.sources import ROOT


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def test_version_and_authors_are_said_once():
    project, citation = read("pyproject.toml"), read("CITATION.cff")
    (version,) = re.findall(r'^version = "(.+)"$', project, re.MULTILINE)
    assert re.findall(r"^version: (.+)$", citation, re.MULTILINE) == [version]
    assert 'authors = [{ name = "Sketch2Img developers" }]' in project
    assert "  - name: Sketch2Img developers\n" in citation and "Sketch2Img developers" in read("NOTICE")


def test_python_is_as_the_versions_say():
    ends = versions.ASKED.python[0], versions.CURRENT.python[1]
    lowest, too_new = (".".join(map(str, version)) for version in ends)
    project = read("pyproject.toml")
    assert f'requires-python = ">={lowest},<{too_new}"' in project
    assert f'target-version = "py{lowest.replace(".", "")}"' in project


def test_licence_is_apaches():
    text = read("LICENSE")
    assert "Apache License" in text and "Version 2.0, January 2004" in text and "END OF TERMS AND CONDITIONS" in text
    assert 'license = "Apache-2.0"' in read("pyproject.toml") and "license: Apache-2.0" in read("CITATION.cff")


def test_what_is_cited_is_what_the_data_sets_cite():
    bibliography = read("datasets/sketchy/CITATIONS.bib") + read("datasets/edge_maps/CITATIONS.bib")
    titles = re.findall(r"^ +title = \{(.+)\},$", bibliography, re.MULTILINE)
    assert len(titles) == 2
    for title in titles:
        assert title in read("CITATION.cff")


def test_continuous_integration_and_hooks_run_what_people_run():
    assert "run: .ci/run" in read(".github/workflows/ci.yml") and (ROOT / ".ci" / "run").stat().st_mode & 0o100
    assert ".venv/bin/ruff check" in read(".pre-commit-config.yaml") and "ruff check" in read("Makefile")


def test_editors_know_the_length_of_lines():
    (length,) = re.findall(r"^line-length = (\d+)$", read("pyproject.toml"), re.MULTILINE)
    assert f"max_line_length = {length}\n" in read(".editorconfig")
    assert f"Lines are at most {length} characters" in read("CONTRIBUTING.md")
