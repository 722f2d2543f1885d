"""Every benchmark that a page or the Makefile tells people to start can be started: what it imports is there."""

import ast
import importlib
import importlib.util
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), ROOT / "Makefile"]
NAMED = {
    name.removesuffix(".") for page in PAGES for name in re.findall(r"-m (benchmarks\.[\w.]+)", page.read_text("utf-8"))
}
ELSEWHERE = "benchmarks.runtimes"
"""What runs in an environment of its own, with peers that are not installed here: only what is ours is looked for."""


def test_pages_name_benchmarks() -> None:
    assert {"benchmarks.stream", "benchmarks.rebalance", f"{ELSEWHERE}.parts"} <= NAMED


@pytest.mark.parametrize("name", sorted(name for name in NAMED if not name.startswith(ELSEWHERE)))
def test_a_benchmark_that_is_named_can_be_started(name: str) -> None:
    assert callable(importlib.import_module(name).main)


@pytest.mark.parametrize("path", sorted((ROOT / "benchmarks" / "runtimes").rglob("*.py")), ids=lambda path: path.stem)
def test_what_the_peers_import_of_ours_is_there(path: Path) -> None:
    ours = {folder.name for folder in ROOT.iterdir() if (folder / "__init__.py").exists()}
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if not isinstance(node, ast.ImportFrom) or not node.module or node.module.partition(".")[0] not in ours:
            continue
        if node.module.startswith(ELSEWHERE):
            names = defined(ROOT.joinpath(*node.module.split(".")))
        else:
            names = set(dir(importlib.import_module(node.module)))
        assert {one.name for one in node.names} <= names, node.module


def defined(path: Path) -> set[str]:
    """Return what a module defines, or the modules of a package, without running it."""
    if path.is_dir():
        return {found.stem for found in path.iterdir()}
    found = set()
    for node in ast.parse(path.with_suffix(".py").read_text("utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            found |= {one.asname or one.name for one in node.names}
        else:
            found |= {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}
    return found
