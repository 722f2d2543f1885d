"""CONTRIBUTING.md is walked: each recipe is put into its folder as a file and works without anything else."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

import agents.alert.channels
import agents.ingest.sources
import pipeline.detect
from agents.alert.channel import channels, open_channel
from agents.ingest.source import parse_sources, sources
from pipeline.detect import detectors, step_all
from pipeline.windows.window import Window
from schemas.settings import load_settings
from schemas.watch import Route
from tests.agents.alert.samples import alert
from tests.pipeline.timeline import NOON, watch

GUIDE = (Path(__file__).parents[1] / "CONTRIBUTING.md").read_text("utf-8")
PLACES = {
    "source": ("parrot", agents.ingest.sources, sources),
    "channel": ("bell", agents.alert.channels, channels),
    "detector": ("always", pipeline.detect, detectors),
}


def recipe(name: str) -> str:
    [code] = re.findall(rf"```python {name}\n(.*?)```", GUIDE, re.DOTALL)
    return str(code)


@pytest.fixture
def add(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[None]:
    """Put the recipe into a folder that belongs to its package."""
    kind, package, loader = PLACES[request.param]
    (tmp_path / f"{kind}.py").write_text(recipe(request.param), "utf-8")
    monkeypatch.setattr(package, "__path__", [*package.__path__, str(tmp_path)])
    loader.cache_clear()
    yield
    forget(kind, package)
    loader.cache_clear()


def forget(kind: str, package: ModuleType) -> None:
    sys.modules.pop(f"{package.__name__}.{kind}", None)


@pytest.mark.parametrize("name", PLACES)
def test_a_recipe_is_about_ten_lines(name: str) -> None:
    assert len([line for line in recipe(name).splitlines() if line]) <= 13


@pytest.mark.parametrize("add", ["source"], indirect=True)
async def test_the_source_is_read_from_a_sources_file(add: None) -> None:
    [source] = parse_sources("sources: [{id: polly, kind: parrot, text: hello}]", load_settings())
    texts = [reading.item.text async for reading in source.run(None)]  # type: ignore[union-attr]
    assert texts == ["hello"]


@pytest.mark.parametrize("add", ["channel"], indirect=True)
def test_the_channel_tells(add: None, capsys: pytest.CaptureFixture[str]) -> None:
    channel = open_channel(Route.model_validate({"channel": "bell", "times": 2}), load_settings())
    assert channel.send(alert(), None).reference == alert().id
    assert capsys.readouterr().out == "\a\a"


@pytest.mark.parametrize("add", ["detector"], indirect=True)
def test_the_detector_trips(add: None) -> None:
    armed = pipeline.detect.arm(watch({"kind": "always"}))
    _, [signal] = step_all(armed, {}, Window(horizon=60), NOON)
    assert signal.rule == "always"
