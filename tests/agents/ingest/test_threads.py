"""Threads over real HTTP: what it pushes, what its search finds, and how many searches a day allows."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from agents import clock
from agents.ingest.asks import Asks
from agents.ingest.budget import Spending
from agents.ingest.meta.graph import Graph
from tests.agents.ingest.hooks import Running, made, running
from tests.agents.ingest.payloads import payload
from tests.contracts.stand import watch
from tests.servers.graph import SECRET, TOKEN, VERIFY, GraphServer

ACCOUNT = "17841"
SECRETS = {"TH_TOKEN": TOKEN, "TH_APP": SECRET, "TH_HOOK": VERIFY}

ENTRY = (
    "{id: th, kind: threads, account: '17841', token: env:TH_TOKEN, app_secret: env:TH_APP, verify_token: env:TH_HOOK}"
)


@asynccontextmanager
async def world(
    monkeypatch: pytest.MonkeyPatch, query: str, more: str = ""
) -> AsyncIterator[tuple[Running, GraphServer]]:
    async with GraphServer() as server:
        server.nodes[ACCOUNT] = {"id": ACCOUNT, "username": "nordbahn"}
        now = clock.now()
        for number, (name, said) in enumerate(
            [("eva", "Die Nordbahn steht"), ("ole", "nordbahn und tickets"), ("nordbahn", "Wir, die Nordbahn")], 1
        ):
            server.post(f"18{number}", said, edge="threads", at=now - timedelta(minutes=number), username=name)
        server.post("199", "@nordbahn hallo", edge=f"{ACCOUNT}/mentions", at=now - timedelta(minutes=9), username="ida")
        named = "token: env:TH_TOKEN, app_secret: env:TH_APP, verify_token: env:TH_HOOK"
        entry = f'{{id: th, kind: threads, account: "{ACCOUNT}", {named}, api: "{server.url}"{more}}}'
        source = made(entry, SECRETS, monkeypatch)
        source.asks = Asks([watch(query)])
        async with running(source) as run:
            server.hook = run.hook
            await run.until(lambda: "reconciled" in run.cursor, "read")
            yield run, server


async def test_mentions_and_what_a_watch_wants_of_what_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    async with world(monkeypatch, "nordbahn AND NOT tickets") as (run, server):
        assert set(run.keys) == {"threads:199", "threads:181"}, "neither our own words nor what nobody asked for"
        assert server.asked.count("keyword_search") == 2, "two pages"
        assert Spending.read(run.cursor["searched"]).today == 1, "of one search"
        assert run.source.facts()["quota_left"] == 2199.0


async def test_a_search_that_finds_nothing_costs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    async with world(monkeypatch, "südbahn") as (run, _server):
        assert run.keys == ["threads:199"]
        assert run.source.facts()["quota_left"] == 2200.0


async def test_the_day_has_so_many_searches(monkeypatch: pytest.MonkeyPatch) -> None:
    async with world(monkeypatch, "nordbahn", ", searches: 0") as (run, server):
        assert run.keys == ["threads:199"]
        assert "keyword_search" not in server.asked


async def test_many_words_take_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    words = " OR ".join(f"word{number}" for number in range(50))
    async with world(monkeypatch, words) as (run, _server):
        shares = [run.source._share() for _ in range(3)]
        assert {rounds for _, rounds in shares} == {3}, "2,200 a day are 22 in a quarter of an hour"
        assert sorted(word for some, _ in shares for word in some) == sorted(f"word{number}" for number in range(50))


async def test_what_is_pushed(monkeypatch: pytest.MonkeyPatch) -> None:
    async with world(monkeypatch, "südbahn") as (run, server):
        run.taken.clear()
        assert (await server.push(payload("threads/reply")))[0] == 200
        assert (await server.push(payload("threads/delete")))[0] == 200
        assert (await server.push(payload("threads/reply")))[0] == 200
        assert run.keys == ["threads:18001", "threads:18001"], "what was deleted does not come back"


async def test_the_token_is_renewed_every_week_and_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    async with world(monkeypatch, "nordbahn") as (run, server):
        await run.until(lambda: "token" in run.source.kept, "renewed")
        assert server.renewed == [TOKEN]
        kept, at = dict(run.source.kept), clock.now()
        async with Graph("th", run.source.account()) as graph:
            await run.source.renew(graph)
            assert server.renewed == [TOKEN], "not every time"
            monkeypatch.setattr(clock, "now", lambda: at + timedelta(days=8))
            await run.source.renew(graph)
        assert server.renewed == [TOKEN, f"{TOKEN}-1"], "the newest gives the next"
        assert run.source.account().token == f"{TOKEN}-2"
        assert TOKEN not in str(run.source.facts())
        server.tokens.discard(f"{TOKEN}-2")
        async with Graph("th", run.source.account()) as graph:
            monkeypatch.setattr(clock, "now", lambda: at + timedelta(days=16))
            await run.source.renew(graph)
        assert len(server.renewed) == 2, "one that is refused stays, and the source goes on"
    again = made(ENTRY, SECRETS | {"TH_TOKEN": "written by a person"}, monkeypatch)
    again.kept.update(kept)
    assert again.account().token == "written by a person", "begins anew"
