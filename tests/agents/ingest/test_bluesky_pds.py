"""Posts written at a real PDS reach us as events: its firehose feeds the Jetstream of the tests, event by event.

The firehose is what Jetstream is made of, and no registry has Jetstream itself. So what a record, a revision, an edit,
a deletion and the end of an account look like is not made up here; only the envelope is ours.
"""

import asyncio
import base64
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from atproto import CAR, AsyncFirehoseSubscribeReposClient, models, parse_subscribe_repos_message

from agents.ingest.platforms.bluesky import to_micros
from schemas.event import Deletion, Edit, Event
from tests.agents.ingest.following import Following, source_of
from tests.counterparts.bluesky import POSTS, Jetstream
from tests.servers.node import ADMIN, pds

pytestmark = pytest.mark.system

JSON = dict[str, Any]


@dataclass
class Home:
    """A PDS as its people use it."""

    url: str
    session: aiohttp.ClientSession
    did: str = ""
    token: str = ""

    async def ask(self, name: str, token: str = "", **body: Any) -> JSON:
        headers = {"Authorization": token or f"Bearer {self.token}"} if token or self.token else {}
        async with self.session.post(f"{self.url}/xrpc/{name}", json=body, headers=headers) as answer:
            told = await answer.read()
            assert answer.status == 200, f"{name} answers {answer.status}: {told[:300]!r}"
            return await answer.json() if told else {}

    async def move_in(self, name: str) -> None:
        made = await self.ask(
            "com.atproto.server.createAccount", email=f"{name}@mail.test", handle=f"{name}.test", password="a secret"
        )
        self.did, self.token = made["did"], made["accessJwt"]

    async def write(self, text: str, rkey: str = "", **more: Any) -> JSON:
        record = {"$type": POSTS, "text": text, "createdAt": "2026-11-27T08:00:00Z", "langs": ["de"], **more}
        verb, where = ("put", {"rkey": rkey}) if rkey else ("create", {})
        return await self.ask(
            f"com.atproto.repo.{verb}Record", repo=self.did, collection=POSTS, record=record, **where
        )  # fmt: skip

    async def delete(self, uri: str) -> None:
        await self.ask("com.atproto.repo.deleteRecord", repo=self.did, collection=POSTS, rkey=uri.rpartition("/")[2])

    async def move_out(self) -> None:
        admin = base64.b64encode(f"admin:{ADMIN}".encode()).decode()
        await self.ask("com.atproto.admin.deleteAccount", f"Basic {admin}", did=self.did)


@asynccontextmanager
async def relayed(home: str, sky: Jetstream) -> AsyncIterator[None]:
    """Pass what the firehose of a PDS says on to a Jetstream, as Jetstream does."""
    client = AsyncFirehoseSubscribeReposClient(base_uri=f"ws{home.removeprefix('http')}/xrpc")

    async def pass_on(frame: Any) -> None:
        message = parse_subscribe_repos_message(frame)
        micros = to_micros(datetime.fromisoformat(message.time)) if hasattr(message, "time") else 0
        if isinstance(message, models.ComAtprotoSyncSubscribeRepos.Commit):
            for body in _operations(message):
                await sky.happen("commit", body, message.repo, micros=micros)
        elif isinstance(message, models.ComAtprotoSyncSubscribeRepos.Account):
            told = {"did": message.did, "active": message.active, "seq": message.seq, "time": message.time}
            status = {"status": message.status} if message.status else {}
            await sky.happen("account", {"account": told | status}, message.did, micros=micros)

    running = asyncio.create_task(client.start(pass_on))
    try:
        yield
    finally:
        await client.stop()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


def _operations(commit: Any) -> Iterator[JSON]:
    blocks = CAR.from_bytes(commit.blocks).blocks
    for one in commit.ops:
        collection, _, rkey = one.path.partition("/")
        body = {"rev": commit.rev, "operation": one.action, "collection": collection, "rkey": rkey}
        if one.cid is not None:
            record = models.get_or_create(blocks[one.cid], strict=False)
            body |= {"cid": str(one.cid), "record": models.get_model_as_dict(record)}
        yield body


@pytest.fixture
async def home(tmp_path: Path) -> AsyncIterator[Home]:
    with pds(tmp_path) as url:
        async with aiohttp.ClientSession() as session:
            yield Home(url, session)


async def test_what_is_written_changed_and_deleted_at_a_pds_is_heard(home: Home) -> None:
    async with Jetstream() as sky, relayed(home.url, sky):
        source = source_of(f"{{id: sky, kind: bluesky, hosts: ['{sky.host}']}}", "Bahn")
        async with Following(source) as heard:
            await sky.subscribed(1)
            await home.move_in("anna")
            await home.write("Heute nichts Neues")
            made = await home.write("Die Bahn hat Verspätung")
            uri, key = made["uri"], f"bluesky:{made['uri']}"
            [event] = [one for one in await heard.until(f"+{key}") if isinstance(one, Event)]
            assert (event.text, event.lang, event.id) == ("Die Bahn hat Verspätung", "de", uri)
            assert event.author is not None
            assert event.author.id == home.did
            answer = {"root": {"uri": uri, "cid": made["cid"]}, "parent": {"uri": uri, "cid": made["cid"]}}
            replied = await home.write("Die Bahn eben", reply=answer)
            quoted = await home.write("Bahn!", embed={"$type": "app.bsky.embed.record", "record": answer["root"]})
            found = {one.id: one for one in await heard.until(*(f"+bluesky:{one['uri']}" for one in (replied, quoted)))}
            assert found[replied["uri"]].in_reply_to == uri
            assert found[quoted["uri"]].quote_of == uri
            await home.write("Die Bahn ist pünktlich, edited", uri.rpartition("/")[2])
            edit = next(one for one in await heard.until(f"~{key}") if isinstance(one, Edit))
            assert edit.text == "Die Bahn ist pünktlich, edited"
            await home.delete(uri)
            await heard.until(f"-{key}")
            assert heard.told.count(f"+{key}") == 1


async def test_an_account_that_is_deleted_at_its_pds_takes_all_it_wrote_along(home: Home) -> None:
    async with Jetstream() as sky, relayed(home.url, sky):
        source = source_of(f"{{id: sky, kind: bluesky, hosts: ['{sky.host}']}}", "Bahn")
        async with Following(source) as heard:
            await sky.subscribed(1)
            await home.move_in("anna")
            made = await home.write("Die Bahn hat Verspätung")
            await heard.until(f"+bluesky:{made['uri']}")
            await home.move_out()
            items = await heard.until(f"-author:bluesky:{home.did}")
            [gone] = [one for one in items if isinstance(one, Deletion)]
            assert gone.author
