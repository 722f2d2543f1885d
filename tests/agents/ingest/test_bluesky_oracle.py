"""The Jetstream of the tests, driven by other people's client, and its records held against the AT lexicon."""

import asyncio
import json
from typing import Any

import pytest
from atproto import AsyncJetstreamClient, models
from atproto_client.models.utils import get_or_create
from atproto_jetstream.exceptions import JetstreamCursorTooOldError
from atproto_jetstream.models import ErrorFrame, MessageFrame, parse_frame, parse_subscribe_events_message

from tests.agents.ingest.test_bluesky import FRAMES
from tests.counterparts.bluesky import DID, POSTS, Jetstream, post

Params = dict[str, Any]


def client_of(sky: Jetstream, **params: Any) -> AsyncJetstreamClient:
    asked = {"collections": [POSTS], "kinds": ["commit", "account"], **params}
    return AsyncJetstreamClient(asked, base_uri=f"{sky.host}/xrpc", compress=False)


async def heard(client: AsyncJetstreamClient, count: int) -> list[Any]:
    """Run the client until it has told so many messages."""
    told: list[Any] = []
    enough = asyncio.Event()

    async def tell(message: Any) -> None:
        told.append(message)
        if len(told) >= count:
            enough.set()

    running = asyncio.create_task(client.start(tell))
    waiting = asyncio.create_task(enough.wait())
    try:
        async with asyncio.timeout(30):
            await asyncio.wait({running, waiting}, return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            running.result()
    finally:
        waiting.cancel()
        await client.stop()
        running.cancel()
        await asyncio.gather(running, waiting, return_exceptions=True)
    return told


async def test_the_client_reads_posts_edits_deletions_and_accounts() -> None:
    async with Jetstream() as sky:
        await sky.publish(1, "hello")
        await sky.edit(1)
        await sky.delete(1)
        await sky.account(active=False, status="deleted")
        told = await heard(client_of(sky, cursor=1), 4)
    commits = told[:3]
    assert [message.operation for message in commits] == ["create", "update", "delete"]
    assert [message.seq for message in told] == [1, 2, 3, 4]
    assert {message.did for message in told} == {DID}
    assert told[3].account.status == "deleted"
    assert get_or_create(commits[0].record, models.AppBskyFeedPost.Record).text == "hello"


async def test_the_client_resumes_and_drops_what_the_cursor_brings_again() -> None:
    async with Jetstream() as sky:
        for number in range(4):
            await sky.publish(number)
        client = client_of(sky, cursor=2)
        told = await heard(client, 3)
        assert [message.seq for message in told] == [2, 3, 4]
        assert client.cursor == 4
        client = client_of(sky, cursor=3)
        listening = asyncio.create_task(heard(client, 3))
        async with asyncio.timeout(30):
            while client.cursor != 4:  # noqa: ASYNC110 - the client has no event to wait for
                await asyncio.sleep(0.02)
        sky.cut()
        await sky.publish(9)
        assert [message.seq for message in await listening] == [3, 4, 5], "what comes again after a break is dropped"
        assert sky.asked[-1].query["cursor"] == "4"


async def test_the_client_takes_our_refusals_for_what_they_are() -> None:
    async with Jetstream() as sky:
        await sky.publish(1)
        await sky.forget()
        with pytest.raises(JetstreamCursorTooOldError):
            await heard(client_of(sky, cursor=1), 1)
    frame = parse_frame(Jetstream.error("ConsumerTooSlow"))
    assert isinstance(frame, ErrorFrame)
    assert frame.error == "ConsumerTooSlow"


async def test_the_client_is_told_that_its_time_is_out_of_reach() -> None:
    async with Jetstream() as sky:
        await sky.publish(1)
        await sky.forget()
        await sky.publish(2)
        [info, *_] = await heard(client_of(sky, cursor=1_700_000_000_000_000), 2)
        assert info.name == "OutdatedCursor"


@pytest.mark.parametrize("case", FRAMES, ids=[case["says"] for case in FRAMES])
def test_the_fixtures_fit_the_lexicon(case: dict[str, Any]) -> None:
    frame = parse_frame(json.dumps(case["frame"]))
    assert isinstance(frame, MessageFrame)
    message = parse_subscribe_events_message(frame)
    strict(case["frame"]["payload"]["record"])
    assert isinstance(message, models.NetworkBskyJetstreamSubscribeEvents.Commit)


def test_what_the_counterpart_publishes_fits_the_lexicon() -> None:
    strict(post("hello"))
    with pytest.raises(Exception, match="text"):
        strict(post("hello") | {"text": 7})


def strict(record: dict[str, Any]) -> None:
    """Hold a record against the lexicon of posts, every format of it."""
    models.AppBskyFeedPost.Record.model_validate(record, context={"strict_string_format": True})
