"""One suite for every source there is: what a person may rely on whichever kind they choose."""

import importlib
import inspect
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

import agents.ingest.sources
from agents.ingest.source import Entry, Source, parse_sources, sources
from schemas.errors import ConfigError
from schemas.settings import load_settings

KINDS = sorted(path.stem for path in Path(agents.ingest.sources.__path__[0]).glob("[!_]*.py"))
HEADINGS = ["Reads", "Auth", "Limits", "Cursor", "Guarantee", "Gaps"]


def module_of(kind: str) -> ModuleType:
    return importlib.import_module(f"agents.ingest.sources.{kind}")


def example(kind: str) -> str:
    """Return the sources file that the module's docstring shows, indented as it stands there."""
    documented = inspect.getdoc(module_of(kind)) or ""
    entries = [line for line in documented.splitlines() if line.startswith("    - ")]
    return "\n".join(["sources:", *entries])


def test_the_loader_finds_every_file() -> None:
    assert sorted(sources()) == KINDS


@pytest.mark.parametrize("kind", KINDS)
def test_the_docstring_says_what_can_be_relied_on(kind: str) -> None:
    documented = inspect.getdoc(module_of(kind)) or ""
    assert re.findall(r"^\*\*(\w+)\*\*: .", documented, re.MULTILINE) == HEADINGS


@pytest.mark.parametrize("kind", KINDS)
def test_the_documented_example_is_read(kind: str) -> None:
    [source] = parse_sources(example(kind), load_settings())
    assert isinstance(source, sources()[kind])
    assert source.config.kind == kind


@pytest.mark.parametrize("kind", KINDS)
def test_a_misspelt_field_is_refused(kind: str) -> None:
    text = example(kind).replace("{id:", "{colour: red, id:")
    with pytest.raises(ConfigError, match="colour` is not a field here"):
        parse_sources(text, load_settings())


@pytest.mark.parametrize("kind", KINDS)
def test_the_class_keeps_the_contract(kind: str) -> None:
    source = sources()[kind]
    assert issubclass(source.Config, Entry)
    assert source.Config.model_config["extra"] == "forbid"
    assert inspect.isasyncgenfunction(source.run), "run yields"
    assert source.__doc__
    assert isinstance(source.ordered, bool)
    assert isinstance(source.resumable, bool)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder whose files are sources too, as if they had been added to the package."""
    monkeypatch.setattr(agents.ingest.sources, "__path__", [*agents.ingest.sources.__path__, str(tmp_path)])
    sources.cache_clear()
    yield tmp_path
    sources.cache_clear()
    for path in tmp_path.glob("*.py"):
        sys.modules.pop(f"agents.ingest.sources.{path.stem}", None)


NEW = '''
"""Nothing, ever."""
from agents.ingest.source import Entry, Readings, Source

class Config(Entry):
    """No more than every source."""

class Silence(Source[Config]):
    """Yields nothing."""
    Config = Config

    async def run(self, checkpoint) -> Readings:
        return
        yield
'''


def test_adding_a_source_is_adding_a_file(folder: Path) -> None:
    (folder / "silence.py").write_text(NEW)
    [source] = parse_sources("sources: [{id: a, kind: silence}]", load_settings())
    assert isinstance(source, Source)


@pytest.mark.parametrize(
    ("code", "error"),
    [("import nothing_of_that_name", ImportError), ("x = 1", TypeError), ("syntax error", SyntaxError)],
)
def test_a_file_that_does_not_fit_is_never_passed_over(folder: Path, code: str, error: type[Exception]) -> None:
    (folder / "broken.py").write_text(code)
    with pytest.raises(error):
        sources()
