"""The source of X against a service that speaks as X does: connections, rules, gaps, money, and what is said of it."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest

from agents.ingest.asks import Asks
from agents.ingest.platforms.x import id_at
from agents.ingest.source import Reading, parse_sources
from agents.ingest.sources.x import X as Source
from cli.broker import free_port
from schemas.checkpoint import Checkpoint
from schemas.errors import ConfigError, FailureKind, SourceError
from schemas.event import Event, Gap
from schemas.settings import load_settings
from tests.contracts.stand import watch
from tests.counterparts.x import X, counterpart
from tests.counterparts.xwebhook import Pushing, sign

SECONDS = 60


@pytest.fixture
async def service(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[X]:
    async with counterpart() as service:
        for name, value in service.secrets.items():
            monkeypatch.setenv(name, value)
        yield service


def source_of(service: X, query: str = "Bahn", **more: Any) -> Source:
    """The source that points at the service; `more` are fields of the entry in place of the usual ones."""
    settings = {"id": "x", "kind": "x", "base": service.url, "token": "env:X_BEARER_TOKEN", "settle": 0.05}
    settings |= {"overlap": 0.2, "users": False, **more}
    [source] = parse_sources(json.dumps({"sources": [settings]}), load_settings())
    assert isinstance(source, Source)
    source.asks = Asks([watch(query)])
    source.prepare()
    return source


class Reader:
    """Reads a source in the background, and keeps what came and how it ended."""

    def __init__(self, source: Source, cursor: dict[str, str] | None = None) -> None:
        self.source = source
        self.readings: list[Reading] = []
        self.error: Exception | None = None
        self._checkpoint = Checkpoint(source="x", cursor=cursor, at=datetime.now(UTC)) if cursor else None

    async def __aenter__(self) -> "Reader":
        self._task = asyncio.create_task(self._read())
        return self

    async def __aexit__(self, *_exception: object) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _read(self) -> None:
        try:
            async with aclosing(self.source.run(self._checkpoint)) as readings:
                async for reading in readings:
                    self.readings.append(reading)
        except (SourceError, ConfigError) as error:
            self.error = error

    def of(self, kind: type[Event | Gap]) -> list[Any]:
        return [reading.item for reading in self.readings if isinstance(reading.item, kind)]

    @property
    def cursor(self) -> dict[str, str]:
        return next(dict(one.cursor) for one in reversed(self.readings) if one.cursor)

    async def until(self, check: Any, sentence: str) -> None:
        async with asyncio.timeout(SECONDS):
            while not check():
                assert self.error is None, f"{sentence}: {self.error}"
                await asyncio.sleep(0.02)

    async def ended(self) -> SourceError:
        async with asyncio.timeout(SECONDS):
            await self._task
        assert isinstance(self.error, SourceError)
        return self.error


async def test_rules_are_those_of_the_watches_and_those_of_others_stay(service: X) -> None:
    service.rules = {"1": {"value": "cats", "tag": "zoo"}, "2": {"value": "old", "tag": "earshot:x"}}
    source = source_of(service, "DB")
    async with Reader(source) as reader:
        await service.until_streaming()
        assert sorted((one["value"], one["tag"]) for one in service.rules.values()) == [
            ("cats", "zoo"),
            ("db OR dbs", "earshot:x"),
        ]
        assert source.facts()["rules_of_others"] == 1
        source.asks.adopt([watch("CEO")])
        await reader.until(
            lambda: {one["value"] for one in service.rules.values()} == {"cats", "ceo OR ceos"},
            "watches that change change them: the new rule is added before the old one goes",
        )
        assert len(service.streams) == 1, "without a new connection"


async def test_without_watches_nothing_is_connected_and_no_rule_is_touched(service: X) -> None:
    service.rules = {"2": {"value": "old", "tag": "earshot:x"}}
    source = source_of(service)
    source.asks = Asks()
    async with Reader(source) as reader:
        await reader.until(lambda: source.facts().get("waits_for") == "watches", "it waits")
        assert (service.streams, len(service.rules)) == (set(), 1)


async def test_what_is_said_to_be_wrong_with_rules_ends_nothing(service: X) -> None:
    service.most_rules = 1
    source = source_of(service, " OR ".join(f"Wort{number}" for number in range(200)))
    async with Reader(source) as reader:
        error = await reader.ended()
    assert error.kind is FailureKind.REFUSED
    assert "RulesCapExceeded" in str(error)


async def test_a_connection_that_breaks_is_opened_again_and_what_was_missed_is_searched(service: X) -> None:
    async with Reader(source_of(service)) as reader:
        await service.until_streaming()
        await service.publish(1)
        await reader.until(lambda: len(reader.of(Event)) == 1, "it came")
        said = {"errors": [{"title": "operational-disconnect", "disconnect_type": "UpstreamOperationalDisconnect"}]}
        await service.disconnect(json.dumps(said).encode())
        key = await service.publish(2)
        await reader.until(lambda: len(reader.of(Event)) == 2, "it was searched for")
        assert [event.key for event in reader.of(Event)][1] == key
        assert reader.error is None, "no pause of the runner"


async def test_what_came_by_the_stream_is_not_given_again_by_the_search(service: X) -> None:
    async with Reader(source_of(service, settle=1)) as reader:
        await service.until_streaming()
        keys = [await service.publish(number) for number in range(3)]
        await reader.until(lambda: any(path.endswith("/recent") for _, path, _ in service.requests), "it searched")
        await reader.until(lambda: len(reader.of(Event)) >= 3, "all came")
        await asyncio.sleep(0)
        assert [event.key for event in reader.of(Event)] == keys


@pytest.mark.parametrize("quiet", [0.4])
async def test_a_stream_without_heartbeats_is_given_up(service: X, quiet: float) -> None:
    service.heartbeat = 3600
    async with Reader(source_of(service, quiet=quiet)) as reader:
        await reader.until(
            lambda: [path for _, path, _ in service.requests].count("/2/tweets/search/stream") >= 2, "it connects again"
        )


async def test_a_second_connection_is_told_by_name_and_waited_for(service: X) -> None:
    async with Reader(source_of(service)):
        await service.until_streaming()
        async with Reader(source_of(service)) as second:
            error = await second.ended()
    assert "TooManyConnections" in str(error)
    assert (error.kind, error.retry_after) == (FailureKind.SERVER, 5.0)


@pytest.mark.parametrize(
    ("status", "kind", "waits"),
    [
        (429, FailureKind.RATE_LIMITED, [60, 120]),
        (503, FailureKind.SERVER, [5, 10]),
        (409, FailureKind.REFUSED, [5, 10]),
    ],
)
async def test_what_x_answers_is_waited_for_as_documented(
    service: X, status: int, kind: FailureKind, waits: list[float]
) -> None:
    source = source_of(service)
    service.refuse["/2/tweets/search/stream"] = status
    for wait in waits:
        async with Reader(source) as reader:
            error = await reader.ended()
        assert (error.kind, error.status, error.retry_after) == (kind, status, wait)


async def test_what_is_older_than_seven_days_is_a_gap_and_the_rest_is_searched(service: X) -> None:
    long_ago = datetime.now(UTC) - timedelta(days=9)
    key = await service.publish(1)
    async with Reader(source_of(service), {"since": str(id_at(long_ago))}) as reader:
        await reader.until(lambda: reader.of(Event), "what can be had was searched for")
        [gap] = reader.of(Gap)
        assert "seven days" in gap.reason
        assert abs(gap.since - long_ago) < timedelta(seconds=1)
        assert gap.until < datetime.now(UTC) - timedelta(days=6, hours=23)
        assert [event.key for event in reader.of(Event)] == [key]


async def test_a_gap_of_many_posts_is_searched_page_by_page(service: X) -> None:
    keys = {await service.publish(number) for number in range(250)}
    since = str(id_at(datetime.now(UTC) - timedelta(hours=1)))
    async with Reader(source_of(service), {"since": since}) as reader:
        await reader.until(lambda: len(reader.of(Event)) >= 250, "all pages came")
        assert {event.key for event in reader.of(Event)} == keys
        await reader.until(lambda: int(reader.cursor["since"]) > int(since), "then the cursor moves on")
    pages = [query for _, path, query in service.requests if path.endswith("/recent")]
    assert [query["max_results"] for query in pages[:3]] == ["100"] * 3
    assert all(query["since_id"] == since for query in pages[:3])


async def test_while_a_gap_waits_the_cursor_stays(service: X) -> None:
    since = str(id_at(datetime.now(UTC) - timedelta(hours=1)))
    async with Reader(source_of(service, settle=3600), {"since": since}) as reader:
        await service.until_streaming()
        await service.publish(1)
        await reader.until(lambda: reader.of(Event), "the stream goes on meanwhile")
        assert reader.cursor["since"] == since


# ---- money


async def test_the_stream_is_left_before_the_budget_is_exceeded_and_the_time_without_is_a_gap(service: X) -> None:
    source = source_of(service, budget_day=0.1, reserve=5)
    async with Reader(source) as reader:
        await service.until_streaming()
        for number in range(16):
            await service.publish(number)
        error = await reader.ended()
    assert error.kind is FailureKind.BUDGET
    assert 0 < (error.retry_after or 0) <= 86_400
    facts = source.facts()
    assert facts["spent_day"] == pytest.approx(0.08)
    assert facts["budget_left"] == pytest.approx(0.02), "as much as may be under way is kept back"
    assert not service.streams or len(service.streams) == 1
    stopped = reader.cursor
    assert stopped["stopped"]
    before = len(service.requests)
    async with Reader(source, stopped) as reader:
        await reader.ended()
    assert [path for _, path, _ in service.requests[before:] if path.endswith(("stream", "recent"))] == []
    await service.disconnect()
    richer = source_of(service)
    async with Reader(richer, stopped) as reader:
        await reader.until(lambda: reader.of(Gap), "the gap was told")
        [gap] = reader.of(Gap)
        assert "budget" in gap.reason
        await reader.until(lambda: not reader.cursor["stopped"], "and it goes on")


async def test_what_was_spent_survives_a_restart(service: X) -> None:
    source = source_of(service, budget_day=1)
    async with Reader(source) as reader:
        await service.until_streaming()
        await service.publish(1)
        await reader.until(lambda: source.kept.get("spent"), "it is kept")
    again = source_of(service, budget_day=1)
    again.kept = dict(source.kept)
    await service.disconnect()
    async with Reader(again) as reader:
        await service.until_streaming()
        await service.publish(2)
        await reader.until(lambda: again.facts()["spent_day"] == pytest.approx(0.01), "it is counted on")


async def test_a_gap_is_searched_only_as_far_as_the_money_goes(service: X) -> None:
    for number in range(40):
        await service.publish(number)
    since = str(id_at(datetime.now(UTC) - timedelta(hours=1)))
    source = source_of(service, budget_day=0.14, reserve=1)
    async with Reader(source, {"since": since}) as reader:
        await reader.until(lambda: reader.of(Gap), "the rest is a gap")
        assert len(reader.of(Event)) == 28, "two dozen and four at half a cent"
        assert "budget" in reader.of(Gap)[0].reason
    assert float(source.facts()["spent_day"]) <= 0.14


# ---- what else is asked for


async def test_mentions_are_asked_for_with_the_owner_s_token_and_cost_less(service: X) -> None:
    service.rules = {}
    source = source_of(
        service, "post", account="1111111111111111111", user_token="env:X_USER_TOKEN", every=0.2, settle=3600
    )
    async with Reader(source) as reader:
        await service.until_streaming()
        await reader.until(lambda: int(reader.cursor["mentions"]), "it knows from when on")
        service.rules = {"1": {"value": "nothingofthat", "tag": "earshot:x"}}
        key = await service.publish(1, "post @ExampleUser")
        await reader.until(lambda: reader.of(Event), "it was asked for")
        assert [event.key for event in reader.of(Event)] == [key]
    assert source.facts()["spent_day"] == pytest.approx(0.001)


async def test_the_owner_s_token_is_renewed_and_its_refresh_token_used_once(
    service: X, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("X_REFRESH_TOKEN", "refresh-0")
    monkeypatch.setenv("X_CLIENT_SECRET", "client-secret")
    renewed: dict[str, Any] = {"account": "1111111111111111111", "refresh_token": "env:X_REFRESH_TOKEN"}
    renewed |= {"client_id": "c1", "tokens": f"{service.url}/oauth2/token", "every": 0.1, "settle": 3600}
    with pytest.raises(ConfigError, match="client_id"):
        source_of(service, **renewed | {"client_id": ""})
    source = source_of(service, "post", **renewed, client_secret="env:X_CLIENT_SECRET")
    assert [step.name for step in [one async for one in source.check()] if not step.ok] == []
    assert service.grants == [], "to try it would use it up"
    source = source_of(service, "post", **renewed, client_secret="env:X_CLIENT_SECRET")
    async with Reader(source) as reader:
        await reader.until(lambda: service.grants, "it was asked for")
        await reader.until(lambda: int(reader.cursor.get("mentions", 0)), "mentions were read")
        service.allowed.discard("user-token-1")
        await reader.until(lambda: len(service.grants) == 2, "what was taken back is renewed")
        await service.publish(1, "post @ExampleUser")
        await reader.until(lambda: reader.of(Event), "and reads on")
    assert [refresh for refresh, _ in service.grants] == ["refresh-0", "refresh-1"]
    assert {client for _, client in service.grants} == {"Basic YzE6Y2xpZW50LXNlY3JldA=="}
    assert source.kept["refresh_token"] == "refresh-2", "which is stored with the checkpoint"
    assert "token_expires" in source.facts()
    again = source_of(service, **renewed)
    again.kept.update(source.kept)
    async with Reader(again) as reader:
        await reader.until(lambda: len(service.grants) == 3, "a restart goes on with the newest")
    assert service.grants[-1] == ("refresh-2", "c1"), "of a public client the id alone"


async def test_posts_that_no_watch_asks_for_are_paid_and_go_no_further(service: X) -> None:
    source = source_of(service, "Bahn NOT Modell")
    async with Reader(source) as reader:
        await service.until_streaming()
        await service.publish(1, "Die Bahn im Modell")
        await service.publish(2)
        await reader.until(lambda: reader.of(Event), "the other came")
        assert [event.text for event in reader.of(Event)] == ["Die Bahn steht 2"]
    assert source.facts()["spent_day"] == pytest.approx(0.01)


async def test_less_is_heard_on_purpose_only(service: X) -> None:
    source = source_of(service, "DB", languages=["de", "en"], reposts=False)
    async with Reader(source):
        await service.until_streaming()
        [rule] = service.rules.values()
        assert rule["value"] == "(db OR dbs) (lang:de OR lang:en) -is:retweet"


@pytest.mark.parametrize(
    ("path", "status", "name"),
    [
        ("/2/tweets/search/stream/rules", 403, "bearer token and rules"),
        ("/2/tweets/search/stream", 403, "stream"),
        ("/2/tweets/search/recent", 403, "search"),
        ("/2/users/1111111111111111111/mentions", 403, "mentions"),
        ("/2/compliance/jobs", 403, "deletions"),
    ],
)
async def test_the_permission_that_is_missing_is_named(service: X, path: str, status: int, name: str) -> None:
    service.refuse[path] = status
    source = source_of(service, account="1111111111111111111", user_token="env:X_USER_TOKEN")
    steps = [step async for step in source.check()]
    assert [step.name for step in steps if not step.ok] == [name]
    [failed] = [step for step in steps if not step.ok]
    assert "403" in failed.detail
    assert "console" in failed.detail or "user_token" in failed.detail


async def test_what_is_not_asked_of_x_is_said(service: X) -> None:
    steps = [step async for step in source_of(service, "DB OR *ruf").check()]
    [failed] = [step for step in steps if not step.ok]
    assert (failed.name, "*ruf" in failed.detail) == ("watches", True)


async def test_the_past_beyond_seven_days_cannot_be_had(service: X) -> None:
    now = datetime.now(UTC)
    with pytest.raises(ConfigError, match="seven days"):
        await anext(source_of(service).backfill(now - timedelta(days=8), now))


# ---- what X pushes


async def test_only_what_x_signed_is_taken_and_the_challenge_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    async with Pushing() as pushing:
        for name, value in pushing.secrets.items():
            monkeypatch.setenv(name, value)
        settings = load_settings(webhook_port=free_port())
        [source] = parse_sources(f"sources: [{pushing.entry}]", settings)
        source.prepare()
        pushing.door = f"http://127.0.0.1:{settings.webhook_port}"
        async with Reader(source):  # type: ignore[arg-type]
            async with asyncio.timeout(SECONDS):
                while not await pushing.challenge():  # noqa: ASYNC110 - as X does
                    await asyncio.sleep(0.02)
            body = b'{"data": {"event_type": "follow.follow", "payload": {}}}'
            assert await pushing.send(body) == 200, "what is about something else is answered"
            assert await pushing.send(body, "") == 401
            assert await pushing.send(body, sign(body + b" ")) == 401
            async with aiohttp.ClientSession() as session, session.get(f"{pushing.door}/hooks/x-push") as answer:
                assert answer.status == 400, "no challenge"
