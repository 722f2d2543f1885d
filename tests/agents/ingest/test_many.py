"""Hundreds of feeds in one process: each is heard, and none waits for another."""

import asyncio
from contextlib import AsyncExitStack

from agents.ingest.keeper import Keeper
from agents.ingest.source import parse_sources
from agents.ingest.writer import Outgoing, Told
from schemas.checkpoint import Checkpoint
from schemas.settings import load_settings
from tests.counterparts.rss import Site

FEEDS = 300


class Broker:
    """Takes everything at once."""

    def __init__(self) -> None:
        self.heard: set[str] = set()

    async def write(self, record: Outgoing, told: Told) -> None:
        self.heard.add(record.source)
        told(None)


async def test_three_hundred_feeds_in_one_process() -> None:
    async def known() -> dict[str, Checkpoint]:
        return {}

    async with AsyncExitStack() as stack:
        site = await stack.enter_async_context(Site())
        await site.publish(1)
        entries = [
            f"- {{id: feed-{number}, kind: rss, url: 'http://127.0.0.1:{site.port}/feed', every: 1m}}"
            for number in range(FEEDS)
        ]
        sources = parse_sources("\n".join(["sources:", *entries]), load_settings())
        broker, checkpoints = Broker(), asyncio.create_task(known())
        keepers = [Keeper(source, broker, checkpoints) for source in sources]  # type: ignore[arg-type]
        tasks = [asyncio.create_task(keeper.keep()) for keeper in keepers]
        async with asyncio.timeout(90):
            while len(broker.heard) < FEEDS:  # noqa: ASYNC110 - the broker tells nobody
                await asyncio.sleep(0.05)
        for task in tasks:
            task.cancel()
        async with asyncio.timeout(20):
            await asyncio.gather(*tasks, return_exceptions=True)
        assert all(keeper.ended_by is None for keeper in keepers)
