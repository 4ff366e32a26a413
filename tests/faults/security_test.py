"""Nothing that is given is unpickled or executed; docs/security.md says so."""

from __future__ import annotations

import ast
import pathlib

import pytest

pytestmark = pytest.mark.ci

ROOT = pathlib.Path(__file__).resolve().parents[2]
PARTS = ("sketch2img_tf", "datasets", "serving")
# Pickles what it has made itself, as Beam does throughout
OWN_RESULTS = ROOT / "datasets" / "edge_maps" / "beam.py"
SOURCES = [*ROOT.glob("*.py"), *(path for part in PARTS for path in (ROOT / part).rglob("*.py"))]
SOURCES.remove(OWN_RESULTS)
FORBIDDEN_MODULES = {
    "pickle",
    "cPickle",
    "marshal",
    "shelve",
    "dill",
    "cloudpickle",
    "joblib",
    "yaml",
}
FORBIDDEN_CALLS = {
    "eval",
    "exec",
    "compile",
    "__import__",
    "load_model",
    "Lambda",
    "py_function",
    "system",
}


def found_in(text):
    """Names of what must not be there."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from {alias.name.split(".")[0] for alias in node.names} & FORBIDDEN_MODULES
        if (
            isinstance(node, ast.ImportFrom)
            and (node.module or "").split(".")[0] in FORBIDDEN_MODULES
        ):
            yield node.module
        if isinstance(node, ast.Call):
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            # That of a regular expression or a Keras model makes no code of a text
            is_a_method = isinstance(node.func, ast.Attribute) and name == "compile"
            if name in FORBIDDEN_CALLS and not (
                is_a_method and getattr(node.func.value, "id", "") != "builtins"
            ):
                yield name
            yield from {keyword.arg for keyword in node.keywords} & {"allow_pickle", "shell"}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_source_unpickles_or_executes(path):
    assert not list(found_in(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize(
    "text",
    [
        "import pickle",
        "from dill import load",
        "eval(x)",
        "compile(x, name, mode)",
        "builtins.compile(x, name, mode)",
        "tf.keras.models.load_model(p)",
        "keras.layers.Lambda(f)",
    ],
)
def test_it_would_be_found(text):
    assert list(found_in(text))


def test_there_is_something_to_read():
    assert len(SOURCES) > 50
