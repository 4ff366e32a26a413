"""Every file, path, flag, command and test that a document names is there."""

from __future__ import annotations

import ast
import functools
import os
import pathlib
import re
import shlex

import pytest

from tests import sources
from tests.sources import ROOT

_FOLDERS = (
    ".ci",
    ".github",
    "benchmarks",
    "compiled_step",
    "configs",
    "datasets",
    "docs",
    "litert_js",
    "notebooks",
)
FOLDERS = [
    name
    for name in (*_FOLDERS, "pretrained", "serving", "sketch2img_tf", "tests")
    if (ROOT / name).is_dir()
]
_NOT_OURS = {"__pycache__", "node_modules"}

# What a reader would have, or choose the name of.
OF_THE_READER = {"common.flags", "requirements-tpu.txt", "tune.flags", "utils.py"}
# Documents draw and write many, under names that only they know
_PICTURES = (".gif", ".jpg", ".pdf", ".png")
_ENDINGS = (
    "bib cff css csv flags gif h5 html jpg js json jsonl md npz pb pdf png py svg tflite toml txt"
    " yaml yml"
)
FILE = re.compile(rf"[\w./*-]*\w\.(?:{'|'.join(_ENDINGS.split())})(?!\w)")
FOLDER = re.compile(r"[\w./-]+/")


def files() -> list[str]:
    """Paths of all files of the project, from its folder."""
    found = [path for path in ROOT.iterdir() if path.is_file()]
    for folder in FOLDERS:
        inside = (path for path in (ROOT / folder).rglob("*") if path.is_file())
        found += [path for path in inside if not _NOT_OURS & set(path.relative_to(ROOT).parts)]
    return sorted(path.relative_to(ROOT).as_posix() for path in found)


FILES = files()
DOCUMENTS = [
    path
    for path in FILES
    if path.endswith(".md") and path != "CHANGELOG.md" and "template" not in path
]


@functools.cache
def text(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


@functools.cache
def programs() -> str:
    """All that the project's programs and their tests say: what they write has its name there."""
    return "\n".join(
        text(path) for path in FILES if path.endswith((".py", ".js", ".yaml")) or "." not in path
    )


@functools.cache
def ends() -> set[str]:
    """All ends of paths of files and folders, as
    `layers/mru.py` of `sketch2img_tf/layers/mru.py`.
    """
    found = set()
    for path in FILES:
        parts = path.split("/")
        for upto in range(1, len(parts) + 1):
            found |= {
                "/".join(parts[start:upto]) + ("" if upto == len(parts) else "/")
                for start in range(upto)
            }
    return found


def spans(document: str) -> list[str]:
    """What stands in backquotes outside of blocks, line ends as spaces."""
    without = "\n".join(line for line in text(document).splitlines() if not line.startswith("    "))
    return [" ".join(span.split()) for span in re.findall(r"`([^`]+)`", without)]


def commands(document: str) -> list[str]:
    """The lines of indented blocks, and what stands in backquotes: those
    that go on in the next line as one.
    """
    block = "\n".join(
        line.strip() for line in text(document).splitlines() if line.startswith("    ")
    )
    return [*block.replace("\\\n", "").splitlines(), *spans(document)]


def slug(heading: str) -> str:
    """The anchor that a heading has, as GitHub makes it."""
    plain = re.sub(r"[`*]", "", re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading)).strip().lower()
    return re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")


def is_there(name: str, document: str) -> bool:
    """Whether a file or folder that a document names is the
    project's, or is written by its programs.
    """
    here = os.path.normpath(os.path.join(os.path.dirname(document), name))
    if name.lstrip("./") in ends() or here in ends() or f"{here}/" in ends():
        return True
    if "*" in name:
        return any(pathlib.PurePosixPath(path).match(name) for path in FILES)
    return os.path.basename(name.rstrip("/")) in programs() and not name.endswith(
        (".py", ".md", ".flags")
    )


def is_of_the_reader(name: str) -> bool:
    """Whether it is the reader's own file, or stands for any, as NAME.flags."""
    stem = os.path.basename(name).partition(".")[0]
    outside = name.startswith(("../shared", "runs/", "/", "~")) or (
        name.endswith(_PICTURES) and "/" not in name
    )
    return (
        outside
        or os.path.basename(name) in OF_THE_READER
        or (stem.isupper() and name not in ends())
    )


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_lead_somewhere(document):
    for link in re.findall(r"\]\(([^)\s]+)\)", text(document)):
        if "://" in link:
            continue
        target, _, anchor = link.partition("#")
        path = (
            os.path.normpath(os.path.join(os.path.dirname(document), target))
            if target
            else document
        )
        assert (ROOT / path).exists(), link
        if anchor:
            headings = re.findall(r"^#+ (.+)$", text(path), re.MULTILINE)
            assert anchor in map(slug, headings), link


@pytest.mark.parametrize("document", DOCUMENTS)
def test_files_that_are_named_are_there(document):
    missing = []
    for span in commands(document):
        for name in FILE.findall(span):
            if not is_of_the_reader(name) and not is_there(name, document):
                missing.append(name)
    assert not missing


@pytest.mark.parametrize("document", DOCUMENTS)
def test_folders_that_are_named_are_there(document):
    named = {
        span for span in spans(document) if FOLDER.fullmatch(span) and not is_of_the_reader(span)
    }
    assert not [name for name in named if not is_there(name, document)]


