"""Earshot's own runtime: its transport, its outbox and its settings around a stage that does the common work."""

import asyncio
import logging
from typing import Any

from benchmarks.runtimes.work import job, work
from pipeline.stream.app import App
from pipeline.stream.batch import Batch, Schema
from pipeline.stream.connect import faust_settings
from pipeline.stream.garbage import look_rarely
from pipeline.stream.producer import Outbox, Outgoing
from schemas.settings import load_settings


async def main() -> None:
    """Run one agent until the process is ended."""
    given = job()
    logging.disable(logging.INFO)
    settings = load_settings(kafka=given.address)
    outbox = Outbox(settings)
    app = App(given.group, **faust_settings(settings))

    async def process(batch: Batch) -> None:
        outgoing = [Outgoing(given.target, *kept) for record in batch.records if (kept := work(record.value))]
        if await outbox.deliver(outgoing, batch.lost):
            batch.acknowledge()

    async def take(stream: Any) -> None:
        async for batch in stream:
            await process(batch)

    app.agent(app.topic(given.source, schema=Schema()), concurrency=1)(take)
    await app.start()
    look_rarely()
    await app.wait_until_stopped()


if __name__ == "__main__":
    asyncio.run(main())
