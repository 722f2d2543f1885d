"""The shape of the code: sizes, names and prose that a reviewer would otherwise have to watch for."""

import ast
import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("schemas", "pipeline", "agents", "cli")
FILES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
NAMES = [str(path.relative_to(ROOT)) for path in FILES]

MAX_FILE = 300
MAX_FUNCTION = 40
EMPTY_WORDS = {"utils", "helpers", "common", "manager", "core", "base", "misc"}
GLOSSARY = [
    "Source",
    "Event",
    "Mention",
    "Watch",
    "Match",
    "Story",
    "Rule",
    "Detector",
    "Signal",
    "Incident",
    "Alert",
    "Channel",
    "Route",
    "Receipt",
]
FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef


def functions(path: Path) -> Iterator[FunctionNode]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def lines_without_docstring(node: FunctionNode) -> int:
    body = node.body
    first = body[0]
    documented = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    docstring = (first.end_lineno or first.lineno) - first.lineno + 1 if documented else 0
    return (node.end_lineno or node.lineno) - node.lineno + 1 - docstring


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_a_file_fits_in_the_head(path: Path) -> None:
    assert len(path.read_text("utf-8").splitlines()) <= MAX_FILE


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_a_function_fits_on_the_screen(path: Path) -> None:
    long = [(node.name, lines_without_docstring(node)) for node in functions(path)]
    assert [item for item in long if item[1] > MAX_FUNCTION] == []


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_a_module_says_what_it_is(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text("utf-8"))), "a module begins with a docstring"
    assert not EMPTY_WORDS & set(path.relative_to(ROOT).with_suffix("").parts)


@pytest.mark.parametrize("word", GLOSSARY)
def test_a_word_of_the_glossary_names_one_class(word: str) -> None:
    defined = re.compile(rf"^class {word}\b", re.MULTILINE)
    assert len([name for path, name in zip(FILES, NAMES, strict=True) if defined.search(path.read_text("utf-8"))]) == 1


def test_only_one_module_asks_the_machine_what_time_it_is() -> None:
    """Its clock may leap: agents, stream and core go by `agents.clock`."""
    asks = re.compile(r"datetime\.(now|utcnow|today)\(|\btime\.time\b|from time import .*\btime\b")
    found = {name for path, name in zip(FILES, NAMES, strict=True) if asks.search(path.read_text("utf-8"))}
    assert {name for name in found if not name.startswith("cli/")} == {"agents/clock.py"}


def test_the_path_fits_on_one_screen() -> None:
    code = (ROOT / "pipeline" / "flow.py").read_text("utf-8")
    assert len(code.splitlines()) <= 90


def test_every_module_of_the_core_is_held_to_be_pure() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]
    pure = next(one for one in settings["contracts"] if one["type"] == "forbidden")["source_modules"]
    parts = {
        path.relative_to(ROOT / "pipeline").parts[0].removesuffix(".py")
        for path in FILES
        if path.is_relative_to(ROOT / "pipeline")
    }
    assert {f"pipeline.{part}" for part in parts - {"stream", "__init__"}} | {"schemas"} == set(pure)


def test_what_the_architecture_names_is_there() -> None:
    """A file is named with as much of its path as tells it from others; `<kind>` stands for any."""
    page = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    named = set(re.findall(r"`([\w/]+\.py)`", page))
    found = {f"/{name}" for name in [*NAMES, *(str(path.relative_to(ROOT)) for path in ROOT.glob("tests/**/*.py"))]}
    assert {name for name in named if not any(one.endswith(f"/{name}") for one in found)} == set()


def test_no_file_names_a_machine_or_a_registry() -> None:
    """Committed text holds no path of a build machine and no address of a package index."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    paths, registries = r"(?<![\w.$}])/(work/|root/(?!\.cache/pip))", r"pypi\.org/simple|registry\.npmjs|repo\.maven"
    telltale = re.compile(f"{paths}|{registries}|proxy\\.golang")
    found = []
    for name in listed.stdout.split():
        path = ROOT / name
        if path.suffix in {".png", ".gz"} or name == "tests/test_shape.py" or not path.is_file():
            continue
        found += [name for line in path.read_text("utf-8").splitlines() if telltale.search(line)]
    assert sorted(set(found)) == []
