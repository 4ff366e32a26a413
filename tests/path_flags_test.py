"""`~` is the home folder in every flag that holds a path."""

from __future__ import annotations

import ast
import pathlib

import pytest
from absl import flags

from sketch2img_tf import config, path_flags
from sketch2img_tf.config import Config

ROOT = pathlib.Path(__file__).resolve().parents[1]
NO_PATHS = {"label", "seeds", "server", "host", "photo_variant", "sketch_variant"}
NO_PATHS_OF_A_RUN = {"best_metric", "tpu"}
PARSER = path_flags.PathParser()


def test_the_home_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert PARSER.parse("~") == str(tmp_path)
    assert PARSER.parse("~/runs/a") == f"{tmp_path}/runs/a"
    assert PARSER.parse("runs/~/a~") == "runs/~/a~"
    assert PARSER.parse("imagenet") == "imagenet" and PARSER.parse("") == ""


def test_nobodys_home_folder(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(
        ValueError, match=r"^there is no user nobody-of-this-name; .*, write \./~nobody"
    ):
        PARSER.parse("~nobody-of-this-name/run")
    (tmp_path / "~draft.png").touch()  # as some programs name files that are open
    assert PARSER.parse("~draft.png") == "~draft.png"


def test_a_name_that_tensorflow_would_not_find():
    with pytest.raises(ValueError, match="TensorFlow opens only names in UTF-8"):
        PARSER.parse("runs/\udcff")
    assert path_flags.PathParser(any_bytes=True).parse("\udcff.png") == "\udcff.png"
    assert PARSER.parse("runs/é") == "runs/é"


def test_every_flag_for_a_path_is_one(monkeypatch):
    """A flag of a command that is text alone is in the list above, or is a path."""
    found = set()
    for file in ROOT.rglob("*.py"):
        parts = file.relative_to(ROOT).parts
        if parts[0] not in ("runs", "build", "litert_js") and not parts[0].startswith(".venv"):
            found |= {call.args[0].value for call in _calls(file, "DEFINE_string")}
    assert found == NO_PATHS


def test_every_option_for_a_path_is_one(monkeypatch):
    monkeypatch.setenv("HOME", "/home/me")
    values = flags.FlagValues()
    monkeypatch.setattr(flags, "DEFINE", lambda *a, **k: flags_define(*a, flag_values=values, **k))
    config_paths = set()
    for _, _, field in config._fields(Config):
        if (
            isinstance(field.default, str)
            and not field.metadata["choices"]
            or field.metadata["path"]
        ):
            config_paths.add(field.name)
            if field.metadata["path"]:
                config._define(field)
                values([field.name, f"--{field.name}=~/x"])
                assert values[field.name].value in ("/home/me/x", ["/home/me/x"])
    assert config_paths - set(values) == NO_PATHS_OF_A_RUN


flags_define = flags.DEFINE


def _calls(file: pathlib.Path, name: str) -> list[ast.Call]:
    calls = [
        node
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
    ]
    return [call for call in calls if getattr(call.func, "attr", "") == name]


def test_a_list_of_paths(monkeypatch):
    monkeypatch.setenv("HOME", "/home/me")
    parser = path_flags.PathListParser()
    assert parser.parse("~/a,/b/c d,e~") == ["/home/me/a", "/b/c d", "e~"]
    assert parser.parse("") == []
    assert parser.parse('"a,b",c') == ["a,b", "c"]
    with pytest.raises(ValueError, match="^there is no user nobody-of-this-name; "):
        parser.parse("~nobody-of-this-name/run")
