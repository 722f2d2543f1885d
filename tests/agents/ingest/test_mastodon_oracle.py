"""The Mastodon of the tests, driven by `Mastodon.py`: what that client understands, a server may say."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from queue import Queue
from typing import Any

import pytest
from mastodon import Mastodon, StreamListener
from mastodon.errors import MastodonRatelimitError, MastodonUnauthorizedError

from tests.counterparts.mastodon import TAG, TOKEN, Server


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with Server(began=datetime(2026, 11, 20, tzinfo=UTC)) as server:
        yield server


def client_of(server: Server, token: str = TOKEN) -> Mastodon:
    return Mastodon(api_base_url=server.url, access_token=token, ratelimit_method="throw")


async def test_the_client_pages_through_a_timeline(server: Server) -> None:
    for number in range(1, 100):
        await server.publish(number)
    client = await asyncio.to_thread(client_of, server)
    page = await asyncio.to_thread(client.timeline_hashtag, TAG, limit=40)
    assert [status.uri for status in page] == [server.uri(number) for number in range(99, 59, -1)]
    assert page[0].created_at == datetime(2026, 11, 20, 0, 1, 39, tzinfo=UTC)
    assert page[0].account.acct == "eva@elsewhere.example"
    older = await asyncio.to_thread(client.fetch_next, page)
    assert older is not None
    assert older[0].uri == server.uri(59)
    newer = await asyncio.to_thread(client.timeline_hashtag, TAG, limit=40, min_id=older[-1].id)
    assert newer[-1].uri == server.uri(21), "min_id is answered with what is next to it"


async def test_the_client_reads_mentions_and_knows_who_it_is(server: Server) -> None:
    await server.mention(1, "hello")
    client = await asyncio.to_thread(client_of, server)
    [told] = await asyncio.to_thread(client.notifications, mentions_only=True)
    assert (told.type, told.status.uri) == ("mention", server.uri(1))
    assert (await asyncio.to_thread(client.account_verify_credentials)).acct == "brand"


async def test_the_client_is_refused_as_it_expects(server: Server) -> None:
    client = await asyncio.to_thread(client_of, server, "another")
    with pytest.raises(MastodonUnauthorizedError):
        await asyncio.to_thread(client.timeline_hashtag, TAG)
    await server.limit(60)
    client = await asyncio.to_thread(client_of, server)
    with pytest.raises(MastodonRatelimitError):
        await asyncio.to_thread(client.timeline_hashtag, TAG)
    assert client.ratelimit_remaining == 0
    assert client.ratelimit_reset > datetime.now(UTC).timestamp() - timedelta(minutes=1).total_seconds()


class Listener(StreamListener):
    """Puts what it hears into a queue."""

    def __init__(self) -> None:
        self.told: Queue[tuple[str, Any]] = Queue()

    def on_update(self, status: Any) -> None:
        self.told.put(("update", status.uri))

    def on_status_update(self, status: Any) -> None:
        self.told.put(("edit", status.uri))

    def on_delete(self, status_id: Any) -> None:
        self.told.put(("delete", str(status_id)))


async def test_the_client_follows_the_stream(server: Server) -> None:
    client = await asyncio.to_thread(client_of, server)
    listener = Listener()
    handle = await asyncio.to_thread(client.stream_hashtag, TAG, listener, run_async=True)
    try:
        async with asyncio.timeout(30):
            while not server._readers:  # noqa: ASYNC110 - the client does not say that it listens
                await asyncio.sleep(0.02)
        status = await server.post(1)
        await server.edit(1)
        await server.delete(1)
        told = [await asyncio.to_thread(listener.told.get, timeout=30) for _ in range(3)]
        assert told == [("update", server.uri(1)), ("edit", server.uri(1)), ("delete", status["id"])]
    finally:
        await server.drop()
        await asyncio.to_thread(handle.close)
