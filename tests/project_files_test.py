"""The files by which others know the project say the same things."""

from __future__ import annotations

import re

from packaging.requirements import Requirement

from sketch2img_tf import versions
from tests import sources
from tests.sources import ROOT


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def test_version_and_authors_are_said_once():
    project, citation = read("pyproject.toml"), read("CITATION.cff")
    (version,) = re.findall(r'^version = "(.+)"$', project, re.MULTILINE)
    assert re.findall(r"^version: (.+)$", citation, re.MULTILINE) == [version]
    assert re.findall(r"sketch2img_tf-(.+?)-py3", read("README.md")) == [version]
    assert 'authors = [{ name = "Sketch2Img developers" }]' in project
    assert "  - name: Sketch2Img developers\n" in citation and "Sketch2Img developers" in read(
        "NOTICE"
    )


def test_python_is_as_the_versions_say():
    ends = versions.ASKED.python[0], versions.DRAWING.python[1]
    lowest, too_new = (".".join(map(str, version)) for version in ends)
    project = read("pyproject.toml")
    assert f'requires-python = ">={lowest},<{too_new}"' in project
    assert f'target-version = "py{lowest.replace(".", "")}"' in project


def test_the_wheel_has_all_that_its_commands_import_and_nothing_of_other_names():
    packages = re.findall(r'^    "(sketch2img_tf[\w.]*)",$', read("pyproject.toml"), re.MULTILINE)
    reached = [
        path
        for path in sources.reached("sketch2img_tf/commands/sketch2img.py")
        if path.endswith(".py")
    ]
    needed = {path.rpartition("/")[0].replace("/", ".") for path in reached}
    assert needed <= set(packages) and len(reached) > 50
    more = {"sketch2img_tf.draw_page.page", "sketch2img_tf.pretrained"}  # no Python
    assert set(packages) == needed | more


def test_the_wheel_asks_for_what_drawing_takes():
    (line,) = re.findall(r"^dependencies = \[(.*)\]", read("pyproject.toml"), re.MULTILINE)
    asked = {
        requirement.name: (
            str(min(requirement.specifier, key=str)),
            str(max(requirement.specifier, key=str)),
        )
        for requirement in map(Requirement, re.findall('"([^"]+)"', line))
    }
    bounds = {
        name: [".".join(map(str, end)) for end in ends]
        for name, ends in versions.DRAWING.libraries.items()
    }
    assert asked == {
        name: (f"<{too_new}", f">={lowest}") for name, (lowest, too_new) in bounds.items()
    }
    extras = dict(
        re.findall(r'^([\w-]+) = \{ file = \["(.+)"\] \}$', read("pyproject.toml"), re.MULTILINE)
    )
    assert extras == {
        lane.extra: lane.requirements
        for lane in (versions.ASKED, versions.CURRENT, versions.DRAWING)
    }


def test_licence_is_apaches():
    text = read("LICENSE")
    assert (
        "Apache License" in text
        and "Version 2.0, January 2004" in text
        and "END OF TERMS AND CONDITIONS" in text
    )
    assert 'license = "Apache-2.0"' in read("pyproject.toml") and "license: Apache-2.0" in read(
        "CITATION.cff"
    )


def test_what_is_cited_is_what_the_data_sets_cite():
    bibliography = read("datasets/sketchy/CITATIONS.bib") + read("datasets/edge_maps/CITATIONS.bib")
    titles = re.findall(r"^ +title = \{(.+)\},$", bibliography, re.MULTILINE)
    assert len(titles) == 2
    for title in titles:
        assert title in read("CITATION.cff")


def test_continuous_integration_and_hooks_run_what_people_run():
    assert (
        "run: .ci/run" in read(".github/workflows/ci.yml")
        and (ROOT / ".ci" / "run").stat().st_mode & 0o100
    )
    assert ".venv/bin/ruff check" in read(".pre-commit-config.yaml") and "ruff check" in read(
        "Makefile"
    )


def test_editors_know_the_length_of_lines():
    (length,) = re.findall(r"^line-length = (\d+)$", read("pyproject.toml"), re.MULTILINE)
    assert f"max_line_length = {length}\n" in read(".editorconfig")
    assert f"Lines are at most {length} characters" in read("CONTRIBUTING.md")
