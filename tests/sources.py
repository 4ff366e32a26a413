"""The project's own sources, as the tests that read them see them: files, and what imports what."""

from __future__ import annotations

import ast
import dataclasses
import functools
import pathlib
from collections.abc import Iterator

ROOT = pathlib.Path(__file__).resolve().parents[1]
_PACKAGES = ("sketch2img_tf", "datasets", "compiled_step", "benchmarks")


def modules() -> list[str]:
    """Paths of all Python files but tests, from the project's
    folder, as `sketch2img_tf/errors.py`.
    """
    found = [
        *ROOT.glob("*.py"),
        *(path for package in _PACKAGES for path in (ROOT / package).rglob("*.py")),
    ]
    return sorted(
        path.relative_to(ROOT).as_posix() for path in found if not path.name.endswith("_test.py")
    )


@functools.cache
def tree(path: str) -> ast.Module:
    """A file's syntax."""
    return ast.parse((ROOT / path).read_text(encoding="utf-8"))


@dataclasses.dataclass(frozen=True)
class Import:
    """One thing that a file imports.

    Attributes:
      target: the path of the project's file, or the name of another package, as
        `tensorflow_datasets`.
      line: where.
      names: under which names the file uses it.
      for_types: whether it stands under `TYPE_CHECKING`, so that it is not imported when the file
        runs.
      later: whether a function imports it when it is called.
    """

    target: str
    line: int
    names: tuple[str, ...]
    for_types: bool
    later: bool


@functools.cache
def imports(path: str) -> tuple[Import, ...]:
    """All that a file imports."""
    found = _imports(tree(path), False, False)
    # Its clients are started as files, and find each other beside them
    if path.startswith("sketch2img_tf/serving/"):
        beside = ((one, f"sketch2img_tf/serving/{one.target}.py") for one in found)
        found = (
            dataclasses.replace(one, target=file) if (ROOT / file).is_file() else one
            for one, file in beside
        )
    return tuple(found)


def _imports(node: ast.AST, for_types: bool, later: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            for alias in child.names:
                name = alias.asname or alias.name.partition(".")[0]
                yield Import(_target(alias.name), child.lineno, (name,), for_types, later)
        elif isinstance(child, ast.ImportFrom):
            for alias in child.names:
                inside = _file(f"{child.module}.{alias.name}")
                name = alias.asname or alias.name
                yield Import(
                    inside or _target(child.module), child.lineno, (name,), for_types, later
                )
        else:
            here = isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test)
            function = isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef))
            yield from _imports(child, for_types or here, later or function)


def _target(module: str) -> str:
    return _file(module) or module.partition(".")[0]


def _file(module: str) -> str | None:
    """The path of the project's module; None if it is none."""
    path = module.replace(".", "/")
    return next(
        (file for file in (f"{path}.py", f"{path}/__init__.py") if (ROOT / file).is_file()), None
    )


def reached(path: str) -> dict[str, tuple[str, ...]]:
    """All that is imported, sooner or later, when this file runs: each
    target with the files that lead to it.
    """
    ways: dict[str, tuple[str, ...]] = {path: (path,)}
    waiting = [path]
    while waiting:
        at = waiting.pop(0)
        targets = [one.target for one in imports(at) if not one.for_types]
        for target in [*targets, *_packages_above(at)]:
            if target not in ways:
                ways[target] = (*ways[at], target)
                waiting += [target] if target.endswith(".py") else []
    return ways


def _packages_above(path: str) -> list[str]:
    """The `__init__.py` of every package that a file is in: importing the file runs them first."""
    folders = pathlib.PurePosixPath(path).parents
    return [
        f"{folder}/__init__.py" for folder in folders if (ROOT / folder / "__init__.py").is_file()
    ]