@pytest.mark.parametrize("document", DOCUMENTS)
def test_tests_that_are_named_are_there(document):
    defined = {
        path: re.findall(r"^ *def (test_\w+)", text(path), re.MULTILINE)
        for path in FILES
        if _is_test(path)
    }
    everywhere = {name for names in defined.values() for name in names}
    for span in spans(document):
        path, colons, name = span.partition("::")
        if colons and name.startswith("test_"):
            places = [place for place in defined if place.endswith(path)]
            assert places and any(name in defined[place] for place in places), span
        elif (
            re.fullmatch(r"test_\w+", span)
            and not span.startswith("test_256")
            and span != "test_all"
        ):
            assert span in everywhere, span


def _is_test(path: str) -> bool:
    return path.endswith("_test.py")


@functools.cache
def flags_of(path: str) -> frozenset[str]:
    """The flags that a file defines itself."""
    names = set()
    for call in (node for node in ast.walk(sources.tree(path)) if isinstance(node, ast.Call)):
        function = ast.unparse(call.func)
        if (
            re.search(r"\b(DEFINE_\w+|path_flags\.define|_path|add_argument|add)$", function)
            and call.args
        ):
            if isinstance(call.args[0], ast.Constant) and isinstance(call.args[0].value, str):
                names.add(call.args[0].value.lstrip("-"))
        if function.endswith("define_flags"):
            names |= options()
    return frozenset(names)


@functools.cache
def options() -> frozenset[str]:
    """The options of a run, which are flags of the same names."""
    found = set()
    for path in sources.modules():
        if path.startswith("sketch2img_tf/options/"):
            fields = [
                node for node in ast.walk(sources.tree(path)) if isinstance(node, ast.AnnAssign)
            ]
            found |= {ast.unparse(field.target) for field in fields}
    return frozenset(found)


@functools.cache
def flags_of_command(path: str) -> frozenset[str]:
    """All that a command takes: its own flags, and those of what it imports."""
    own = {"help", "helpfull", "flagfile"}
    return frozenset(
        own.union(*(flags_of(file) for file in sources.reached(path) if file.endswith(".py")))
    )


def known(flag: str, among: frozenset[str]) -> bool:
    return flag in among or (flag.startswith("no") and flag[2:] in among)


# The peer's, docker's, TensorFlow Serving's
_OF_OTHERS = ("autocast", "profile", "enable_batching")


@functools.cache
def all_flags() -> frozenset[str]:
    return frozenset(
        {"flagfile", "help", *_OF_OTHERS}.union(options(), *map(flags_of, sources.modules()))
    )


def command(line: str) -> str | None:
    """The path of the project's command that a line starts, with nothing before it but python; None
    if it is none.

    Raises an AssertionError where the line starts a file that is not there.
    """
    found = re.match(r"(?:\S*python[\d.]*\s+)(?:-m\s+([\w.]+)|([\w./]+\.py))(?:\s|$)", line)
    if not found or (found[1] and not found[1].startswith(("datasets", "compiled_step", "tests"))):
        return None
    path = f"{found[1].replace('.', '/')}.py" if found[1] else found[2]
    assert (ROOT / path).is_file(), line
    return path


@pytest.mark.parametrize("document", DOCUMENTS)
def test_flags_that_are_named_are_there(document):
    for line in commands(document):
        path = command(line)
        named = re.findall(r"(?:^|\s)--([a-z][a-z0-9_]*)(?![\w<*-])", line)
        if path:
            assert not [flag for flag in named if not known(flag, flags_of_command(path))], line
        elif line.startswith("--"):
            assert not [flag for flag in named if not known(flag, all_flags())], line


@pytest.mark.parametrize("document", DOCUMENTS)
def test_targets_of_make_are_there(document):
    targets = " ".join(re.findall(r"^([\w -]+):", text("Makefile"), re.MULTILINE)).split()
    for line in commands(document):
        if line.startswith("make "):
            asked = [
                word
                for word in shlex.split(line)[1:]
                if "=" not in word and not word.startswith("-")
            ]
            assert set(asked) <= set(targets), line


@pytest.mark.parametrize("document", ["CHANGELOG.md", *DOCUMENTS])
def test_prose_has_lines_of_100(document):
    """Rows of tables, blocks, and lines that cannot be broken, as a picture's, may be longer."""
    if document == "pretrained/README.md":  # export.py fills its gaps in
        return
    without_blocks = re.sub(r"^```.*?^```", "", text(document), flags=re.DOTALL | re.MULTILINE)
    lines = [line for line in without_blocks.splitlines() if not line.startswith(("|", "    "))]
    alone = re.compile(r"!\[.*\]\(\S+\)|\S+")
    assert not [line for line in lines if len(line) > 100 and not alone.fullmatch(line)]


def test_the_documents_name_much():
    """None of the above passes for want of anything to look at."""
    lines = [line for document in DOCUMENTS for line in commands(document)]
    assert len(DOCUMENTS) > 15
    assert sum(command(line) is not None for line in lines) > 40
    assert sum(line.startswith("make ") for line in lines) > 10
    assert sum(line.startswith("--") for line in lines) > 100
    assert sum(bool(FILE.search(line)) for line in lines) > 200
