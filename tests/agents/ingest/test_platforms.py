"""Whatever a platform sends, its module answers with what it means or says that it is wrong: nothing else comes out.

Every function of `agents/ingest/platforms/` whose first parameter is a payload is found by itself and given JSON whose
names and words are those that its own module knows, in every wrong place and of every wrong type.
"""

import ast
import importlib
import inspect
import json
import pkgutil
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import GeneratorType, ModuleType
from typing import Any, get_type_hints

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import agents.ingest.platforms
from schemas.errors import InvalidMessage
from schemas.event import Deletion, Event, delivered

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
GIVEN: dict[str, Any] = {"source": "s", "seen": NOW, "now": NOW, "stream": "public", "event": "update", "edited": False}
"""What the other parameters are, by their names; all else is a text."""
NOT_PAYLOADS = {"refusal", "count", "moment", "group", "rows"}
"""They take an answer or a value to say what is wrong with it or to look into it, not to make events of it."""


def modules() -> list[ModuleType]:
    package = agents.ingest.platforms
    return [importlib.import_module(f"{package.__name__}.{one.name}") for one in pkgutil.iter_modules(package.__path__)]


def readers() -> Iterator[Callable[..., Any]]:
    for module in modules():
        for name, function in vars(module).items():
            if not inspect.isfunction(function) or function.__module__ != module.__name__ or name.startswith("_"):
                continue
            parameters = list(inspect.signature(function).parameters)
            first = get_type_hints(function).get(parameters[0]) if parameters else None
            if name not in NOT_PAYLOADS and (first is Any or parameters[:1] in (["data"], ["body"])):
                yield function


READERS = list(readers())


def words_of(module: ModuleType) -> list[str]:
    """Return the short texts that stand in a module: the names of its platform's fields, and their values."""
    tree = ast.parse(Path(str(module.__file__)).read_text("utf-8"))
    texts = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    names = {
        node.target.id
        for node in ast.walk(tree)
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
    }
    return sorted({text for text in texts | names if 0 < len(text) < 60 and "\n" not in text}) or ["id"]


def values_of(module: ModuleType) -> st.SearchStrategy[Any]:
    known = st.sampled_from(words_of(module))
    strange = st.sampled_from(
        ["", "1", "-1", "2026-11-27T12:00:00Z", "0001-01-01T00:00:00Z", "\ud800", "at://x/y/z", "nan"]
    )
    numbers = st.integers() | st.floats() | st.sampled_from([0, 1, -1, 2**63, 10**30, 1691574506310])
    leaves = st.none() | st.booleans() | numbers | known | strange | st.text(max_size=20)
    return st.recursive(
        leaves,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(known | st.text(max_size=5), inner, max_size=8),
        max_leaves=25,
    )


def argument(name: str, hint: Any, payload: Any) -> Any:
    """Return what a parameter beside the payload is given."""
    if hint is Any:
        return payload
    if name in GIVEN and hint in (str, bool, datetime):
        return GIVEN[name]
    if is_dataclass(hint) and isinstance(hint, type):
        hints = get_type_hints(hint)
        return hint(**{one.name: argument(one.name, hints[one.name], payload) for one in fields(hint)})
    if hint is datetime:
        return NOW
    if hint in (bool, int, float):
        return hint()
    return {} if "Mapping" in str(hint) or "dict" in str(hint) else "other"


def asked(function: Callable[..., Any], payload: Any) -> Any:
    hints = get_type_hints(function)
    [first, *others] = inspect.signature(function).parameters.values()
    if hints[first.name] is not Any:
        text = json.dumps(payload)
        payload_given: Any = text.encode() if hints[first.name] is bytes else text
    else:
        payload_given = payload
    needed = [one for one in others if one.default is one.empty]
    more = {one.name: argument(one.name, hints[one.name], payload) for one in needed}
    found = function(payload_given, **more)
    return list(found) if isinstance(found, GeneratorType) or hasattr(found, "__next__") else found


@pytest.mark.parametrize("function", READERS, ids=lambda one: f"{one.__module__.rpartition('.')[2]}.{one.__name__}")
@given(data=st.data())
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_only_what_is_meant_comes_out(function: Callable[..., Any], data: st.DataObject) -> None:
    payload = data.draw(values_of(importlib.import_module(function.__module__)))
    try:
        found = asked(function, payload)
    except InvalidMessage:
        return
    for item in found if isinstance(found, list | tuple) else [found]:
        if isinstance(item, Event | Deletion):
            assert delivered.validate_json(item.to_bytes()) == item, "it can be written and read"


def test_the_readers_of_every_platform_are_found() -> None:
    names = {function.__module__.rpartition(".")[2] for function in READERS}
    assert names >= {"bluesky", "facebook", "linkedin", "mastodon", "reddit", "x", "youtube"} & {
        module.__name__.rpartition(".")[2] for module in modules()
    }
