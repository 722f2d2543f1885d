"""Instagram over real HTTP: a mention is an id, and what it says is read before Meta is answered."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest

from agents import clock
from tests.agents.ingest.hooks import Running, made, running
from tests.agents.ingest.payloads import payload
from tests.servers.graph import SECRET, TOKEN, VERIFY, GraphServer

ACCOUNT = "17841405726653026"
SECRETS = {"IG_TOKEN": TOKEN, "IG_APP": SECRET, "IG_HOOK": VERIFY}


@asynccontextmanager
async def world(monkeypatch: pytest.MonkeyPatch, pull: str = "false") -> AsyncIterator[tuple[Running, GraphServer]]:
    async with GraphServer() as server:
        server.nodes[ACCOUNT] = {"id": ACCOUNT, "username": "nordbahn"}
        named = "token: env:IG_TOKEN, app_secret: env:IG_APP, verify_token: env:IG_HOOK"
        entry = f'{{id: ig, kind: instagram, account: "{ACCOUNT}", {named}, api: "{server.url}", pull: {pull}}}'
        fill(server)
        async with running(made(entry, SECRETS, monkeypatch)) as run:
            server.hook = run.hook
            await run.until(lambda: run.cursor, "it runs")
            yield run, server


def fill(server: GraphServer) -> None:
    now = clock.now()
    about: dict[str, Any] = {"username": "pendlerin", "permalink": "https://www.instagram.com/p/Aa/"}
    server.post(
        "17918195224117853", "Stau statt @nordbahn", edge=f"{ACCOUNT}/tags", at=now - timedelta(hours=2), **about
    )
    server.post("17894227972186121", "frag mal @nordbahn", edge="elsewhere", at=now - timedelta(hours=1), **about)
    server.post("own", "Unser Fahrplan", edge=f"{ACCOUNT}/media", at=now - timedelta(days=3), permalink="https://i/own")
    server.post("own-1", "Und wann?", edge="own/comments", at=now - timedelta(hours=1), username="ole")
    server.post("own-2", "Heute", edge="own/comments", at=now - timedelta(hours=1), author={"id": ACCOUNT})
    server.post("old", "Uralt", edge=f"{ACCOUNT}/media", at=now - timedelta(days=90))


async def test_mentions_are_read_by_their_ids(monkeypatch: pytest.MonkeyPatch) -> None:
    async with world(monkeypatch) as (run, server):
        assert (await server.push(payload("instagram/mentions")))[0] == 200
        assert [(event.id, event.text, event.author and event.author.name) for event in run.events] == [
            ("17894227972186121", "frag mal @nordbahn", "pendlerin"),
            ("17918195224117853", "Stau statt @nordbahn", "pendlerin"),
        ]
        assert run.events[1].url == "https://www.instagram.com/p/Aa/"
        del server.nodes["17918195224117853"]
        run.taken.clear()
        assert (await server.push(payload("instagram/mentions")))[0] == 200, "what is gone by now holds nobody up"
        facts = run.source.facts()
        assert (run.keys, facts["ignored_redelivered"], facts["ignored_no-id"]) == ([], 1.0, 1.0)


async def test_what_was_not_told_is_pulled(monkeypatch: pytest.MonkeyPatch) -> None:
    async with world(monkeypatch, pull="true") as (run, _server):
        await run.until(lambda: "reconciled" in run.cursor, "reconciled")
        assert set(run.keys) == {"instagram:17918195224117853", "instagram:own-1"}
        [comment] = [event for event in run.events if event.id == "own-1"]
        assert (comment.in_reply_to, comment.url) == ("own", "https://i/own")


async def test_check_reads_the_account(monkeypatch: pytest.MonkeyPatch) -> None:
    async with world(monkeypatch) as (run, server):
        steps = {step.name: step async for step in run.source.check()}
        assert steps["account"].detail == "nordbahn"
        server.scopes.remove("instagram_manage_comments")
        failed = [step.name async for step in run.source.check() if not step.ok]
        assert failed == ["permission instagram_manage_comments", "webhook"]
