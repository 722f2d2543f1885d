"""What stands in for X in tests speaks as X does: its own client understands it, and its own description fits it.

The description is not ours to pass on (X Developer Agreement): EARSHOT_X_OPENAPI names a folder that holds it.
"""

import asyncio
import gzip
import json
import os
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from xdk import Client
from xdk.streaming import StreamConfig, StreamError, StreamErrorType

from agents import clock
from schemas.event import Deletion, Edit, Event
from tests.contracts.stand import Stand, stand_of
from tests.counterparts.x import ACCOUNT, TOKEN, X

FOLDER = os.environ.get("EARSHOT_X_OPENAPI", "")
DESCRIPTIONS = sorted(Path(FOLDER).glob("x-openapi-*.json.gz")) if FOLDER else []
described = pytest.mark.skipif(
    not DESCRIPTIONS, reason="X's OpenAPI description is not there: EARSHOT_X_OPENAPI names the folder that holds it"
)


@pytest.fixture
async def service() -> AsyncIterator[X]:
    async with X() as service:
        yield service


def client(service: X, token: str = TOKEN) -> Client:
    return Client(base_url=service.url, bearer_token=token)


async def test_its_own_client_adds_lists_and_deletes_rules(service: X) -> None:
    # not rules that X refuses: the client knows only the problems of the description, which lacks those that X tells
    def use() -> None:
        stream = client(service).stream
        made = stream.update_rules({"add": [{"value": "bahn", "tag": "a"}, {"value": "streik", "tag": "b"}]})
        assert made.meta.summary["created"] == 2
        [page] = list(stream.get_rules())
        rules = [one if isinstance(one, dict) else one.model_dump() for one in page.data]
        assert [(one["value"], one["tag"]) for one in rules] == [("bahn", "a"), ("streik", "b")]
        gone = stream.update_rules({"delete": {"ids": [one["id"] for one in rules]}})
        assert gone.meta.summary["deleted"] == 2

    await asyncio.to_thread(use)
    assert service.rules == {}


async def test_its_own_client_follows_the_stream(service: X) -> None:
    service.heartbeat = 0.05
    service.rules["1"] = {"value": "bahn", "tag": "earshot:x"}

    def use() -> list[Any]:
        found: list[Any] = []
        for post in client(service).stream.posts(stream_config=StreamConfig(max_retries=0, chunk_size=1)):
            found.append(post if isinstance(post, dict) else post.model_dump())
            if len(found) == 2:
                return found
        return found

    reading = asyncio.create_task(asyncio.to_thread(use))
    await service.until_streaming()
    await service.publish(1)
    await service.publish(2, "Nichts davon")
    await service.publish(3)
    async with asyncio.timeout(60):
        first, second = await reading
    assert first["data"]["text"] == "Die Bahn steht 1"
    assert second["data"]["text"] == "Die Bahn steht 3", "what no rule lets through does not come"
    assert [(one["id"], one["tag"]) for one in first["matching_rules"]] == [("1", "earshot:x")]


async def test_its_own_client_is_refused_as_x_refuses(service: X) -> None:
    def use(token: str) -> StreamErrorType:
        with pytest.raises(StreamError) as caught:
            next(iter(client(service, token).stream.posts(stream_config=StreamConfig(max_retries=0))))
        return caught.value.error_type

    assert await asyncio.to_thread(use, TOKEN) is StreamErrorType.CLIENT_ERROR, "409: there are no rules"
    assert await asyncio.to_thread(use, "wrong") is StreamErrorType.AUTHENTICATION_ERROR


async def test_its_own_client_pages_through_searches_and_mentions(service: X) -> None:
    for number in range(23):
        await service.publish(number, f"Die Bahn steht {number} @ExampleUser")

    def use() -> tuple[list[int], list[int]]:
        api = client(service)
        searched = [len(page.data) for page in api.posts.search_recent(query="bahn", max_results=10)]
        named = [len(page.data) for page in api.users.get_mentions(ACCOUNT, max_results=20)]
        return searched, named

    assert await asyncio.to_thread(use) == ([10, 10, 3], [20, 3])


async def test_its_own_client_asks_what_is_to_be_deleted(service: X) -> None:
    def use() -> tuple[str, int]:
        compliance = client(service).compliance
        made = compliance.create_jobs({"type": "tweets"})
        job = made.data if isinstance(made.data, dict) else made.data.model_dump()
        found = compliance.get_jobs_by_id(job["id"])
        known = found.data if isinstance(found.data, dict) else found.data.model_dump()
        return known["status"], len(compliance.get_jobs(type="tweets").data)

    assert await asyncio.to_thread(use) == ("created", 1)


# ---- the description


class Description:
    """X's description of its interface, as far as it is asked here."""

    def __init__(self) -> None:
        with gzip.open(DESCRIPTIONS[-1]) as file:
            self.root: dict[str, Any] = json.load(file)

    def operation(self, method: str, path: str) -> dict[str, Any]:
        for template, item in sorted(self.root["paths"].items(), key=lambda pair: "{" in pair[0]):
            if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path):
                found: dict[str, Any] = item[method.lower()]
                return found
        raise AssertionError(f"X describes no {path}")

    def parameters(self, method: str, path: str) -> dict[str, dict[str, Any]]:
        listed = map(self.seen, self.operation(method, path).get("parameters", []))
        return {one["name"]: one for one in listed if one["in"] == "query"}

    def seen(self, form: dict[str, Any]) -> dict[str, Any]:
        while "$ref" in form:
            found: Any = self.root
            for part in form["$ref"].removeprefix("#/").split("/"):
                found = found[part]
            form = found
        return form

    def wrong(self, value: Any, form: dict[str, Any], where: str = "") -> str:  # noqa: PLR0911 - one a rule
        """Return what of `value` does not fit, or nothing. Of several forms one has to fit."""
        form = self.seen(form)
        if "oneOf" in form:
            said = [self.wrong(value, one, where) for one in form["oneOf"]]
            return "" if "" in said else f"{where}: none of {said}"
        kinds = {"object": dict, "array": list, "string": str, "integer": int, "number": (int, float), "boolean": bool}
        if (kind := form.get("type")) and not isinstance(value, kinds[kind]):  # type: ignore[arg-type]
            return f"{where} is no {kind}"
        if "enum" in form and value not in form["enum"]:
            return f"{where} is {value}, none of {form['enum']}"
        if "pattern" in form and not re.search(form["pattern"], value):
            return f"{where} does not fit {form['pattern']}"
        if isinstance(value, dict):
            return self._object(value, form, where)
        if isinstance(value, list):
            found = (self.wrong(one, form.get("items", {}), f"{where}[]") for one in value)
            return next((said for said in found if said), "")
        return ""

    def _object(self, value: dict[str, Any], form: dict[str, Any], where: str) -> str:
        if missing := set(form.get("required", ())) - value.keys():
            return f"{where} lacks {missing}"
        known = form.get("properties", {})
        if form.get("additionalProperties") is False and (odd := value.keys() - known.keys()):
            return f"{where} has {odd}"
        found = (self.wrong(one, known[name], f"{where}.{name}") for name, one in value.items() if name in known)
        return next((said for said in found if said), "")


async def ask_everything(stand: Stand, service: X) -> None:
    """Let the source do all that it ever asks of X."""
    async with asyncio.timeout(60):
        steps = [step async for step in stand.source().check()]
    assert all(step.ok for step in steps)
    stand.start()
    await stand.connected()
    await stand.arrived(await stand.publish(1))
    await service.edit(1)
    await stand.until(lambda: stand.found(Edit), "the edit was told")
    await stand.arrived(await service.publish(2, "post 2 @ExampleUser"))
    await service.delete(2)
    await stand.until(lambda: stand.found(Deletion), "the deletion was told")
    await stand.restart()
    await stand.until(lambda: any(path.endswith("/recent") for _, path, _ in service.requests), "it searched")
    now = clock.now()
    past = stand.source().backfill(now - timedelta(days=1), now - timedelta(hours=1))
    assert [one.item async for one in past if isinstance(one.item, Event)] == []


@described
async def test_all_that_is_asked_and_answered_is_in_x_s_description(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    description = Description()
    async with stand_of("x", monkeypatch, tmp_path) as stand:
        service = stand.counterpart
        assert isinstance(service, X)
        await ask_everything(stand, service)
    asked = {(method, path) for method, path, _ in service.requests if path.startswith("/2/")}
    assert len({path for _, path in asked}) >= 7, asked
    for method, path, query in service.requests:
        if path.startswith("/2/"):
            _fits_request(description, method, path, query)
    for path, body in service.bodies:
        if path.startswith("/2/"):
            form = description.operation("POST", path)["requestBody"]["content"]["application/json"]["schema"]
            assert not description.wrong(body, form), path
    for method, path, status, body in service.answers:
        if path.startswith("/2/") and status < 300:
            told = description.operation(method, path)["responses"][str(status)]
            form = told["content"]["application/json"]["schema"]
            assert not description.wrong(json.loads(body), form), path
    form = description.root["components"]["schemas"]["StreamPostsResponse"]
    assert service.lines
    assert [said for line in service.lines if (said := description.wrong(json.loads(line), form))] == []


def _fits_request(description: Description, method: str, path: str, query: dict[str, str]) -> None:
    known = description.parameters(method, path)
    assert set(query) <= set(known), path
    assert {name for name, one in known.items() if one.get("required")} <= set(query), path
    for name, value in query.items():
        form = description.seen(known[name]["schema"])
        values = value.split(",") if form.get("type") == "array" else [value]
        inner = description.seen(form.get("items", form))
        for one in values:
            if inner.get("type") == "integer":
                assert inner.get("minimum", 0) <= int(one) <= inner.get("maximum", 1 << 31), f"{path} {name}={one}"
            else:
                assert not description.wrong(one, inner, name), path
                assert len(one) <= inner.get("maxLength", len(one)), name
